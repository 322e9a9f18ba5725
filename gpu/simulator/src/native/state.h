/* The state of the simulated machine: one file that the agent's worker, tools and tasks map. Only the C of this module knows the layout; Java talks to `simctl`.
 *
 * Layout 1. Words are little-endian, the file is sizeof(struct sim_state) long; a reader refuses another `magic` or `layout`.
 *
 *   header   who made it, versions, armed faults, the event counter that waiters sleep on (futex)
 *   gpus     per GPU: facts (written at creation only), links, MIG geometry, then what changes
 *   slots    processes that use GPUs, and ghosts (faults: a process or memory that does not go away)
 *   faults   what goes wrong, on which call
 *   events   ring of the last SIM_EVENTS events, numbered from 1
 *
 * Who may write: the holder of the write lock, an open-file-description lock on byte SIM_BYTE_STATE. The kernel gives it back when its holder dies, also by SIGKILL, in whatever pid
 * namespace (a holder that is only stopped is waited for a second); every change of more than a word is made so that a reader who comes after a death in the middle finds valid, if old, figures (counts are raised last). Single words are
 * read and written atomically without the lock.
 *
 * Who lives: a process that uses GPUs holds a POSIX record lock on byte SIM_BYTE_SLOT + slot. F_GETLK tells its pid in the reader's pid namespace, 0 when it has none there, and a dead
 * process holds no lock: its slot and its memory are free without anybody cleaning up. A client of the library holds a shared POSIX lock on byte SIM_BYTE_CLIENT + gpu for every GPU that
 * it has attached: what a reset must wait for. All these bytes lie behind the end of the file. POSIX locks of a process go when it closes any descriptor of the file: so a process opens
 * it once. */
#ifndef BERTH_SIMULATOR_STATE_H
#define BERTH_SIMULATOR_STATE_H

#include <stddef.h>
#include <stdint.h>

#define SIM_MAGIC UINT64_C(0x4d49534854524542) /* "BERTHSIM" */
#define SIM_LAYOUT 1u
#define SIM_FILE_NAME "berth-simulator.state"

#define SIM_GPUS 16u
#define SIM_SLOTS 256u
#define SIM_FAULTS 64u
#define SIM_EVENTS 8192u
#define SIM_LINKS 36u
#define SIM_CPU_WORDS 16u
#define SIM_PROFILES 18u
#define SIM_PLACEMENTS 8u
#define SIM_INSTANCES 8u

/* In the type of a ring event that is of the machine, not of a GPU: boards that come and go. */
#define SIM_SYSTEM_EVENT (UINT64_C(1) << 63)

#define SIM_BYTE_STATE INT64_C(0x10000000000)
#define SIM_BYTE_SLOT INT64_C(0x10000001000)
#define SIM_BYTE_CLIENT INT64_C(0x10000002000)

struct sim_pci {
	uint32_t domain, bus, device;
};

struct sim_link {
	uint32_t active;
	uint32_t remote_type; /* 0 GPU, 2 switch */
	struct sim_pci remote;
	uint64_t errors[5];
	uint64_t tx_kib, rx_kib;
};

/* One kind of MIG instance that the board can have. Placements count memory slices. */
struct sim_mig_profile {
	uint32_t used; /* 0: the board has no such profile; the index in the table is NVML's profile enum */
	uint32_t id, slices, instances, sm, copy_engines, decoders, encoders, jpeg, ofa, capabilities;
	uint32_t placements;
	uint32_t start[SIM_PLACEMENTS], size;
	uint64_t memory_mib;
	char name[96];
};

/* A MIG instance that exists. None does yet: MIG is off and cannot be switched on in this layout's first users; the room is here so that the layout stays. */
struct sim_mig_instance {
	uint32_t used, profile, start, size;
	uint32_t compute_used[8], compute_profile[8];
	char compute_uuid[8][96];
};

struct sim_gpu {
	/* Facts, written when the machine is made. */
	char uuid[96], name[96], serial[32], board_part[32];
	struct sim_pci pci;
	uint32_t pci_device_id, pci_subsystem_id; /* device in the high, vendor in the low half */
	uint32_t minor, brand, architecture, compute_major, compute_minor;
	int32_t numa_node; /* -1 unknown */
	uint64_t cpus[SIM_CPU_WORDS];
	uint64_t memory_bytes, reserved_bytes, baseline_bytes, bar1_bytes;
	uint32_t power_idle_mw, power_min_mw, power_max_mw, power_default_mw;
	uint32_t clock_idle_mhz[4], clock_max_mhz[4]; /* graphics, SM, memory, video */
	uint32_t temperature_idle, temperature_busy, temperature_slowdown, temperature_shutdown;
	uint32_t ecc_supported, mig_supported, fabric_supported;
	uint32_t links, link_version;
	int32_t ancestor[SIM_GPUS]; /* nvmlGpuTopologyLevel_t to each GPU */
	struct sim_mig_profile profiles[SIM_PROFILES];

