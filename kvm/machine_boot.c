#include "kvm/machine_int.h"

#include <errno.h>
#include <linux/kvm.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "kvm/config.h"
#include "kvm/machine.h"
#include "kvm/x86/acpi.h"
#include "kvm/x86/boot.h"
#include "kvm/x86/cpuid.h"
#include "kvm/x86/load.h"
#include "kvm/x86/mptable.h"

/* The configured words, and those that tell a kernel without ACPI of its devices. */
static int make_cmdline(const struct vm_config *cfg, struct cs_buf *b, struct cs_err *err)
{
	cs_buf_add(b, cfg->cmdline ? cfg->cmdline : "");
	for (uint32_t i = 0; i < cfg->n_devs && !cfg->acpi; i++)
		cs_buf_addf(b, " virtio_mmio.device=%lluK@%#llx:%u",
			    (unsigned long long)VM_MMIO_SIZE >> 10,
			    (unsigned long long)(VM_MMIO_BASE + i * VM_MMIO_SIZE), VM_GSI_BASE + i);
	return cs_buf_ok(b, err);
}

static int write_tables(struct vm_machine *m, uint64_t *rsdp, struct cs_err *err)
{
	const struct vm_acpi_opts acpi = { .cpus = m->cfg->cpus, .n_devs = m->cfg->n_devs };
	uint8_t *p;
	int rc;

	if (m->cfg->acpi) {
		p = vm_mem_ptr(&m->mem, VM_ACPI_ADDR, VM_ACPI_MAX, true);
		rc = vm_acpi_build(&acpi, VM_ACPI_ADDR, p, VM_ACPI_MAX, err);
		*rsdp = VM_ACPI_ADDR;
	} else {
		p = vm_mem_ptr(&m->mem, VM_MPTABLE_ADDR, VM_MPTABLE_MAX, true);
		rc = vm_mptable_build(m->cfg->cpus, p, VM_MPTABLE_MAX, err);
		*rsdp = 0;
	}
	return rc < 0 ? rc : 0;
}

/* There is no firmware, but Linux starts it to reset a hardware-reduced machine: 16-bit code that
 * writes to the ACPI reset register. */
static int write_reset(struct vm_machine *m, struct cs_err *err)
{
	static const uint8_t code[] = {
		0xb0,
		0x01, /* mov $1, %al */
		0xba,
		(VM_PORT_ACPI + 2) & 0xff,
		VM_PORT_ACPI >> 8, /* mov $…, %dx */
		0xee,		   /* out %al, %dx */
		0xf4,		   /* hlt */
		0xeb,
		0xfd, /* jmp to it */
	};
	int rc = vm_mem_write(&m->mem, VM_RESET_ADDR, code, sizeof(code));

	return rc < 0 ? cs_err_errno(err, -rc, "write the reset code") : 0;
}

int vm_machine_load(struct vm_machine *m, struct vm_kernel *k, struct cs_err *err)
{
	cs_auto_buf struct cs_buf cmdline = CS_BUF_INIT;
	struct vm_boot b = { 0 };
	struct vm_initramfs ir = { .max = UINT64_C(1) << 31 };
	int rc = vm_kernel_load(&m->mem, m->cfg->kernel_fd, m->cfg->entry, k, err);

	if (rc < 0)
		return rc;
	if (k->bz.setup_len && k->bz.initrd_max < ir.max)
		ir.max = k->bz.initrd_max + 1;
	ir.floor = k->end;
	rc = vm_initramfs_load(&m->mem, m->cfg->initramfs_fd, m->cfg->n_initramfs, &ir, err);
	b.initramfs_at = ir.at;
	b.initramfs_len = ir.len;
	if (rc == 0)
		rc = make_cmdline(m->cfg, &cmdline, err);
	if (rc == 0)
		rc = write_tables(m, &b.rsdp, err);
	if (rc == 0)
		rc = write_reset(m, err);
	if (rc < 0)
		return rc;
	b.cmdline = cmdline.s ? cmdline.s : "";
	return vm_boot_write(&m->mem, k, &b, err);
}

int vm_machine_boot(struct vm_machine *m, const struct vm_kernel *k, struct cs_err *err)
{
	cs_auto_free struct kvm_cpuid2 *cpuid = NULL;
	int rc = vm_cpuid_get(m->kvm.kvm_fd, &cpuid, err);

	if (rc == 0)
		rc = vm_cpus_init(&m->cpus, &m->kvm, m->cfg->cpus, cpuid, err);
	for (uint32_t i = 0; rc == 0 && i < m->cpus.n; i++)
		rc = vm_boot_msrs(m->cpus.cpu[i].fd, err);
	if (rc == 0)
		rc = vm_boot_regs(m->cpus.cpu[0].fd, k, err);
	return rc;
}
