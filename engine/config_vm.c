#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/config_int.h"

/* What a container in a machine cannot have. */

static bool shares(const char *mode)
{
	return mode && strcmp(mode, "private") != 0;
}

int eng_cfg_vm(const struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	const struct {
		const char *option;
		bool given;
		const char *why;
	} no[] = {
		{ "--network", r->network_mode && strcmp(r->network_mode, "none") != 0,
		  "a machine has a network of its own" },
		{ "--pid", shares(r->pid), "a machine has a kernel of its own" },
		{ "--ipc",
		  shares(r->ipc) && strcmp(r->ipc, "none") != 0 && strcmp(r->ipc, "shareable") != 0,
		  "a machine has a kernel of its own" },
		{ "--uts", shares(r->uts), "a machine has a kernel of its own" },
		{ "--cgroupns", shares(r->cgroupns), "a machine has a kernel of its own" },
		{ "--userns, --uidmap, --gidmap",
		  (r->userns && strcmp(r->userns, "host") != 0) || r->uidmap.n || r->gidmap.n,
		  "user namespaces in machines are not there yet" },
		{ "--device", r->devices.n != 0, "a machine has no devices of the host" },
		{ "--device-cgroup-rule", r->device_cgroup_rules.n != 0,
		  "a machine has no devices of the host" },
		{ "--privileged", r->privileged, "a machine has no devices of the host" },
		{ "--blkio-weight and its kin",
		  r->blkio_weight || r->blkio_weight_device.n || r->read_bps.n || r->write_bps.n ||
			  r->read_iops.n || r->write_iops.n,
		  "a machine's disks are not the host's" },
		{ "--systemd", r->systemd, "system containers in machines are not there yet" },
	};

	if (!eng_is_vm(r))
		return r->kernel || r->initrd || r->append
			       ? cs_err_set(err, EINVAL,
					    "options --kernel, --initrd and --append are of a "
					    "machine: --vm")
			       : 0;
	for (size_t i = 0; i < CS_LEN(no); i++)
		if (no[i].given)
			return cs_err_set(err, ENOTSUP, "option %s: not with isolation \"vm\": %s",
					  no[i].option, no[i].why);
	return 0;
}
