#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/check_int.h"

/* What the second wall needs of a host. A host without is a good one for the first, so nothing here
 * is worse than a warning. */

/* Is it one of the words of /proc/cpuinfo's flags? */
static bool has_flag(const char *cpuinfo, const char *flag)
{
	const char *s = strstr(cpuinfo, "\nflags");
	const char *end = s ? strchr(s + 1, '\n') : NULL;
	size_t len = strlen(flag);

	for (; s && end && s < end; s++)
		if (*s == ' ' && strncmp(s + 1, flag, len) == 0 &&
		    (s[len + 1] == ' ' || s[len + 1] == '\n'))
			return true;
	return false;
}

static void check_cpu(struct eng_check *c)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	const size_t size = 16384; /* the first processor is enough */
	ssize_t n;

	text = calloc(1, size);
	if (fd < 0 || !text)
		return;
	n = read(fd, text, size - 1);
	if (n < 0)
		return;
	if (has_flag(text, "vmx"))
		eng_check_pass(c, "processor", "vmx (Intel VT-x)");
	else if (has_flag(text, "svm"))
		eng_check_pass(c, "processor", "svm (AMD-V)");
	else
		eng_check_warn(c, "processor",
			       "turn virtualization on in the firmware; in a virtual machine, let "
			       "the outer host give it nested",
			       "has neither vmx nor svm");
}

static int try_machine(const struct eng_check *c, void *arg, struct cs_err *err)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_IRQCHIP, "IRQCHIP" },
		{ KVM_CAP_USER_MEMORY, "USER_MEMORY" },
		{ KVM_CAP_EXT_CPUID, "EXT_CPUID" },
		{ KVM_CAP_IRQFD, "IRQFD" },
		{ KVM_CAP_IOEVENTFD, "IOEVENTFD" },
		{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
		{ KVM_CAP_READONLY_MEM, "READONLY_MEM" },
	};
	cs_auto_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = -EBADF, cpu = -EBADF;

	(void)c;
	(void)arg;
	if (kvm < 0)
		return cs_err_sys(err, "open it");
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return cs_err_set(err, ENODEV, "/dev/kvm is of another version");
	for (size_t i = 0; i < CS_LEN(needed); i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return cs_err_set(err, ENODEV, "KVM has no %s", needed[i].name);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return cs_err_sys(err, "make a machine");
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	return cpu < 0 ? cs_err_sys(err, "make a processor") : 0;
}

static void check_kvm(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	char unrestricted[8];

	if (eng_check_try(c, try_machine, NULL, &why) == 0)
		eng_check_pass(c, "/dev/kvm", "a machine with a processor can be made");
	else
		eng_check_warn(c, "/dev/kvm",
			       "load the module (modprobe kvm_intel or kvm_amd); be root or of "
			       "group kvm; inside a container, give it the device",
			       "%s", why.msg);
	if (eng_check_line_of("/sys/module/kvm_intel/parameters/unrestricted_guest", unrestricted,
			      sizeof(unrestricted)) == 0 &&
	    *unrestricted != 'Y')
		eng_check_warn(c, "unrestricted guest", "load kvm_intel with unrestricted_guest=1",
			       "is off");
}

/* The first character of one of the two modules' parameter; 0: neither is there. */
static char parameter(const char *name)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd" };
	char path[128], text[8];

	for (size_t i = 0; i < CS_LEN(modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", modules[i], name);
		if (eng_check_line_of(path, text, sizeof(text)) == 0)
			return *text;
	}
	return '\0';
}

static void check_device(struct eng_check *c, const char *path, const char *module,
			 const char *without)
{
	cs_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	char help[160];

	snprintf(help, sizeof(help), "load the module (modprobe %s): without, %s", module, without);
	if (fd >= 0)
		eng_check_pass(c, path, "can be opened");
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

static void check_extras(struct eng_check *c)
{
	size_t groups = count_entries("/sys/kernel/iommu_groups");
	long long pages = eng_check_number("/proc/sys/vm/nr_hugepages");
	char nested = parameter("nested");

	check_device(c, "/dev/vhost-net", "vhost_net", "networks are slower");
	check_device(c, "/dev/vhost-vsock", "vhost_vsock", "the monitor's own is used");
	if (groups)
		eng_check_pass(c, "IOMMU", "%zu groups", groups);
	else
		eng_check_warn(c, "IOMMU",
			       "turn it on in the firmware and by intel_iommu=on, to hand devices "
			       "to guests",
			       "is not there or off");
	if (nested)
		eng_check_pass(c, "nested", nested == 'Y' || nested == '1' ? "on" : "off");
	if (pages > 0)
		eng_check_pass(c, "huge pages", "%lld are set aside", pages);
	if (access("/sys/kernel/mm/ksm", F_OK) == 0)
		eng_check_pass(c, "KSM",
			       eng_check_number("/sys/kernel/mm/ksm/run") == 1 ? "on" : "off");
}

void eng_check_vm(struct eng_check *c)
{
	check_cpu(c);
	check_kvm(c);
	check_extras(c);
}
