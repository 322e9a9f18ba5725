#include "spawner.h"

#include <linux/mount.h>
#include <linux/sched.h>

#define MNT_DETACH 2
#define MS_PRIVATE_RECURSIVE ((1l << 18) | 16384l)

/* A detached mount of a fresh file system; none of its kind shows what somebody masked in another mount of it. */
static int fresh_mount(const char *type, unsigned attributes) {
	int context = (int)sys_call(__NR_fsopen, (long)type, FSOPEN_CLOEXEC, 0, 0, 0, 0);
	if (context < 0)
		return context;
	int mount = (int)sys_call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0, 0);
	if (mount == 0)
		mount = (int)sys_call(__NR_fsmount, context, FSMOUNT_CLOEXEC, attributes, 0, 0, 0);
	sys_close(context);
	return mount;
}

static int attach(int mount, int dir, const char *name) {
	int result = mount;
	if (mount >= 0) {
		result = (int)sys_call(__NR_move_mount, mount, (long)"", dir, (long)name, MOVE_MOUNT_F_EMPTY_PATH, 0);
		sys_close(mount);
	}
	return result;
}

static int populate(int root) {
	unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int result = sys_mkdirat(root, "proc", 0555);
	if (result == 0)
		result = sys_mkdirat(root, "sys", 0555);
	if (result == 0)
		result = sys_mkdirat(root, "root", 0700);
	if (result == 0)
		result = attach(fresh_mount("proc", inert), root, "proc");
	if (result == 0)
		result = attach(fresh_mount("sysfs", inert), root, "sys");
	return result;
}

/* Stacks the old root on the new one and takes it off, the one way that needs no directory for it. */
static int pivot(int root) {
	int result = (int)sys_call(__NR_fchdir, root, 0, 0, 0, 0, 0);
	if (result == 0)
		result = (int)sys_call(__NR_pivot_root, (long)".", (long)".", 0, 0, 0, 0);
	if (result == 0)
		result = (int)sys_call(__NR_umount2, (long)".", MNT_DETACH, 0, 0, 0, 0);
	if (result == 0)
		result = (int)sys_call(__NR_chdir, (long)"/", 0, 0, 0, 0, 0);
	return result;
}

int sandbox_enter(void) {
	int result = sys_unshare(CLONE_NEWNS);
	if (result == 0)
		result = (int)sys_call(__NR_mount, 0, (long)"/", 0, MS_PRIVATE_RECURSIVE, 0, 0);
	if (result < 0)
		return result;
	int root = fresh_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (root < 0)
		return root;
	result = (int)sys_call(__NR_move_mount, root, (long)"", AT_FDCWD, (long)"/", MOVE_MOUNT_F_EMPTY_PATH, 0);
	if (result == 0)
		result = populate(root);
	if (result == 0)
		result = pivot(root);
	sys_close(root);
	return result;
}
