/* One process's view of the state: mapping, locks, time, visibility. */
#ifndef BERTH_SIMULATOR_CLIENT_H
#define BERTH_SIMULATOR_CLIENT_H

#include "state.h"

#include <stdbool.h>
#include <sys/types.h>

extern struct sim_state *sim; /* NULL until sim_open */

/* Finds and maps the state: 0, or a negative errno. Where: $BERTH_SIMULATOR_STATE, else SIM_FILE_NAME beside the code, else in ../lib/x86_64-linux-gnu of it, else in the usual library
 * folders. Opened read-only where it cannot be written (a read-only mount): queries work, settings and processes do not. A second call does nothing. */
int sim_open(void);
int sim_open_at(const char *path);
const char *sim_path(void);
bool sim_writable(void);

/* The write lock, and a read lock for more than a word. In a read-only client sim_lock is the read lock. Not recursive. A holder that is stopped keeps others for a second, not for ever. */
void sim_lock(void);
void sim_unlock(void);

uint64_t sim_boot_ns(void);
uint64_t sim_real_us(void);
void sim_sleep_until(uint64_t boot_ns);

/* Whether this process may open the GPU's node. With $BERTH_SIMULATOR_HOST=1 every GPU is; else an open of $BERTH_SIMULATOR_DEV/nvidiaN (default /dev) for read and write must give a
 * descriptor or ENXIO, which the kernel answers when every fence let it pass and no driver is there. */
bool sim_visible(uint32_t gpu);
bool sim_is_host(void);
/* 0 when /dev/nvidiactl may be opened (or on the host), else the errno. */
int sim_control_errno(void);

/* Attaching: the shared lock that a reset has to wait for. */
void sim_attach(uint32_t gpu);
void sim_detach(uint32_t gpu);
/* The pid of another process that has the GPU attached, 0 for one without a pid here, -1 for none. */
pid_t sim_other_client(uint32_t gpu);

/* Processes. All under sim_lock. */
/* The pid of the slot's process in this namespace; 0 when it lives and has none here; -1 when the slot is free. */
pid_t sim_slot_pid(uint32_t slot);
/* Takes a slot for this process: its number, or a negative errno. */
int sim_slot_take(uint32_t type, const char *name);
void sim_slot_release(void);
int sim_own_slot(void);

/* Figures of a GPU now. Under sim_lock. */
uint64_t sim_used_bytes(uint32_t gpu);
uint32_t sim_load(uint32_t gpu); /* per cent */
uint32_t sim_power_mw(uint32_t gpu);
uint32_t sim_temperature(uint32_t gpu);
/* Since the machine was made, never less than before. Takes the lock itself. */
uint64_t sim_energy_mj(uint32_t gpu);

/* Publishes an event. Under sim_lock. */
void sim_event_publish(uint32_t gpu, uint64_t type, uint64_t data, int32_t pid);
/* Appends a record to the machine's kernel log; no reader is no failure. Under sim_lock. */
void sim_kmsg(const char *text);

/* Resets the GPU; false when it is in use, or off the bus. `holder` gets the pid or 0. Under sim_lock. */
bool sim_reset(uint32_t gpu, pid_t *holder);

/* What a reset does to the GPU, whoever uses it. Under sim_lock. */
void sim_heal(uint32_t gpu);

/* Runs the armed faults for one call of `function` about `gpu` (-1: about none): sleeps, hangs, or gives a return code other than 0. Without sim_lock. */
int sim_fault(const char *function, int gpu);
#endif
