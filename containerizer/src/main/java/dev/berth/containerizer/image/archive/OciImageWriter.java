package dev.berth.containerizer.image.archive;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.MediaTypes;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;

/**
 * Makes small OCI images out of nothing but bytes in memory: no network, no host files, no clock. The same calls make the same bytes.
 *
 * <p>Thread: one.
 */
public final class OciImageWriter {
    /** Every time in the image: the epoch, so that two builds agree. */
    private static final String CREATED = "1970-01-01T00:00:00Z";

    private final Platform platform;
    private final List<Blob> layers = new ArrayList<>();
    private final List<Digest> diffIds = new ArrayList<>();
    private final Map<String, String> labels = new LinkedHashMap<>();
    private List<String> env = List.of();
    private List<String> entrypoint = List.of();
    private List<String> cmd = List.of();
    private String workingDir = "";
    private String user = "";
    private String stopSignal = "";

    public OciImageWriter(Platform platform) {
        this.platform = platform;
    }

    /** A member of a layer; names are relative to the image's root. */
    public sealed interface Member {
        /** A regular file owned by root. */
        record RegularFile(String name, int mode, byte[] content) implements Member {}

        /** A directory owned by root. */
        record Directory(String name, int mode) implements Member {}

        /** A symbolic link. */
        record Link(String name, String target) implements Member {}

        String name();
    }

    /** What the blobs of an image are. */
    private record Blob(String mediaType, Digest digest, byte[] bytes) {}

    public OciImageWriter env(String... values) {
        env = List.of(values);
        return this;
    }

    public OciImageWriter entrypoint(String... values) {
        entrypoint = List.of(values);
        return this;
    }

    public OciImageWriter cmd(String... values) {
        cmd = List.of(values);
        return this;
    }

    public OciImageWriter workingDir(String path) {
        workingDir = path;
        return this;
    }

    public OciImageWriter user(String value) {
        user = value;
        return this;
    }

    public OciImageWriter stopSignal(String name) {
        stopSignal = name;
        return this;
    }

    public OciImageWriter label(String name, String value) {
        labels.put(name, value);
        return this;
    }

    /** Adds a layer, on top of those before it. */
    public OciImageWriter layer(List<Member> members) throws IOException {
        return layer(tar(members));
    }

