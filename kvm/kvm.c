#include "kvm/kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/caps.h"
#include "kvm/layout.h"
#include "kvm/mem.h"

static int check_host(struct vm_kvm *k, struct cs_err *err)
{
	const int version = ioctl(k->kvm_fd, KVM_GET_API_VERSION, 0);
	int n;

	if (version != KVM_API_VERSION)
		return cs_err_set(err, ENODEV, "this is not KVM's device, or of version %d, not %d",
				  version, KVM_API_VERSION);
	for (size_t i = 0; i < CS_LEN(vm_caps_needed); i++)
		if (ioctl(k->kvm_fd, KVM_CHECK_EXTENSION, vm_caps_needed[i].cap) <= 0)
			return cs_err_set(err, ENODEV, "the host's KVM has no %s",
					  vm_caps_needed[i].name);
	n = ioctl(k->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	k->max_cpus = n > 0 ? (uint32_t)n : 4;
	n = ioctl(k->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (n < (int)sizeof(struct kvm_run))
		return cs_err_set(err, ENODEV, "the host's KVM shares %d bytes a vCPU", n);
	k->run_size = (size_t)n;
	return 0;
}

static int make_machine(struct vm_kvm *k, bool pit, struct cs_err *err)
{
	const uint64_t identity = VM_IDENTITY_ADDR;
	const struct kvm_pit_config pit_config = { .flags = 0 };

	k->fd = ioctl(k->kvm_fd, KVM_CREATE_VM, 0);
	if (k->fd < 0)
		return cs_err_sys(err, "make a machine (KVM_CREATE_VM)");
	if (ioctl(k->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(k->fd, KVM_SET_TSS_ADDR, (unsigned long)VM_TSS_ADDR) < 0)
		return cs_err_sys(err, "place KVM's own pages");
	if (ioctl(k->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return cs_err_sys(err, "make the interrupt controllers (KVM_CREATE_IRQCHIP)");
	if (pit && ioctl(k->fd, KVM_CREATE_PIT2, &pit_config) < 0)
		return cs_err_sys(err, "make the timer (KVM_CREATE_PIT2)");
	k->has_pit = pit;
	return 0;
}

int vm_kvm_init(struct vm_kvm *k, int kvm_fd, bool pit, struct cs_err *err)
{
	int rc;

	*k = VM_KVM_INIT;
	k->kvm_fd = kvm_fd >= 0 ? kvm_fd : open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->kvm_fd < 0)
		return cs_err_sys(err, "open /dev/kvm");
	rc = check_host(k, err);
	if (rc == 0)
		rc = make_machine(k, pit, err);
	if (rc < 0)
		vm_kvm_fini(k);
	return rc;
}

void vm_kvm_fini(struct vm_kvm *k)
{
	cs_close_fd(&k->fd);
	cs_close_fd(&k->kvm_fd);
}

int vm_kvm_map(const struct vm_kvm *k, const struct vm_mem *m, struct cs_err *err)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const struct vm_mem_region *r = &m->r[i];
		const struct kvm_userspace_memory_region slot = {
			.slot = i,
			.flags = r->readonly ? KVM_MEM_READONLY : 0,
			.guest_phys_addr = r->gpa,
			.memory_size = r->len,
			.userspace_addr = (uintptr_t)r->host,
		};

		if (ioctl(k->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return cs_err_sys(err, "give the machine %llu MiB of memory at %#llx",
					  (unsigned long long)(r->len >> 20),
					  (unsigned long long)r->gpa);
	}
	return 0;
}
