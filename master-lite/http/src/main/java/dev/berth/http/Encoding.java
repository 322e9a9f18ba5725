package dev.berth.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;

import dev.berth.protocol.MesosJson;
import dev.berth.protocol.MesosJsonReader;
import dev.berth.protocol.Preference;
import dev.berth.protocol.ProtocolException;

import org.jspecify.annotations.Nullable;

import java.util.Locale;
import java.util.Optional;

/** How messages travel. Pure functions. */
public enum Encoding {
    JSON("application/json"),
    PROTOBUF("application/x-protobuf");

    private final String mediaType;

    Encoding(String mediaType) {
        this.mediaType = mediaType;
    }

    /** As headers name it. */
    public String mediaType() {
        return mediaType;
    }

    /** Of a request's Content-Type. Mesos wants the bare lower-case words; case and parameters are no reason to refuse. */
    public static Optional<Encoding> ofContentType(String contentType) {
        int semicolon = contentType.indexOf(';');
        String bare =
                (semicolon < 0 ? contentType : contentType.substring(0, semicolon))
                        .strip()
                        .toLowerCase(Locale.ROOT);
        for (Encoding encoding : values()) {
            if (encoding.mediaType.equals(bare)) {
                return Optional.of(encoding);
            }
        }
        return Optional.empty();
    }

    /** What a client takes: JSON where it takes both or says nothing; empty when it takes neither. */
    public static Optional<Encoding> accepted(@Nullable String accept) {
        if (accept == null || accept.isBlank()) {
            return Optional.of(JSON);
        }
        for (Encoding encoding : values()) {
            if (Preference.quality(accept, encoding.mediaType) > 0) {
                return Optional.of(encoding);
            }
        }
        return Optional.empty();
    }

    /** As it travels. */
    public byte[] write(Message message) {
        return this == JSON ? MesosJson.write(message) : message.toByteArray();
    }

    /** Parses a message; a missing required field is a failure too. */
    public <T extends Message> T read(byte[] bytes, T prototype) throws ProtocolException {
        if (this == JSON) {
            return MesosJsonReader.read(bytes, prototype);
        }
        try {
            @SuppressWarnings("unchecked")
            T read = (T) prototype.getParserForType().parseFrom(bytes);
            return read;
        } catch (InvalidProtocolBufferException e) {
            throw new ProtocolException(
                    "Failed to parse body into Call protobuf: " + e.getMessage(), e);
        }
    }
}
