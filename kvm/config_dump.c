#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "kvm/config.h"

static void add_fd(struct cs_jw *w, const char *key, int fd)
{
	if (fd >= 0)
		cs_jw_i64(w, key, fd);
}

static void add_rate(struct cs_jw *w, const char *key, const struct vm_rate *r)
{
	if (!r->per_second)
		return;
	cs_jw_obj(w, key);
	cs_jw_u64(w, "per_second", r->per_second);
	cs_jw_u64(w, "burst", r->burst);
	cs_jw_obj_end(w);
}

static void add_blk(struct cs_jw *w, const struct vm_blk_config *b)
{
	cs_jw_i64(w, "fd", b->fd);
	cs_jw_bool(w, "readonly", b->readonly);
	if (b->serial)
		cs_jw_str(w, "serial", b->serial);
	cs_jw_u64(w, "queues", b->queues);
	add_rate(w, "bytes_rate", &b->bytes);
	add_rate(w, "ops_rate", &b->ops);
}

static void add_net(struct cs_jw *w, const struct vm_net_config *n)
{
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1], n->mac[2],
		 n->mac[3], n->mac[4], n->mac[5]);
	cs_jw_i64(w, "fd", n->fd);
	cs_jw_str(w, "mac", mac);
	if (n->mtu)
		cs_jw_u64(w, "mtu", n->mtu);
	add_fd(w, "vhost", n->vhost_fd);
	add_rate(w, "rx_bytes_rate", &n->rx_bytes);
	add_rate(w, "tx_bytes_rate", &n->tx_bytes);
}

static void add_dev(struct cs_jw *w, const struct vm_dev_config *d)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", vm_dev_type_name(d->type));
	cs_jw_str(w, "id", d->id);
	switch (d->type) {
	case VM_DEV_BLK:
		add_blk(w, &d->blk);
		break;
	case VM_DEV_PMEM:
		cs_jw_i64(w, "fd", d->pmem.fd);
		cs_jw_bool(w, "readonly", d->pmem.readonly);
		break;
	case VM_DEV_NET:
		add_net(w, &d->net);
		break;
	case VM_DEV_VSOCK:
		cs_jw_i64(w, "fd", d->vsock.fd);
		cs_jw_u64(w, "cid", d->vsock.cid);
		break;
	case VM_DEV_FS:
		cs_jw_i64(w, "root", d->fs.root_fd);
		cs_jw_str(w, "tag", d->fs.tag);
		cs_jw_bool(w, "readonly", d->fs.readonly);
		break;
	case VM_DEV_CONSOLE:
		add_fd(w, "in", d->console.in_fd);
		add_fd(w, "out", d->console.out_fd);
		break;
	case VM_DEV_BALLOON:
		cs_jw_bool(w, "free_page_reporting", d->balloon.reporting);
		cs_jw_bool(w, "deflate_on_oom", d->balloon.deflate_on_oom);
		cs_jw_u64(w, "pages", d->balloon.pages);
		break;
	case VM_DEV_RNG:
	case VM_DEV_TYPES:
		break;
	}
	cs_jw_obj_end(w);
}

static void add_kernel(struct cs_jw *w, const struct vm_config *c)
{
	static const char *const entries[] = {
		[VM_ENTRY_AUTO] = "auto",
		[VM_ENTRY_PVH] = "pvh",
		[VM_ENTRY_LINUX64] = "linux64",
	};

	cs_jw_obj(w, "kernel");
	cs_jw_i64(w, "fd", c->kernel_fd);
	cs_jw_str(w, "cmdline", c->cmdline ? c->cmdline : "");
	cs_jw_str(w, "entry", entries[c->entry]);
	cs_jw_obj_end(w);
	cs_jw_arr(w, "initramfs");
	for (uint32_t i = 0; i < c->n_initramfs; i++)
		cs_jw_i64(w, NULL, c->initramfs_fd[i]);
	cs_jw_arr_end(w);
	cs_jw_obj(w, "serial");
	add_fd(w, "in", c->serial_in_fd);
	add_fd(w, "out", c->serial_out_fd);
	cs_jw_obj_end(w);
}

int vm_config_dump(const struct vm_config *c, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	w.pretty = true;
	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "version", 1);
	cs_jw_u64(&w, "cpus", c->cpus);
	cs_jw_u64(&w, "memory", c->memory);
	cs_jw_bool(&w, "shared", c->shared);
	cs_jw_bool(&w, "acpi", c->acpi);
	cs_jw_bool(&w, "pit", c->pit);
	cs_jw_bool(&w, "jail", c->jail);
	cs_jw_u64(&w, "uid", c->uid);
	cs_jw_u64(&w, "gid", c->gid);
	cs_jw_u64(&w, "hang_seconds", c->hang_seconds);
	add_kernel(&w, c);
	add_fd(&w, "control", c->control_fd);
	add_fd(&w, "result", c->result_fd);
	add_fd(&w, "kvm", c->kvm_fd);
	add_fd(&w, "trace", c->trace_fd);
	cs_jw_arr(&w, "devices");
	for (uint32_t i = 0; i < c->n_devs; i++)
		add_dev(&w, &c->dev[i]);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, NULL, err);
}
