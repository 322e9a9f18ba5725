package dev.berth.agent.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Only sysctls that belong to a namespace of the container's own, each with a value of its type: anything else would change the host, and a value with a delimiter once became a second key
 * (CVE-2022-0811).
 */
final class SysctlRules {
    private static final Set<String> IPC =
            Set.of(
                    "kernel.msgmax",
                    "kernel.msgmnb",
                    "kernel.msgmni",
                    "kernel.shmall",
                    "kernel.shmmax",
                    "kernel.shmmni",
                    "kernel.shm_rmid_forced");
    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,20}");
    private static final Pattern NUMBERS = Pattern.compile("[0-9]{1,20}([ \t]+[0-9]{1,20}){3}");
    private static final Pattern NET_KEY = Pattern.compile("net\\.[a-z0-9_]+(\\.[A-Za-z0-9_/-]+)+");
    private static final Pattern NET_VALUE = Pattern.compile("[A-Za-z0-9_.,: \t-]{0,256}");

    private SysctlRules() {}

    static Map<String, String> check(
            Map<String, String> asked, boolean hostNetwork, boolean hostIpc) throws AgentException {
        Map<String, String> out = new LinkedHashMap<>();
        for (Map.Entry<String, String> entry : asked.entrySet()) {
            String key = entry.getKey();
            String value = entry.getValue().strip();
            boolean ipc = IPC.contains(key) || key.equals("kernel.sem");
            boolean mqueue = key.matches("fs\\.mqueue\\.[a-z_]+");
            boolean net = NET_KEY.matcher(key).matches() && !key.contains("..");
            if (!ipc && !mqueue && !net) {
                throw AgentException.invalid(
                        "sysctl \"" + key + "\" is not namespaced: it would change the host");
            }
            if ((ipc || mqueue) && hostIpc) {
                throw AgentException.invalid(
                        "sysctl \"" + key + "\" is not allowed with --ipc host");
            }
            if (net && hostNetwork) {
                throw AgentException.invalid(
                        "sysctl \"" + key + "\" is not allowed with --network host");
            }
            boolean fits =
                    net
                            ? NET_VALUE.matcher(value).matches()
                            : (key.equals("kernel.sem") ? NUMBERS : NUMBER)
                                    .matcher(value)
                                    .matches();
            if (!fits) {
                throw AgentException.invalid(
                        "sysctl \"" + key + "\": invalid value \"" + value + "\"");
            }
            out.put(key, value);
        }
        return out;
    }
}
