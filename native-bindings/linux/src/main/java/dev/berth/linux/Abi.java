package dev.berth.linux;

/**
 * Constants and struct layouts of the kernel and C library interfaces that only the facets use, in jextract's shape: a class per struct, {@code field$offset} in bytes. All are
 * compile-time constants, unless they differ between the architectures, so that this class is not loaded at run time. {@code tests/arch} compares them with the installed headers.
 */
final class Abi {
    static final int F_GETFD = 1;
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;
    static final int EFD_CLOEXEC = 0x80000;
    static final int EFD_NONBLOCK = 0x800;
    static final int IN_CLOEXEC = 0x80000;
    static final int IN_NONBLOCK = 0x800;
    static final int STATX_BASIC_STATS = 0x7ff;
    static final int STATX_MNT_ID = 0x1000;
    static final int STATX_MNT_ID_UNIQUE = 0x4000;

    static final int AF_UNIX = 1;
    static final int SOCK_SEQPACKET = 5;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOL_SOCKET = 1;
    static final int SCM_RIGHTS = 1;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;
    static final int MSG_CTRUNC = 8;
    static final int MSG_TRUNC = 0x20;

    static final int P_PID = 1;
    static final int WNOHANG = 1;
    static final int WEXITED = 4;
    static final int CLD_EXITED = 1;
    static final int CLD_KILLED = 2;
    static final int CLD_DUMPED = 3;
    static final long PIDFD_INFO_EXIT = 8;
    static final int PIDFD_INFO_SIZE_VER0 = 64;
    static final long PIDFD_GET_INFO = 0xC040FF0BL;
    static final int POSIX_SPAWN_SETSIGDEF = 0x04;
    static final int POSIX_SPAWN_SETSIGMASK = 0x08;
    static final int POSIX_SPAWN_SETSID = 0x80;

    static final int BPF_PROG_LOAD = 5;
    static final int BPF_PROG_ATTACH = 8;
    static final int BPF_PROG_DETACH = 9;
    static final int BPF_PROG_GET_FD_BY_ID = 13;
    static final int BPF_OBJ_GET_INFO_BY_FD = 15;
    static final int BPF_PROG_QUERY = 16;
    static final int BPF_PROG_TYPE_CGROUP_DEVICE = 15;
    static final int BPF_CGROUP_DEVICE = 6;
    static final int BPF_F_ALLOW_MULTI = 2;
    static final int BPF_F_REPLACE = 4;
    static final int BPF_OBJ_NAME_LEN = 16;

    static final int EPOLL_CTL_ADD = 1;
    static final int EPOLL_CTL_DEL = 2;
    static final int EPOLLIN = 1;
    static final int CLOCK_MONOTONIC = 1;

    static final int TCGETS = 0x5401;
    static final int TCSETSW = 0x5403;
    static final int TIOCGWINSZ = 0x5413;
    static final int TIOCSWINSZ = 0x5414;
    static final int IGNBRK = 0x001;
    static final int BRKINT = 0x002;
    static final int PARMRK = 0x008;
    static final int ISTRIP = 0x020;
    static final int INLCR = 0x040;
    static final int IGNCR = 0x080;
    static final int ICRNL = 0x100;
    static final int IXON = 0x400;
    static final int OPOST = 0x01;
    static final int CSIZE = 0x30;
    static final int CS8 = 0x30;
    static final int PARENB = 0x100;
    static final int ISIG = 0x01;
    static final int ICANON = 0x02;
    static final int ECHO = 0x08;
    static final int ECHONL = 0x40;
    static final int IEXTEN = 0x8000;
    static final int VTIME = 5;
    static final int VMIN = 6;

    private Abi() {}

    static final class open_how {
        static final int sizeof = 24;
        static final int flags$offset = 0;
        static final int mode$offset = 8;
        static final int resolve$offset = 16;

        private open_how() {}
    }

    static final class statx {
        static final int sizeof = 256;
        static final int stx_mask$offset = 0;
        static final int stx_nlink$offset = 16;
        static final int stx_uid$offset = 20;
        static final int stx_gid$offset = 24;
        static final int stx_mode$offset = 28;
        static final int stx_ino$offset = 32;
        static final int stx_size$offset = 40;
        static final int stx_blocks$offset = 48;
        static final int stx_mtime$offset = 112;
        static final int stx_rdev_major$offset = 128;
        static final int stx_rdev_minor$offset = 132;
        static final int stx_dev_major$offset = 136;
        static final int stx_dev_minor$offset = 140;
        static final int stx_mnt_id$offset = 144;

        private statx() {}
    }

    static final class statx_timestamp {
        static final int sizeof = 16;
        static final int tv_sec$offset = 0;
        static final int tv_nsec$offset = 8;

        private statx_timestamp() {}
    }

    static final class timespec {
        static final int sizeof = 16;
        static final int tv_sec$offset = 0;
        static final int tv_nsec$offset = 8;

        private timespec() {}
    }

    /** {@code struct linux_dirent64}, which no header exports: {@code getdents(2)}. */
    static final class linux_dirent64 {
        static final int d_ino$offset = 0;
        static final int d_off$offset = 8;
        static final int d_reclen$offset = 16;
        static final int d_type$offset = 18;
        static final int d_name$offset = 19;

