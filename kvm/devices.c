#include "kvm/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "kvm/config.h"
#include "kvm/jail.h"
#include "kvm/machine.h"
#include "kvm/virtio/balloon.h"
#include "kvm/virtio/blk.h"
#include "kvm/virtio/console.h"
#include "kvm/virtio/fs.h"
#include "kvm/virtio/mmio.h"
#include "kvm/virtio/net.h"
#include "kvm/virtio/pmem.h"
#include "kvm/virtio/rng.h"
#include "kvm/virtio/vsock.h"

struct vm_dev {
	struct vio_dev *vio; /* the common part of one of those below; NULL: not made */
	bool tied;
	struct vio_mmio mmio;
	union {
		struct vio_blk blk;
		struct vio_pmem pmem;
		struct vio_net net;
		struct vio_vsock vsock;
		struct vio_console console;
		struct vio_fs fs;
		struct vio_rng rng;
		struct vio_balloon balloon;
	};
};

typedef int (*make_fn)(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		       const struct vio_env *env, struct cs_err *err);

static int make_blk(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		    const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->blk.dev;
	return vio_blk_init(&d->blk, &c->blk, env, err);
}

/* The file's whole pages; what is behind its end in the last one reads as zero. */
static int make_pmem(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		     const struct vio_env *env, struct cs_err *err)
{
	const struct vm_pmem_config *p = &c->pmem;
	struct stat sb;
	uint64_t len, gpa;
	int rc;

	if (fstat(p->fd, &sb) < 0)
		return cs_err_sys(err, "stat its file");
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EINVAL, "it is no regular file");
	len = ((uint64_t)sb.st_size + 4095) & ~UINT64_C(4095);
	rc = vm_mem_add_file(&m->mem, p->fd, len, p->readonly, &gpa, err);
	if (rc < 0)
		return rc;
	d->vio = &d->pmem.dev;
	return vio_pmem_init(&d->pmem, p->fd, p->readonly, gpa, m->mem.r[m->mem.n - 1].len, env,
			     err);
}

static int make_net(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		    const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->net.dev;
	return vio_net_init(&d->net, &c->net, env, err);
}

static int make_vsock(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		      const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->vsock.dev;
	return vio_vsock_init(&d->vsock, &c->vsock, env, err);
}

static int make_fs(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		   const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->fs.dev;
	return vio_fs_init(&d->fs, &c->fs, c->fs.server_fd, env, err);
}

static int make_console(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
			const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->console.dev;
	return vio_console_init(&d->console, &c->console, env, err);
}

static int make_rng(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
		    const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	(void)c;
	d->vio = &d->rng.dev;
	return vio_rng_init(&d->rng, env, err);
}

static int make_balloon(struct vm_machine *m, struct vm_dev *d, const struct vm_dev_config *c,
			const struct vio_env *env, struct cs_err *err)
{
	(void)m;
	d->vio = &d->balloon.dev;
	return vio_balloon_init(&d->balloon, &c->balloon, env, err);
}

static const make_fn makers[VM_DEV_TYPES] = {
	[VM_DEV_BLK] = make_blk, [VM_DEV_PMEM] = make_pmem,
	[VM_DEV_NET] = make_net, [VM_DEV_VSOCK] = make_vsock,
	[VM_DEV_FS] = make_fs,	 [VM_DEV_CONSOLE] = make_console,
	[VM_DEV_RNG] = make_rng, [VM_DEV_BALLOON] = make_balloon,
};

int vm_devices_init(struct vm_machine *m, struct cs_err *err)
{
	for (uint32_t i = 0; i < m->cfg->n_devs; i++) {
		const struct vm_dev_config *c = &m->cfg->dev[i];
		const struct vio_env env = {
			.mem = &m->mem,
			.loop = &m->dev_loop,
			.name = c->id,
			.thread_begin = m->cfg->jail ? vm_jail_worker : NULL,
		};
		struct vm_dev *d = calloc(1, sizeof(*d));
		int rc;

		if (!d)
			return cs_err_set(err, ENOMEM, "out of memory");
		m->devices.dev[m->devices.n++] = d;
		rc = makers[c->type](m, d, c, &env, err);
		if (rc < 0) {
			d->vio = NULL;
			return cs_err_wrap(err, "device %s", c->id);
		}
	}
	return 0;
}

int vm_devices_tie(struct vm_machine *m, struct cs_err *err)
{
	for (uint32_t i = 0; i < m->devices.n; i++) {
		struct vm_dev *d = m->devices.dev[i];
		int rc = vio_mmio_init(&d->mmio, d->vio, &m->mmio, m->kvm.fd,
				       VM_MMIO_BASE + i * VM_MMIO_SIZE, VM_GSI_BASE + i, err);

		if (rc < 0)
			return cs_err_wrap(err, "device %s", m->cfg->dev[i].id);
		d->tied = true;
	}
	return 0;
}

int vm_devices_start(struct vm_machine *m, struct cs_err *err)
{
	for (uint32_t i = 0; i < m->devices.n; i++) {
		int rc = vio_dev_start(m->devices.dev[i]->vio, err);

		if (rc < 0)
			return cs_err_wrap(err, "device %s", m->cfg->dev[i].id);
	}
	return 0;
}

void vm_devices_fini(struct vm_machine *m)
{
	vm_loop_lock(&m->dev_loop);
	for (uint32_t i = 0; i < m->devices.n; i++) {
		struct vm_dev *d = m->devices.dev[i];

		if (d->tied)
			vio_mmio_fini(&d->mmio);
		if (d->vio)
			vio_dev_fini(d->vio);
		free(d);
	}
	m->devices.n = 0;
	vm_loop_unlock(&m->dev_loop);
}

static void add_balloon(const struct vio_balloon *b, struct cs_jw *w)
{
	cs_jw_u64(w, "bytes_inflated", __atomic_load_n(&b->inflated, __ATOMIC_RELAXED));
	cs_jw_u64(w, "bytes_reported", __atomic_load_n(&b->reported, __ATOMIC_RELAXED));
}

void vm_devices_counters(struct vm_machine *m, struct cs_jw *w)
{
	vm_loop_lock(&m->dev_loop);
	for (uint32_t i = 0; i < m->devices.n; i++) {
		const struct vio_dev *v = m->devices.dev[i]->vio;

		cs_jw_obj(w, m->cfg->dev[i].id);
		cs_jw_u64(w, "kicks", __atomic_load_n(&v->kicks, __ATOMIC_RELAXED));
		cs_jw_u64(w, "interrupts", __atomic_load_n(&v->raised, __ATOMIC_RELAXED));
		cs_jw_u64(w, "broken", __atomic_load_n(&v->broken, __ATOMIC_RELAXED));
		if (m->cfg->dev[i].type == VM_DEV_BALLOON)
			add_balloon(&m->devices.dev[i]->balloon, w);
		cs_jw_obj_end(w);
	}
	vm_loop_unlock(&m->dev_loop);
}