	/* Settings: what control calls change. */
	uint32_t compute_mode, persistence, power_limit_mw, ecc_current, ecc_pending, accounting, drain;
	uint32_t mig_current, mig_pending;
	struct sim_mig_instance instances[SIM_INSTANCES];

	/* Conditions: what faults change, and what a reset clears or keeps. */
	uint32_t lost, reset_required, recovery_action, removed;
	uint32_t remap_correctable, remap_uncorrectable, remap_pending, remap_failure;
	uint32_t remap_histogram[5]; /* max, high, partial, low, none */
	uint64_t ecc_volatile[2], ecc_aggregate[2]; /* corrected, uncorrected */
	uint64_t sram_parity, sram_secded, sram_corrected, sram_volatile_parity, sram_volatile_secded, sram_volatile_corrected;
	uint32_t sram_threshold;
	uint32_t repair_channel, repair_tpc, inforom_corrupted;
	uint32_t fabric_state, fabric_status, fabric_health;
	struct sim_link link[SIM_LINKS];
	uint64_t pcie_replays;

	/* Readings. The forced ones are UINT32_MAX where the simulation follows the load. */
	uint32_t forced_temperature, forced_utilization, forced_power_mw;
	uint64_t clock_reasons;
	uint64_t energy_mj, energy_at_ns;
	uint64_t stuck_bytes; /* memory that no process holds and that only a reset frees */
	uint64_t resets;
};

enum { SIM_COMPUTE = 0, SIM_GRAPHICS = 1, SIM_MPS = 2 };

/* A process that uses GPUs, alive as long as it holds its lock; or a ghost, which lives until it is cleared. */
struct sim_slot {
	uint32_t used, type;
	int32_t ghost_pid; /* the pid that a ghost shows in the host's namespace; 0 for a real process */
	uint32_t utilization; /* per cent of each GPU in use */
	uint64_t start_us;
	uint64_t memory[SIM_GPUS];
	uint64_t peak[SIM_GPUS];
	uint32_t gpus; /* bit mask */
	uint32_t reserved;
	char name[128];
};

enum { SIM_FAULT_FREE, SIM_FAULT_RETURN, SIM_FAULT_SLOW, SIM_FAULT_HANG };

struct sim_fault {
	uint32_t kind, id;
	int32_t gpu; /* -1: whatever the call is about */
	uint32_t code; /* of SIM_FAULT_RETURN */
	uint64_t from, times; /* the first matching call that it hits, counted from 1; on how many, 0 for all later ones */
	uint64_t duration_ms; /* of SIM_FAULT_SLOW */
	uint64_t until_ns; /* of SIM_FAULT_HANG, CLOCK_BOOTTIME; 0 for ever */
	uint64_t calls; /* matching calls so far */
	uint64_t hits;
	uint32_t whole; /* a hang that keeps every other thread of the process out of the library as well */
	uint32_t reserved;
	char function[80]; /* "" every one, "init" both of them */
};

struct sim_event {
	uint64_t number; /* written last; 0 while the record is being written */
	uint64_t type, data, time_us;
	uint32_t gpu;
	int32_t pid;
};

struct sim_state {
	uint64_t magic;
	uint32_t layout, size;
	char machine[64], driver[80], nvml[80], kmsg[512];
	int32_t cuda;
	uint32_t gpus;
	uint32_t mismatch; /* library and driver are of different versions */
	uint32_t faults_armed, fault_ids;
	uint32_t event_word; /* futex: changes with every event */
	uint64_t events_made;
	uint64_t kmsg_made;
	uint64_t made_ns;
	struct sim_gpu gpu[SIM_GPUS];
	struct sim_slot slot[SIM_SLOTS];
	struct sim_fault fault[SIM_FAULTS];
	struct sim_event event[SIM_EVENTS];
};

#define SIM_LOAD(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define SIM_STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELEASE)

#endif
