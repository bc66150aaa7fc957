#include "kvm/vcpu.h"

#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/bus.h"
#include "kvm/kvm.h"
#include "kvm/x86/cpuid.h"

static const char *const exit_names[VM_EXITS] = {
	[VM_EXIT_PIO] = "pio",	 [VM_EXIT_MMIO] = "mmio",	  [VM_EXIT_KICK] = "kick",
	[VM_EXIT_HALT] = "halt", [VM_EXIT_SHUTDOWN] = "shutdown", [VM_EXIT_OTHER] = "other",
};

const char *vm_exit_name(enum vm_exit e)
{
	return exit_names[e];
}

int vm_cpus_kick_signal(void)
{
	return SIGRTMIN;
}

static void on_kick(int sig)
{
	(void)sig; /* it interrupts KVM_RUN: that is all */
}

/* --- one vCPU ----------------------------------------------------------------------------------
 */

static int cpu_init(struct vm_vcpu *cpu, const struct vm_kvm *k, struct kvm_cpuid2 *cpuid,
		    struct cs_err *err)
{
	void *state;

	cpu->fd = ioctl(k->fd, KVM_CREATE_VCPU, (unsigned long)cpu->index);
	if (cpu->fd < 0)
		return cs_err_sys(err, "make vCPU %u", cpu->index);
	state = mmap(NULL, k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (state == MAP_FAILED)
		return cs_err_sys(err, "map the state of vCPU %u", cpu->index);
	cpu->run = state;
	vm_cpuid_topology(cpuid, cpu->index, cpu->all->n);
	if (ioctl(cpu->fd, KVM_SET_CPUID2, cpuid) < 0)
		return cs_err_sys(err, "set the features of vCPU %u", cpu->index);
	return 0;
}

static void trace(struct vm_vcpu *cpu)
{
	const struct kvm_run *r = cpu->run;
	char line[128];
	int n;
	ssize_t rc;

	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		n = snprintf(line, sizeof(line), "cpu%u pio %s %#x size %u count %u value %#llx\n",
			     cpu->index, r->io.direction == KVM_EXIT_IO_OUT ? "out" : "in",
			     r->io.port, r->io.size, r->io.count,
			     (unsigned long long)vm_bus_get((const uint8_t *)r + r->io.data_offset,
							    r->io.size));
		break;
	case KVM_EXIT_MMIO:
		n = snprintf(line, sizeof(line), "cpu%u mmio %s %#llx size %u value %#llx\n",
			     cpu->index, r->mmio.is_write ? "write" : "read",
			     (unsigned long long)r->mmio.phys_addr, r->mmio.len,
			     (unsigned long long)vm_bus_get(r->mmio.data, r->mmio.len));
		break;
	default:
		n = snprintf(line, sizeof(line), "cpu%u exit %u\n", cpu->index, r->exit_reason);
		break;
	}
	rc = write(cpu->all->trace_fd, line, (size_t)n);
	(void)rc; /* a full pipe loses a line */
}

static void do_pio(struct vm_vcpu *cpu)
{
	const struct kvm_run *r = cpu->run;
	uint8_t *data = (uint8_t *)cpu->run + r->io.data_offset;
	const bool out = r->io.direction == KVM_EXIT_IO_OUT;

	for (uint32_t i = 0; i < r->io.count; i++, data += r->io.size)
		vm_bus_io(cpu->all->pio, r->io.port, data, r->io.size, out);
}

/* What a machine that KVM cannot run looked like, for the result. */
static void describe(struct vm_vcpu *cpu, const char *what, uint64_t code)
{
	struct kvm_regs regs = { 0 };

	if (ioctl(cpu->fd, KVM_GET_REGS, &regs) < 0)
		regs.rip = 0;
	snprintf(cpu->why, sizeof(cpu->why),
		 "vCPU %u: %s %#llx at rip %#llx, rsp %#llx, flags %#llx", cpu->index, what,
		 (unsigned long long)code, (unsigned long long)regs.rip,
		 (unsigned long long)regs.rsp, (unsigned long long)regs.rflags);
}

static enum vm_exit handle_rare(struct vm_vcpu *cpu)
{
	const struct kvm_run *r = cpu->run;