        private linux_dirent64() {}
    }

    static final class statfs {
        static final int sizeof = 120;
        static final int f_type$offset = 0;

        private statfs() {}
    }

    static final class new_utsname {
        static final int sizeof = 390;
        static final int release$offset = 130;

        private new_utsname() {}
    }

    static final class mount_attr {
        static final int sizeof = 32;
        static final int attr_set$offset = 0;
        static final int attr_clr$offset = 8;
        static final int propagation$offset = 16;
        static final int userns_fd$offset = 24;

        private mount_attr() {}
    }

    static final class pollfd {
        static final int sizeof = 8;
        static final int fd$offset = 0;
        static final int events$offset = 4;
        static final int revents$offset = 6;

        private pollfd() {}
    }

    static final class siginfo_t {
        static final int sizeof = 128;
        static final int si_code$offset = 8;
        static final int si_pid$offset = 16;
        static final int si_status$offset = 24;

        private siginfo_t() {}
    }

    /** Linux 6.15 and later. It has grown since; the ioctl number carries the first size, PIDFD_INFO_SIZE_VER0. */
    static final class pidfd_info {
        static final int mask$offset = 0;
        static final int exit_code$offset = 60;

        private pidfd_info() {}
    }

    static final class msghdr {
        static final int sizeof = 56;
        static final int msg_name$offset = 0;
        static final int msg_namelen$offset = 8;
        static final int msg_iov$offset = 16;
        static final int msg_iovlen$offset = 24;
        static final int msg_control$offset = 32;
        static final int msg_controllen$offset = 40;
        static final int msg_flags$offset = 48;

        private msghdr() {}
    }

    static final class iovec {
        static final int sizeof = 16;
        static final int iov_base$offset = 0;
        static final int iov_len$offset = 8;

        private iovec() {}
    }

    static final class cmsghdr {
        static final int sizeof = 16;
        static final int cmsg_len$offset = 0;
        static final int cmsg_level$offset = 8;
        static final int cmsg_type$offset = 12;

        private cmsghdr() {}
    }

    static final class sockaddr_un {
        static final int sizeof = 110;
        static final int sun_family$offset = 0;
        static final int sun_path$offset = 2;

        private sockaddr_un() {}
    }

    /** {@code union bpf_attr}: the fields of the commands that we use overlap. */
    static final class bpf_attr {
        static final int sizeof = 144;
        static final int prog_type$offset = 0;
        static final int insn_cnt$offset = 4;
        static final int insns$offset = 8;
        static final int license$offset = 16;
        static final int log_level$offset = 24;
        static final int log_size$offset = 28;
        static final int log_buf$offset = 32;
        static final int prog_name$offset = 48;
        static final int expected_attach_type$offset = 68;
        static final int target_fd$offset = 0;
        static final int attach_bpf_fd$offset = 4;
        static final int attach_type$offset = 8;
        static final int attach_flags$offset = 12;
        static final int replace_bpf_fd$offset = 16;
        static final int query$target_fd$offset = 0;
        static final int query$attach_type$offset = 4;
        static final int query$prog_ids$offset = 16;
        static final int query$prog_cnt$offset = 24;
        static final int prog_id$offset = 0;
        static final int info$bpf_fd$offset = 0;
        static final int info$info_len$offset = 4;
        static final int info$info$offset = 8;

        private bpf_attr() {}
    }

    static final class bpf_prog_info {
        static final int sizeof = 232;
        static final int type$offset = 0;
        static final int id$offset = 4;
        static final int tag$offset = 8;

        private bpf_prog_info() {}
    }

    /** Packed on x86-64 and nowhere else, so not a constant. */
    static final class epoll_event {
        static final int sizeof = Arch.select(12, 16);
        static final int events$offset = 0;
        static final int data$offset = Arch.select(4, 8);

        private epoll_event() {}
    }

    static final class itimerspec {
        static final int sizeof = 32;
        static final int it_interval$offset = 0;
        static final int it_value$offset = 16;

        private itimerspec() {}
    }

    /** The kernel's {@code struct termios} ({@code asm/termbits.h}), not the C library's. */
    static final class termios {
        static final int sizeof = 36;
        static final int c_iflag$offset = 0;
        static final int c_oflag$offset = 4;
        static final int c_cflag$offset = 8;
        static final int c_lflag$offset = 12;
        static final int c_line$offset = 16;
        static final int c_cc$offset = 17;

        private termios() {}
    }

    static final class winsize {
        static final int sizeof = 8;
        static final int ws_row$offset = 0;
        static final int ws_col$offset = 2;

        private winsize() {}
    }

    static final class inotify_event {
        static final int sizeof = 16;
        static final int wd$offset = 0;
        static final int mask$offset = 4;
        static final int cookie$offset = 8;
        static final int len$offset = 12;

        private inotify_event() {}
    }

    /** Sizes only: the C library fills them in. */
    static final class posix_spawnattr_t {
        static final int sizeof = 336;

        private posix_spawnattr_t() {}
    }

    static final class posix_spawn_file_actions_t {
        static final int sizeof = 80;

        private posix_spawn_file_actions_t() {}
    }

    static final class sigset_t {
        static final int sizeof = 128;

        private sigset_t() {}
    }
}
