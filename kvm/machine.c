#include "kvm/machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/config.h"
#include "kvm/machine_int.h"
#include "kvm/x86/load.h"

enum {
	HANG_CHECKS = 5,	       /* in hang_seconds */
	GRACE_NS = 1000 * 1000 * 1000, /* for the rest of what a panic prints */
};

static const char *const reason_names[VM_REASONS] = {
	[VM_REASON_NONE] = "running",	     [VM_REASON_EXIT] = "exit",
	[VM_REASON_POWER_OFF] = "power-off", [VM_REASON_RESET] = "reset",
	[VM_REASON_STOPPED] = "stopped",     [VM_REASON_PANIC] = "panic",
	[VM_REASON_TRIPLE] = "triple-fault", [VM_REASON_HANG] = "hang",
	[VM_REASON_ERROR] = "error",
};

const char *vm_reason_name(enum vm_reason r)
{
	return reason_names[r];
}

uint64_t vm_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* After a panic, whatever else ends the machine (the kernel resets it, or faults) is the panic. */
void vm_machine_end(struct vm_machine *m, enum vm_reason reason, uint8_t status, const char *text)
{
	pthread_mutex_lock(&m->lock);
	if (m->end.reason == VM_REASON_NONE) {
		if (m->panic[0] && reason != VM_REASON_STOPPED && reason != VM_REASON_EXIT) {
			reason = VM_REASON_PANIC;
			text = m->panic;
		}
		m->end.status = status;
		snprintf(m->end.text, sizeof(m->end.text), "%.*s", (int)sizeof(m->end.text) - 1,
			 text ? text : "");
		m->end.reason = reason;
	}
	pthread_mutex_unlock(&m->lock);
	vm_loop_stop(&m->loop);
}

static void note_panic(struct vm_machine *m, const char *text)
{
	bool first;

	pthread_mutex_lock(&m->lock);
	first = m->panic[0] == '\0';
	if (first)
		snprintf(m->panic, sizeof(m->panic), "%s", text);
	pthread_mutex_unlock(&m->lock);
	if (first)
		vm_timer_set(&m->grace, GRACE_NS, 0);
}

static void on_grace(struct vm_timer *t)
{
	vm_machine_end(vm_of(t, struct vm_machine, grace), VM_REASON_PANIC, 0, NULL);
}

/* A line on the serial port. A workload can write such a line as well, and ends its own machine. */
static void serial_said(void *owner, const char *line)
{
	const char *panic = strstr(line, "Kernel panic - not syncing");

	if (panic)
		note_panic(owner, panic);
}

static void note_mark(struct vm_machine *m, uint8_t mark)
{
	pthread_mutex_lock(&m->lock);
	if (!m->mark_ns[mark])
		m->mark_ns[mark] = vm_now_ns();
	pthread_mutex_unlock(&m->lock);
}

static void port_said(void *owner, enum vm_word word, uint8_t value)
{
	struct vm_machine *m = owner;

	switch (word) {
	case VM_WORD_EXIT:
		vm_machine_end(m, VM_REASON_EXIT, value, NULL);
		break;
	case VM_WORD_PANIC:
		note_panic(m, "pvpanic: the kernel says that it panicked");
		break;
	case VM_WORD_POWER_OFF:
		vm_machine_end(m, VM_REASON_POWER_OFF, 0, NULL);
		break;
	case VM_WORD_RESET:
		vm_machine_end(m, VM_REASON_RESET, 0, NULL);
		break;
	case VM_WORD_MARK:
		note_mark(m, value);
		break;
	}
}

static void cpu_ended(void *owner, struct vm_vcpu *cpu)
{
	enum vm_reason reason = VM_REASON_ERROR;

	if (cpu->stop == VM_STOP_TRIPLE)
		reason = VM_REASON_TRIPLE;
	vm_machine_end(owner, reason, 0, cpu->stop == VM_STOP_HALT ? "a vCPU halted" : cpu->why);
}

static void on_signal(struct vm_watch *w, uint32_t events)
{
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		vm_machine_end(vm_of(w, struct vm_machine, signals), VM_REASON_STOPPED, 0,
			       "by a signal");
}