	switch (r->exit_reason) {
	case KVM_EXIT_HLT:
		cpu->stop = VM_STOP_HALT;
		return VM_EXIT_HALT;
	case KVM_EXIT_SHUTDOWN:
		describe(cpu, "triple fault", 0);
		cpu->stop = VM_STOP_TRIPLE;
		return VM_EXIT_SHUTDOWN;
	case KVM_EXIT_SYSTEM_EVENT:
		describe(cpu, "system event", r->system_event.type);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		describe(cpu, "the processor refuses to enter the guest:",
			 r->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		describe(cpu, "KVM cannot emulate this, suberror", r->internal.suberror);
		break;
	default:
		describe(cpu, "unknown exit", r->exit_reason);
		break;
	}
	cpu->stop = VM_STOP_INTERNAL;
	return VM_EXIT_OTHER;
}

static enum vm_exit handle(struct vm_vcpu *cpu)
{
	struct kvm_run *r = cpu->run;

	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		do_pio(cpu);
		return VM_EXIT_PIO;
	case KVM_EXIT_MMIO:
		vm_bus_io(cpu->all->mmio, r->mmio.phys_addr, r->mmio.data, r->mmio.len,
			  r->mmio.is_write);
		return VM_EXIT_MMIO;
	case KVM_EXIT_INTR:
		return VM_EXIT_KICK;
	default:
		return handle_rare(cpu);
	}
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void take_sample(struct vm_vcpu *cpu)
{
	struct kvm_mp_state mp = { 0 };
	struct kvm_regs regs = { 0 };
	struct vm_hang_sample s = {
		.now_ns = clock_ns(CLOCK_MONOTONIC),
		.busy_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
	};

	if (ioctl(cpu->fd, KVM_GET_MP_STATE, &mp) < 0 || ioctl(cpu->fd, KVM_GET_REGS, &regs) < 0)
		return;
	for (int e = 0; e < VM_EXITS; e++)
		s.exits += e == VM_EXIT_KICK ? 0 : cpu->exits[e];
	s.rip = regs.rip;
	s.interrupts = regs.rflags & 0x200;
	s.halted = mp.mp_state == KVM_MP_STATE_HALTED;
	s.wait_for_sipi = mp.mp_state == KVM_MP_STATE_UNINITIALIZED ||
			  mp.mp_state == KVM_MP_STATE_INIT_RECEIVED;
	vm_hang_note(&cpu->hang, &s);
}

/* Waits out a pause. False when it is the end. */
static bool may_run(struct vm_vcpu *cpu)
{
	struct vm_cpus *c = cpu->all;
	bool stopping;

	pthread_mutex_lock(&c->lock);
	while (c->paused && !c->stopping) {
		if (!cpu->parked) {
			cpu->parked = true;
			c->n_parked++;
			pthread_cond_broadcast(&c->changed);
		}
		pthread_cond_wait(&c->changed, &c->lock);
	}
	if (cpu->parked) {
		cpu->parked = false;
		c->n_parked--;
	}
	stopping = c->stopping;
	pthread_mutex_unlock(&c->lock);
	return !stopping;
}

/* Somebody has set immediate_exit, then a flag: the flags are looked at after it is taken back. */
static void answer_kick(struct vm_vcpu *cpu)
{
	uint32_t probe;

	__atomic_store_n(&cpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	probe = __atomic_load_n(&cpu->all->probe, __ATOMIC_SEQ_CST);
	if (probe != cpu->probed)
		take_sample(cpu);
	cpu->probed = probe;
	if (!may_run(cpu))
		cpu->stop = VM_STOP_ASKED;
}

static void run(struct vm_vcpu *cpu)
{
	while (cpu->stop == VM_STOP_NONE) {
		enum vm_exit e = VM_EXIT_KICK;

		if (ioctl(cpu->fd, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN) {
				snprintf(cpu->why, sizeof(cpu->why), "vCPU %u: KVM_RUN: error %d",
					 cpu->index, errno);
				cpu->stop = VM_STOP_INTERNAL;
				break;
			}
			answer_kick(cpu);
		} else {
			if (cpu->all->trace_fd >= 0)
				trace(cpu);
			e = handle(cpu);
		}
		__atomic_store_n(&cpu->exits[e], cpu->exits[e] + 1, __ATOMIC_RELAXED);
	}
}

static void note_entry(struct vm_cpus *c)
{
	pthread_mutex_lock(&c->lock);
	if (!c->entered_ns)
		c->entered_ns = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&c->lock);
}

static void *cpu_thread(void *arg)
{
	struct vm_vcpu *cpu = arg;
	struct vm_cpus *c = cpu->all;
	struct cs_err err = CS_ERR_INIT;

	if (c->lock_down && c->lock_down(VM_ROLE_VCPU, &err) < 0) {
		snprintf(cpu->why, sizeof(cpu->why), "vCPU %u: %.140s", cpu->index, err.msg);
		cpu->stop = VM_STOP_INTERNAL;
	} else if (!may_run(cpu)) {
		cpu->stop = VM_STOP_ASKED;
	} else {
		note_entry(c);
		run(cpu);
	}
	pthread_mutex_lock(&c->lock);
	cpu->parked = true; /* for ever */
	c->n_parked++;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (cpu->stop != VM_STOP_ASKED && c->ended)
		c->ended(c->owner, cpu);
	return NULL;
}

/* --- all of them -------------------------------------------------------------------------------
 */

int vm_cpus_init(struct vm_cpus *c, const struct vm_kvm *k, uint32_t n,
		 const struct kvm_cpuid2 *cpuid, struct cs_err *err)
{
	const size_t size = sizeof(*cpuid) + VM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2);
	cs_auto_free struct kvm_cpuid2 *own = malloc(size);
	int rc;

