package dev.berth.agent.cli.quickstart;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.shim.ShimBinary;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** An OCI image of one static program, made here without a network. */
final class QuickstartImage {
    static final String NAME = "localhost/berth/quickstart:latest";

    private QuickstartImage() {}

    /** The image as an OCI archive. */
    static byte[] archive() throws IOException, ImageException {
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
                        .label("dev.berth.purpose", "quickstart");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        image.writeArchive(bytes, Optional.of(ImageReference.parse(NAME)));
        return bytes.toByteArray();
    }
}