/* Every vCPU has interrupts off and gets nowhere: nothing will wake it. */
static void on_hang_check(struct vm_timer *t)
{
	struct vm_machine *m = vm_of(t, struct vm_machine, hang);

	if (vm_cpus_dead_ns(&m->cpus) >= (uint64_t)m->cfg->hang_seconds * 1000000000)
		vm_machine_end(m, VM_REASON_HANG, 0, "every vCPU has interrupts off for good");
	else
		vm_cpus_probe(&m->cpus);
}

int vm_machine_power_button(struct vm_machine *m, struct cs_err *err)
{
	if (!m->cfg->acpi)
		return cs_err_set(err, ENODEV, "a machine without ACPI has no power button");
	vm_irq_raise(&m->power);
	return 0;
}

/* --- making it ---------------------------------------------------------------------------------
 */

static int watch_signals(struct vm_machine *m, struct cs_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* before there are threads, which inherit it */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return cs_err_sys(err, "block signals");
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd < 0)
		return cs_err_sys(err, "make a signalfd");
	m->signals.ready = on_signal;
	return vm_loop_add(&m->loop, &m->signals, EPOLLIN, err);
}

static int init_loops(struct vm_machine *m, struct cs_err *err)
{
	int rc = vm_loop_init(&m->loop, err);

	if (rc < 0)
		return rc;
	rc = vm_loop_init(&m->dev_loop, err);
	if (rc < 0) {
		vm_loop_fini(&m->loop);
		return rc;
	}
	m->loops = true;
	rc = vm_timer_init(&m->hang, &m->loop, on_hang_check, err);
	if (rc == 0)
		rc = vm_timer_init(&m->grace, &m->loop, on_grace, err);
	if (rc == 0)
		rc = watch_signals(m, err);
	return rc;
}

static int init_chips(struct vm_machine *m, struct cs_err *err)
{
	const struct vm_serial_opts serial = {
		.pio = &m->pio,
		.loop = &m->dev_loop,
		.vm_fd = m->kvm.fd,
		.in_fd = m->cfg->serial_in_fd,
		.out_fd = m->cfg->serial_out_fd,
		.owner = m,
		.said = serial_said,
	};
	int rc = vm_serial_init(&m->serial, &serial, err);

	if (rc == 0)
		rc = vm_cmos_init(&m->cmos, &m->pio, err);
	if (rc == 0)
		rc = vm_ports_init(&m->ports, &m->pio, m, port_said, err);
	if (rc == 0 && m->cfg->acpi)
		rc = vm_irq_init(&m->power, m->kvm.fd, VM_GSI_POWER, err);
	return rc;
}

struct maker {
	struct vm_machine *m;
	struct cs_err err;
	int rc;
};

static void *make_kvm(void *arg)
{
	struct maker *k = arg;

	k->rc = vm_kvm_init(&k->m->kvm, k->m->cfg->kvm_fd, k->m->cfg->pit, &k->err);
	return NULL;
}

/* KVM waits for the host's processors while it makes a machine (some 10 ms: a cgroup takes its
 * worker in), which is time enough to load the kernel. */
static int make_and_load(struct vm_machine *m, struct vm_kernel *kernel, struct cs_err *err)
{
	struct maker k = { .m = m, .err = CS_ERR_INIT };
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, make_kvm, &k);

	if (rc)
		return cs_err_errno(err, rc, "start a thread that makes the machine");
	rc = vm_machine_load(m, kernel, err);
	pthread_join(thread, NULL);
	if (k.rc < 0) {
		cs_err_clear(err);
		return cs_err_set(err, -k.rc, "%s", k.err.msg);
	}
	return rc;
}

int vm_machine_init(struct vm_machine *m, const struct vm_config *cfg, struct cs_err *err)
{
	const struct vm_mem_opts mem = { .size = cfg->memory, .shared = cfg->shared };
	struct vm_kernel kernel;
	int rc;

	*m = (struct vm_machine){
		.cfg = cfg,
		.kvm = VM_KVM_INIT,
		.mem = VM_MEM_INIT,
		.cpus = VM_CPUS_INIT,
		.serial = VM_SERIAL_INIT,
		.power = VM_IRQ_INIT,
		.control = VM_CONTROL_INIT,
		.hang = VM_TIMER_INIT,
		.grace = VM_TIMER_INIT,
		.signals = VM_WATCH_INIT,
		.started_ns = vm_now_ns(),
	};
	pthread_mutex_init(&m->lock, NULL);
	rc = init_loops(m, err);
	if (rc == 0)
		rc = vm_mem_init(&m->mem, &mem, err);
	if (rc == 0)
		rc = make_and_load(m, &kernel, err);
	if (rc == 0)
		rc = init_chips(m, err);
	if (rc == 0)
		rc = vm_devices_init(m, err);
	if (rc == 0)
		rc = vm_devices_tie(m, err);
	if (rc == 0)
		rc = vm_kvm_map(&m->kvm, &m->mem, err);
	if (rc == 0)
		rc = vm_machine_boot(m, &kernel, err);
	if (rc == 0 && cfg->control_fd >= 0)
		rc = vm_control_init(&m->control, m, cfg->control_fd, err);
	if (rc < 0)
		vm_machine_fini(m);
	return rc;
}

