#include "spawner.h"
#include "start.h"

/* The role is argv[1]; a role that is a command of its own is known by the end of argv[0]. */
int program_main(int argc, char **argv) {
	static const char SPAWNER[] = "spawner";
	if (argc == 2 && strlen(argv[1]) == sizeof SPAWNER - 1 && memcmp(argv[1], SPAWNER, sizeof SPAWNER) == 0)
		return spawner_main();
	static const char USAGE[] = "usage: berth-shim spawner   (descriptor 3: the agent's socket, 4: the monitors' cgroup; started by berth agent)\n";
	sys_write(2, USAGE, sizeof USAGE - 1);
	return 2;
}
