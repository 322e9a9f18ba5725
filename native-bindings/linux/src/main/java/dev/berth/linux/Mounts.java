package dev.berth.linux;

import java.util.Optional;

/** The mount API of Linux 5.2 and later: file systems and mount trees as descriptors. */
public interface Mounts {
    /** {@code fsopen(2)} with FSOPEN_CLOEXEC. */
    OwnedFd fsopen(String type) throws ErrnoException;

    /** FSCONFIG_SET_STRING. Strings over 255 bytes are EINVAL. */
    void fsconfigString(Fd context, String key, String value) throws ErrnoException;

    /** FSCONFIG_SET_FLAG. */
    void fsconfigFlag(Fd context, String key) throws ErrnoException;

    /** FSCONFIG_SET_FD: {@code lowerdir+} and the like. */
    void fsconfigFd(Fd context, String key, Fd value) throws ErrnoException;

    /** FSCONFIG_CMD_CREATE; the failure's detail carries what the file system wrote to its context's log. */
    void fsconfigCreate(Fd context) throws ErrnoException;

    /** FSCONFIG_CMD_RECONFIGURE of the file system of a context that {@link #fsmount} has been called on: takes what was set since. */
    void fsconfigReconfigure(Fd context) throws ErrnoException;

    /** {@code fsmount(2)} with FSMOUNT_CLOEXEC: a detached mount. */
    OwnedFd fsmount(Fd context, long attributes) throws ErrnoException;

    /** {@code open_tree(2)} with OPEN_TREE_CLOEXEC added. */
    OwnedFd openTree(Fd dir, String path, int flags) throws ErrnoException;

    void moveMount(Fd from, String fromPath, Fd to, String toPath, int flags) throws ErrnoException;

    /** {@code mount_setattr(2)}; {@code userns} for MOUNT_ATTR_IDMAP. */
    void mountSetattr(
            Fd dir,
            String path,
            int flags,
            long set,
            long clear,
            long propagation,
            Optional<Fd> userns)
            throws ErrnoException;

    /** {@code mount(2)}: only where the descriptors of the newer calls cannot say it (overlay with very long option strings). */
    void mount(String source, String target, String type, long flags, String data)
            throws ErrnoException;

    /** {@code umount2(2)}; false when nothing is mounted there (EINVAL, ENOENT). */
    boolean umount2(String target, int flags) throws ErrnoException;
}
