package dev.berth.agent;

import dev.berth.agent.config.AgentLog;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;

/** Under which address this host's network is known: the one that the agent listens on, or for all of them the first that leads out. */
final class HostAddress {
    private static final String LOOPBACK = "127.0.0.1";

    private HostAddress() {}

    static String of(String listenHost) {
        try {
            InetAddress address = InetAddress.getByName(listenHost);
            return address.isAnyLocalAddress() ? outward() : address.getHostAddress();
        } catch (UnknownHostException | SocketException e) {
            AgentLog.warn("address of " + listenHost + ": " + e.getMessage());
            return LOOPBACK;
        }
    }

    private static String outward() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .map(InetAddress::getHostAddress)
                .filter(text -> text.indexOf(':') < 0)
                .findFirst()
                .orElse(LOOPBACK);
    }
}