	if (n > k->max_cpus)
		return cs_err_set(err, EINVAL, "%u vCPUs are more than the host's KVM allows, %u",
				  n, k->max_cpus);
	c->cpu = calloc(n, sizeof(*c->cpu));
	if (!own || !c->cpu)
		return cs_err_set(err, ENOMEM, "out of memory");
	c->n = n;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->has_lock = true;
	for (uint32_t i = 0; i < n; i++)
		c->cpu[i] = (struct vm_vcpu){ .all = c, .index = i, .fd = -EBADF };
	for (uint32_t i = 0; i < n; i++) {
		memcpy(own, cpuid, sizeof(*cpuid) + cpuid->nent * sizeof(cpuid->entries[0]));
		rc = cpu_init(&c->cpu[i], k, own, err);
		if (rc < 0)
			return rc;
	}
	c->run_size = k->run_size;
	return 0;
}

void vm_cpus_fini(struct vm_cpus *c)
{
	vm_cpus_stop(c);
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->cpu[i].run)
			munmap(c->cpu[i].run, c->run_size);
		cs_close_fd(&c->cpu[i].fd);
	}
	c->n = 0;
	free(cs_take_ptr(&c->cpu));
	if (c->has_lock) {
		pthread_mutex_destroy(&c->lock);
		pthread_cond_destroy(&c->changed);
	}
	c->has_lock = false;
}

int vm_cpus_start(struct vm_cpus *c, struct cs_err *err)
{
	const struct sigaction sa = { .sa_handler = on_kick };

	if (sigaction(vm_cpus_kick_signal(), &sa, NULL) < 0)
		return cs_err_sys(err, "handle the signal that stops vCPUs");
	for (uint32_t i = 0; i < c->n; i++) {
		int rc = pthread_create(&c->cpu[i].thread, NULL, cpu_thread, &c->cpu[i]);

		if (rc) {
			vm_cpus_stop(c);
			return cs_err_errno(err, rc, "start the thread of vCPU %u", i);
		}
		c->cpu[i].started = true;
	}
	return 0;
}

/* With immediate_exit one that is about to enter the guest leaves at once, with the signal one that
 * is in it. */
static void kick_all(struct vm_cpus *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct vm_vcpu *cpu = &c->cpu[i];

		if (!cpu->started || cpu->stop != VM_STOP_NONE)
			continue;
		__atomic_store_n(&cpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		pthread_kill(cpu->thread, vm_cpus_kick_signal());
	}
}

static uint32_t n_started(const struct vm_cpus *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		n += c->cpu[i].started;
	return n;
}

void vm_cpus_pause(struct vm_cpus *c)
{
	pthread_mutex_lock(&c->lock);
	c->paused = true;
	kick_all(c);
	while (c->n_parked < n_started(c))
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

void vm_cpus_resume(struct vm_cpus *c)
{
	pthread_mutex_lock(&c->lock);
	c->paused = false;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

bool vm_cpus_paused(struct vm_cpus *c)
{
	bool paused;

	pthread_mutex_lock(&c->lock);
	paused = c->paused;
	pthread_mutex_unlock(&c->lock);
	return paused;
}

void vm_cpus_stop(struct vm_cpus *c)
{
	if (!c->has_lock)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	kick_all(c);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->cpu[i].started)
			pthread_join(c->cpu[i].thread, NULL);
		c->cpu[i].started = false;
	}
}

void vm_cpus_probe(struct vm_cpus *c)
{
	pthread_mutex_lock(&c->lock);
	if (!c->paused && !c->stopping) {
		__atomic_fetch_add(&c->probe, 1, __ATOMIC_SEQ_CST);
		kick_all(c);
	}
	pthread_mutex_unlock(&c->lock);
}

uint64_t vm_cpus_dead_ns(const struct vm_cpus *c)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < c->n; i++) {
		const uint64_t ns = __atomic_load_n(&c->cpu[i].hang.dead_ns, __ATOMIC_RELAXED);

		if (ns < least)
			least = ns;
	}
	return least == UINT64_MAX ? 0 : least;
}