    /** Adds a layer that is a tar already, compressed with gzip on the way. */
    public OciImageWriter layer(byte[] tar) throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
            gzip.write(tar);
        }
        return blob(
                MediaTypes.OCI_LAYER_GZIP,
                compressed.toByteArray(),
                ContentDigest.of("sha256", tar));
    }

    /** Adds a layer as it is, with the diff id that the configuration shall promise. */
    public OciImageWriter blob(String mediaType, byte[] bytes, Digest diffId) {
        layers.add(new Blob(mediaType, ContentDigest.of("sha256", bytes), bytes));
        diffIds.add(diffId);
        return this;
    }

    /** The tar of a layer: owner root, time 0, in the given order. */
    public static byte[] tar(List<Member> members) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = newTar(bytes)) {
            for (Member member : members) {
                switch (member) {
                    case Member.RegularFile file ->
                            put(tar, file.name(), file.mode(), file.content());
                    case Member.Directory directory -> {
                        TarArchiveEntry entry = new TarArchiveEntry(directory.name() + "/");
                        finish(tar, entry, directory.mode());
                    }
                    case Member.Link link -> {
                        TarArchiveEntry entry =
                                new TarArchiveEntry(link.name(), TarConstants.LF_SYMLINK);
                        entry.setLinkName(link.target());
                        finish(tar, entry, 0777);
                    }
                }
            }
        }
        return bytes.toByteArray();
    }

    private static TarArchiveOutputStream newTar(OutputStream target) {
        TarArchiveOutputStream tar =
                new TarArchiveOutputStream(target, StandardCharsets.UTF_8.name());
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        return tar;
    }

    private static void finish(TarArchiveOutputStream tar, TarArchiveEntry entry, int mode)
            throws IOException {
        prepare(entry, mode);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private static void prepare(TarArchiveEntry entry, int mode) {
        entry.setMode(mode);
        entry.setModTime(0);
        entry.setUserId(0);
        entry.setGroupId(0);
        entry.setUserName("");
        entry.setGroupName("");
    }

    private static void put(TarArchiveOutputStream tar, String name, int mode, byte[] content)
            throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        prepare(entry, mode);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    /** Writes an OCI layout in a tar (OCI archive). */
    public void writeArchive(OutputStream target, Optional<ImageReference> name)
            throws IOException {
        TarArchiveOutputStream tar = newTar(target);
        for (Map.Entry<String, byte[]> file : layout(name).entrySet()) {
            put(tar, file.getKey(), 0644, file.getValue());
        }
        tar.finish();
        tar.flush();
    }

    /** Writes an OCI layout directory. */
    public void writeLayout(Path directory, Optional<ImageReference> name) throws IOException {
        for (Map.Entry<String, byte[]> file : layout(name).entrySet()) {
            Path path = directory.resolve(file.getKey());
            Files.createDirectories(path.resolveSibling("."));
            Files.write(path, file.getValue());
        }
    }

    /** The image's id: the digest of its configuration. */
    public Digest id() throws IOException {
        return ContentDigest.of("sha256", config());
    }

    /** The files of the layout: path to content (image-spec "image-layout"). */
    public Map<String, byte[]> layout(Optional<ImageReference> name) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("oci-layout", json(out -> out.writeStringField("imageLayoutVersion", "1.0.0")));
        byte[] config = config();
        byte[] manifest = manifest(config);
        Digest manifestDigest = ContentDigest.of("sha256", manifest);
        files.put(
                "index.json",
                json(out -> {
                    out.writeNumberField("schemaVersion", 2);
                    out.writeStringField("mediaType", MediaTypes.OCI_INDEX);
                    out.writeArrayFieldStart("manifests");
                    out.writeStartObject();
                    descriptor(out, MediaTypes.OCI_MANIFEST, manifestDigest, manifest.length);
                    if (name.isPresent()) {
                        out.writeObjectFieldStart("annotations");
                        out.writeStringField(
                                "org.opencontainers.image.ref.name", name.get().toString());
                        out.writeEndObject();
                    }
                    out.writeEndObject();
                    out.writeEndArray();
                }));
        files.put(path(manifestDigest), manifest);
        files.put(path(ContentDigest.of("sha256", config)), config);
        for (Blob layer : layers) {
            files.put(path(layer.digest()), layer.bytes());
        }
        return files;
    }

    private static String path(Digest digest) {
        return "blobs/" + digest.algorithm() + "/" + digest.hex();
    }

    private byte[] manifest(byte[] config) throws IOException {
        return json(out -> {
            out.writeNumberField("schemaVersion", 2);
            out.writeStringField("mediaType", MediaTypes.OCI_MANIFEST);
            out.writeObjectFieldStart("config");
            descriptor(
                    out, MediaTypes.OCI_CONFIG, ContentDigest.of("sha256", config), config.length);
            out.writeEndObject();
            out.writeArrayFieldStart("layers");
            for (Blob layer : layers) {
                out.writeStartObject();
                descriptor(out, layer.mediaType(), layer.digest(), layer.bytes().length);
                out.writeEndObject();
            }
            out.writeEndArray();
        });
    }

    private static void descriptor(JsonGenerator out, String mediaType, Digest digest, long size)
            throws IOException {
        out.writeStringField("mediaType", mediaType);
        out.writeStringField("digest", digest.toString());
        out.writeNumberField("size", size);
    }

    private byte[] config() throws IOException {
        return json(out -> {
            out.writeStringField("created", CREATED);
            out.writeStringField("architecture", platform.architecture());
            out.writeStringField("os", platform.os());
            if (platform.variant().isPresent()) {
                out.writeStringField("variant", platform.variant().get());
            }
            out.writeObjectFieldStart("config");
            text(out, "User", user);
            strings(out, "Env", env);
            strings(out, "Entrypoint", entrypoint);
            strings(out, "Cmd", cmd);
            text(out, "WorkingDir", workingDir);
            text(out, "StopSignal", stopSignal);
            if (!labels.isEmpty()) {
                out.writeObjectFieldStart("Labels");
                for (Map.Entry<String, String> label : labels.entrySet()) {
                    out.writeStringField(label.getKey(), label.getValue());
                }
                out.writeEndObject();
            }
            out.writeEndObject();
            out.writeObjectFieldStart("rootfs");
            out.writeStringField("type", "layers");
            strings(out, "diff_ids", diffIds.stream().map(Digest::toString).toList());
            out.writeEndObject();
        });
    }

    private static void text(JsonGenerator out, String name, String value) throws IOException {
        if (!value.isEmpty()) {
            out.writeStringField(name, value);
        }
    }

    private static void strings(JsonGenerator out, String name, List<String> values)
            throws IOException {
        out.writeArrayFieldStart(name);
        for (String value : values) {
            out.writeString(value);
        }
        out.writeEndArray();
    }

    @FunctionalInterface
    private interface Body {
        void write(JsonGenerator out) throws IOException;
    }

    private static byte[] json(Body body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator out = new JsonFactory().createGenerator(bytes)) {
            out.writeStartObject();
            body.write(out);
            out.writeEndObject();
        }
        return bytes.toByteArray();
    }
}
