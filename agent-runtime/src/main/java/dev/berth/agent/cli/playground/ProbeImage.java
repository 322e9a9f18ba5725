package dev.berth.agent.cli.playground;

import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.shim.ShimBinary;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** An OCI image of one static program, made here without a network. */
public final class ProbeImage {
    public static final String NAME = "localhost/berth/probe:latest";

    private ProbeImage() {}

    /**
     * Makes the image and loads it into the agent.
     *
     * @return its size in bytes
     */
    public static int load(Cli cli) throws CliException, IOException {
        byte[] archive;
        try {
            archive = archive();
        } catch (ImageException e) {
            throw new CliException(1, String.valueOf(e.getMessage()), e);
        }
        Query query = Query.of("/images/load").with("quiet", "1");
        try (Response response =
                        cli.client()
                                .upload(
                                        query,
                                        new ByteArrayInputStream(archive),
                                        "application/x-tar");
                JsonReader messages = new JsonReader(response.body())) {
            for (Optional<Json> next = messages.next(); next.isPresent(); next = messages.next()) {
                String error = next.get().at("errorDetail", "message").text();
                if (!error.isEmpty()) {
                    throw new CliException(1, "cannot load the image: " + error);
                }
            }
        }
        return archive.length;
    }

    /** The image as an OCI archive. */
    private static byte[] archive() throws IOException, ImageException {
        byte[] passwd = "root:x:0:0:root:/:/probe\n".getBytes(StandardCharsets.UTF_8);
        OciImageWriter image =
                new OciImageWriter(Platform.host())
                        .layer(
                                List.of(
                                        new Member.Directory("etc", 0755),
                                        new Member.RegularFile("etc/passwd", 0644, passwd),
                                        new Member.Directory("tmp", 01777),
                                        new Member.RegularFile(
                                                "probe", 0755, ShimBinary.probe().bytes())))
                        .env("PATH=/")
                        .entrypoint("/probe")
                        .label("dev.berth.purpose", "probe");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        image.writeArchive(bytes, Optional.of(ImageReference.parse(NAME)));
        return bytes.toByteArray();
    }
}
