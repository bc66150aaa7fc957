#include "base/json.h"
#include "kvm/config.h"
#include "kvm/machine.h"

static void add_exits(struct vm_machine *m, struct cs_jw *w)
{
	uint64_t sum[VM_EXITS] = { 0 };

	for (uint32_t i = 0; i < m->cpus.n; i++)
		for (uint32_t e = 0; e < VM_EXITS; e++)
			sum[e] += __atomic_load_n(&m->cpus.cpu[i].exits[e], __ATOMIC_RELAXED);
	cs_jw_obj(w, "exits");
	for (uint32_t e = 0; e < VM_EXITS; e++)
		cs_jw_u64(w, vm_exit_name((enum vm_exit)e), sum[e]);
	cs_jw_obj_end(w);
}

/* Who was accessed, and how often. */
static void add_bus(const struct vm_bus *bus, const char *key, struct cs_jw *w)
{
	cs_jw_obj(w, key);
	for (uint32_t i = 0; i < bus->n; i++) {
		const uint64_t hits = __atomic_load_n(&bus->r[i].hits, __ATOMIC_RELAXED);

		if (hits)
			cs_jw_u64(w, bus->r[i].name, hits);
	}
	cs_jw_obj_end(w);
}

/* Microseconds since the program was started; null when it has not come to that. */
static void add_time(struct vm_machine *m, const char *key, uint64_t ns, struct cs_jw *w)
{
	if (ns)
		cs_jw_u64(w, key, (ns - m->started_ns) / 1000);
	else
		cs_jw_null(w, key);
}

void vm_machine_counters(struct vm_machine *m, struct cs_jw *w)
{
	uint64_t entered, user;

	pthread_mutex_lock(&m->cpus.lock);
	entered = m->cpus.entered_ns;
	pthread_mutex_unlock(&m->cpus.lock);
	pthread_mutex_lock(&m->lock);
	user = m->mark_ns[VM_MARK_USER];
	pthread_mutex_unlock(&m->lock);
	add_time(m, "kernel_entry_us", entered, w);
	add_time(m, "user_space_us", user, w);
	add_exits(m, w);
	add_bus(&m->pio, "pio", w);
	add_bus(&m->mmio, "mmio", w);
	cs_jw_obj(w, "devices");
	vm_devices_counters(m, w);
	cs_jw_obj_end(w);
	cs_jw_obj(w, "serial");
	cs_jw_u64(w, "interrupts", __atomic_load_n(&m->serial.irq.raised, __ATOMIC_RELAXED));
	cs_jw_u64(w, "bytes_lost", __atomic_load_n(&m->serial.lost, __ATOMIC_RELAXED));
	cs_jw_obj_end(w);
}