void vm_machine_fini(struct vm_machine *m)
{
	if (!m->loops)
		return;
	vm_cpus_fini(&m->cpus);
	vm_control_fini(&m->control);
	vm_devices_fini(m);
	vm_serial_fini(&m->serial);
	vm_irq_fini(&m->power);
	vm_kvm_fini(&m->kvm);
	vm_mem_fini(&m->mem);
	vm_timer_fini(&m->hang, &m->loop);
	vm_timer_fini(&m->grace, &m->loop);
	vm_loop_del(&m->loop, &m->signals);
	cs_close_fd(&m->signals.fd);
	vm_loop_fini(&m->dev_loop);
	vm_loop_fini(&m->loop);
	pthread_mutex_destroy(&m->lock);
	m->loops = false;
}

/* --- running it --------------------------------------------------------------------------------
 */

typedef int (*lock_down_fn)(enum vm_role role, struct cs_err *err);

struct dev_start {
	struct vm_machine *m;
	lock_down_fn lock_down;
};

static void *dev_thread(void *arg)
{
	struct dev_start *s = arg;
	struct vm_machine *m = s->m;
	struct cs_err err = CS_ERR_INIT;
	int rc = s->lock_down ? s->lock_down(VM_ROLE_DEVICE, &err) : 0;

	free(s);
	if (rc == 0)
		rc = vm_loop_run(&m->dev_loop, &err);
	if (rc < 0)
		vm_machine_end(m, VM_REASON_ERROR, 0, err.msg);
	return NULL;
}

static int start_dev_thread(struct vm_machine *m, lock_down_fn lock_down, struct cs_err *err)
{
	struct dev_start *s = malloc(sizeof(*s));
	int rc;

	if (!s)
		return cs_err_set(err, ENOMEM, "out of memory");
	*s = (struct dev_start){ m, lock_down };
	rc = pthread_create(&m->dev_thread, NULL, dev_thread, s);
	if (rc) {
		free(s);
		return cs_err_errno(err, rc, "start the devices' thread");
	}
	m->dev_started = true;
	return 0;
}

static void stop_threads(struct vm_machine *m)
{
	vm_cpus_stop(&m->cpus);
	if (!m->dev_started)
		return;
	vm_loop_stop(&m->dev_loop);
	pthread_join(m->dev_thread, NULL);
	m->dev_started = false;
}

/* The vCPUs' threads start paused: the guest's first instruction comes after every thread's
 * lock-down. */
int vm_machine_run(struct vm_machine *m, lock_down_fn lock_down, struct cs_err *err)
{
	const uint64_t every = (uint64_t)m->cfg->hang_seconds * 1000000000 / HANG_CHECKS;
	int rc;

	m->cpus.pio = &m->pio;
	m->cpus.mmio = &m->mmio;
	m->cpus.owner = m;
	m->cpus.ended = cpu_ended;
	m->cpus.trace_fd = m->cfg->trace_fd;
	m->cpus.lock_down = lock_down;
	m->cpus.paused = true;
	rc = vm_devices_start(m, err);
	if (rc == 0)
		rc = start_dev_thread(m, lock_down, err);
	if (rc == 0)
		rc = vm_cpus_start(&m->cpus, err);
	if (rc == 0)
		vm_cpus_pause(&m->cpus);
	if (rc == 0 && lock_down)
		rc = lock_down(VM_ROLE_CONTROL, err);
	if (rc == 0) {
		vm_timer_set(&m->hang, every, every);
		vm_cpus_resume(&m->cpus);
		rc = vm_loop_run(&m->loop, err);
	}
	stop_threads(m);
	return rc;
}
