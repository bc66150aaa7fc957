#include "kvm/irq.h"

#include <linux/kvm.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

int vm_irq_init(struct vm_irq *irq, int vm_fd, uint32_t gsi, struct cs_err *err)
{
	cs_auto_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd arg = { .gsi = gsi };

	if (fd < 0)
		return cs_err_sys(err, "make an eventfd for interrupt %u", gsi);
	arg.fd = (uint32_t)fd;
	if (vm_fd >= 0 && ioctl(vm_fd, KVM_IRQFD, &arg) < 0)
		return cs_err_sys(err, "tie an eventfd to interrupt %u (KVM_IRQFD)", gsi);
	*irq = (struct vm_irq){ .fd = cs_take_fd(&fd), .gsi = gsi };
	return 0;
}

void vm_irq_fini(struct vm_irq *irq)
{
	cs_close_fd(&irq->fd);
}

void vm_irq_raise(struct vm_irq *irq)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(irq->fd, &one, sizeof(one));

	/* EAGAIN: the counter is full, so it is raised */
	(void)n;
	__atomic_fetch_add(&irq->raised, 1, __ATOMIC_RELAXED);
	errno = saved;
}

static int doorbell(int vm_fd, uint64_t gpa, uint32_t match, int fd, uint32_t flags)
{
	struct kvm_ioeventfd arg = {
		.datamatch = match,
		.addr = gpa,
		.len = sizeof(uint32_t),
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	return vm_fd < 0 ? 0 : ioctl(vm_fd, KVM_IOEVENTFD, &arg);
}

int vm_doorbell_add(int vm_fd, uint64_t gpa, uint32_t match, int fd, struct cs_err *err)
{
	if (doorbell(vm_fd, gpa, match, fd, 0) < 0)
		return cs_err_sys(err, "set up a doorbell at %#llx (KVM_IOEVENTFD)",
				  (unsigned long long)gpa);
	return 0;
}

void vm_doorbell_del(int vm_fd, uint64_t gpa, uint32_t match, int fd)
{
	(void)doorbell(vm_fd, gpa, match, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
