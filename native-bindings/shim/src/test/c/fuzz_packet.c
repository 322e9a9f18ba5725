/* Packets from a hostile peer: to the spawner (first byte even) or to a monitor. */
#include "../../shim/monitor.h"
#include "../../shim/spawner.h"
#include "fake_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void serve(void) {
	static struct launch_page page;
	struct monitor m;
	memset(&m, 0, sizeof m);
	m.launch.page = &page;
	m.launch_socket = 10;
	m.listener = m.run_dir = m.cgroup_dir = -1;
	m.state = STATE_RUNNING;
	m.pidfd = 11;
	m.pty = (fake_kernel_byte() & 1) != 0 ? 12 : -1;
	m.stdin_write = 13;
	m.log = (struct log){.dir = 14, .fd = -1};
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		m.connections[i].fd = -1;
	int greeted = 0;
	while (serve_packet(&m, 20, &greeted) == 0)
		;
	int launcher = 1;
	serve_packet(&m, 10, &launcher);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
	fake_kernel_begin(input, size);
	if ((fake_kernel_byte() & 1) == 0)
		spawner_main();
	else
		serve();
	return 0;
}
