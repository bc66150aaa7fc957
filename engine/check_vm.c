#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/check_int.h"
#include "kvm/caps.h"

/* What the second wall needs of a host. A host without is a good one for the first, so nothing here
 * is worse than a warning. */

static int try_machine(const struct eng_check *c, void *arg, struct cs_err *err)
{
	cs_auto_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = -EBADF, cpu = -EBADF;

	(void)c;
	(void)arg;
	if (kvm < 0)
		return cs_err_sys(err, "open it");
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return cs_err_set(err, ENODEV, "/dev/kvm is of another version");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return cs_err_sys(err, "make a machine");
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return cs_err_sys(err, "make interrupt controllers");
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0)
		return cs_err_sys(err, "make a processor");
	return 0;
}

static void check_caps(struct eng_check *c, int kvm)
{
	cs_auto_buf struct cs_buf missing = CS_BUF_INIT;

	for (size_t i = 0; i < CS_LEN(vm_caps_needed); i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, vm_caps_needed[i].cap) <= 0)
			cs_buf_addf(&missing, " %s", vm_caps_needed[i].name);
	if (missing.len)
		eng_check_warn(c, "KVM capabilities", "use Linux 5.4 or newer, and its own KVM",
			       "missing:%s", missing.s ? missing.s : "");
	else
		eng_check_pass(c, "KVM capabilities",
			       "all that machines need; as many as %d processors",
			       ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS));
}

static void check_kvm(struct eng_check *c)
{
	cs_auto_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_machine, NULL, &why) == 0)
		eng_check_pass(c, "/dev/kvm", "a machine with a processor can be made");
	else
		eng_check_warn(c, "/dev/kvm",
			       "load the module (modprobe kvm_intel or kvm_amd); be root or of "
			       "group kvm; inside a container, give it the device",
			       "%s", why.msg);
	if (kvm >= 0)
		check_caps(c, kvm);
}

/* One of vhost's devices, by what it is asked first. */
static void check_vhost(struct eng_check *c, const char *path, const char *module,
			const char *without)
{
	cs_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t features = 0;
	char help[160];

	snprintf(help, sizeof(help), "load the modules (modprobe vhost %s): without, %s", module,
		 without);
	if (fd >= 0 && ioctl(fd, VHOST_GET_FEATURES, &features) == 0 &&
	    ioctl(fd, VHOST_SET_OWNER) == 0)
		eng_check_pass(c, path, "can be used");
	else
		eng_check_warn(c, path, help, "%s", strerror(errno));
}

static size_t count_entries(const char *path)
{
	cs_auto_dir DIR *d = opendir(path);
	const struct dirent *f;
	size_t n = 0;

	while (d && (f = readdir(d)))
		n += *f->d_name != '.';
	return n;
}

/* Does the firmware tell of one, or has the kernel found one? */
static bool has_iommu(void)
{
	return access("/sys/firmware/acpi/tables/DMAR", F_OK) == 0 ||
	       access("/sys/firmware/acpi/tables/IVRS", F_OK) == 0 ||
	       count_entries("/sys/class/iommu") > 0;
}

static void check_iommu(struct eng_check *c)
{
	size_t groups = count_entries("/sys/kernel/iommu_groups");

	if (groups)
		eng_check_pass(c, "IOMMU", "is on: %zu groups", groups);
	else if (has_iommu())
		eng_check_warn(c, "IOMMU",
			       "boot with intel_iommu=on or amd_iommu=on: without, devices can "
			       "write to any memory",
			       "is there, and off");
	else
		eng_check_pass(c, "IOMMU",
			       "not there (VT-d, AMD-Vi: see the firmware), not needed: machines "
			       "get none of the host's devices");
}

static void check_memory(struct eng_check *c)
{
	long long pages = eng_check_number("/proc/sys/vm/nr_hugepages");
	long long ksm = eng_check_number("/sys/kernel/mm/ksm/run");
	char thp[64];

	if (pages > 0)
		eng_check_pass(c, "huge pages", "%lld are set aside; machines do not take them",
			       pages);
	else
		eng_check_pass(c, "huge pages", "none are set aside, none are needed");
	if (eng_check_line_of("/sys/kernel/mm/transparent_hugepage/enabled", thp, sizeof(thp)) < 0)
		eng_check_warn(c, "transparent huge pages",
			       "use a kernel with CONFIG_TRANSPARENT_HUGEPAGE: without, machines' "
			       "memory is slower",
			       "not there");
	else if (strstr(thp, "[never]"))
		eng_check_warn(c, "transparent huge pages",
			       "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled: "
			       "without, machines' memory is slower",
			       "are off");
	else
		eng_check_pass(c, "transparent huge pages", "machines' memory can have them");
	eng_check_pass(c, "KSM", "%s",
		       ksm < 0	  ? "not there, not needed"
		       : ksm == 1 ? "on; machines share no memory by it"
				  : "off, and not needed");
}

void eng_check_vm(struct eng_check *c)
{
	eng_check_cpu(c);
	check_kvm(c);
	check_vhost(c, "/dev/vhost-net", "vhost_net", "networks are slower");
	check_vhost(c, "/dev/vhost-vsock", "vhost_vsock", "the monitor's own is used");
	check_iommu(c);
	check_memory(c);
}
