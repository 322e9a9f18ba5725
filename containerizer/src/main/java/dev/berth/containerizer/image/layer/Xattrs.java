package dev.berth.containerizer.image.layer;

/**
 * Which extended attributes a layer may set. Those of overlayfs would let a layer steer what the merged tree shows ({@code redirect}, {@code metacopy}); labels of security modules are the host's business.
 */
final class Xattrs {
    private Xattrs() {}

    static boolean isKept(String name) {
        if (name.startsWith("user.")) {
            return !name.startsWith("user.overlay.");
        }
        return name.equals("security.capability")
                || name.equals("system.posix_acl_access")
                || name.equals("system.posix_acl_default");
    }
}
