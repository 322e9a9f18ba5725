package dev.berth.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The contents of a container's {@code /etc/hosts}, {@code /etc/hostname} and {@code /etc/resolv.conf}. */
public final class GeneratedFiles {
    private static final String HOSTS =
            """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::\tip6-localnet
            ff00::\tip6-mcastprefix
            ff02::1\tip6-allnodes
            ff02::2\tip6-allrouters
            """;

    private GeneratedFiles() {}

    /** File names (as in {@link MountTranslation#GENERATED}) to contents. With the host's network they begin as copies of the host's. */
    public static Map<String, String> of(ContainerSpec spec, String fallbackName)
            throws AgentException {
        Fields host = new Fields(spec.hostConfig(), "HostConfig");
        boolean hostNetwork = spec.networkMode().equals("host");
        String name = spec.config().path("Hostname").asText(fallbackName);
        Map<String, String> out = new LinkedHashMap<>();
        out.put("hostname", name + "\n");
        out.put("hosts", hosts(host, hostNetwork ? read("/etc/hosts").orElse(HOSTS) : HOSTS));
        out.put("resolv.conf", resolver(host));
        return out;
    }

    private static String hosts(Fields host, String base) throws AgentException {
        StringBuilder text = new StringBuilder(base);
        for (String entry : host.list("ExtraHosts")) {
            int colon = entry.indexOf(':');
            String address = colon < 0 ? "" : entry.substring(colon + 1);
            if (colon <= 0 || !address.matches("\\[?[0-9a-fA-F.:]+\\]?")) {
                throw AgentException.invalid(
                        "bad format for add-host: \"" + entry + "\": want name:address");
            }
            text.append(address.replace("[", "").replace("]", ""))
                    .append('\t')
                    .append(entry, 0, colon)
                    .append('\n');
        }
        return text.toString();
    }

    private static String resolver(Fields host) throws AgentException {
        List<String> servers = host.list("Dns");
        List<String> search = host.list("DnsSearch");
        List<String> options = host.list("DnsOptions");
        for (String value : servers) {
            if (!value.matches("[0-9a-fA-F.:%a-z]+")) {
                throw AgentException.invalid(value + " is not an IP address");
            }
        }
        StringBuilder text = new StringBuilder();
        for (String line : read("/etc/resolv.conf").orElse("").split("\n", -1)) {
            boolean replaced =
                    (line.startsWith("nameserver") && !servers.isEmpty())
                            || (line.startsWith("search") && !search.isEmpty())
                            || (line.startsWith("options") && !options.isEmpty());
            if (!replaced && !line.isBlank()) {
                text.append(line).append('\n');
            }
        }
        servers.forEach(server -> text.append("nameserver ").append(server).append('\n'));
        line(text, "search", search);
        line(text, "options", options);
        return text.toString();
    }

    private static void line(StringBuilder text, String word, List<String> values)
            throws AgentException {
        for (String value : values) {
            if (!value.matches("[\\w.:-]+")) {
                throw AgentException.invalid("invalid DNS " + word + " value: \"" + value + "\"");
            }
        }
        if (!values.isEmpty()) {
            text.append(word).append(' ').append(String.join(" ", values)).append('\n');
        }
    }

    private static java.util.Optional<String> read(String path) {
        try {
            return java.util.Optional.of(Files.readString(Path.of(path)));
        } catch (IOException _) {
            return java.util.Optional.empty();
        }
    }
}
