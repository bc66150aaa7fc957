/*
 * Tiny guests on the machine's own KVM, through the real ioctls: kvm/{kvm,vcpu,irq}. They are
 * 16-bit code at GUEST with a data segment at the device window.
 */
#include "kvm/vcpu.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/bus.h"
#include "kvm/irq.h"
#include "kvm/kvm.h"
#include "kvm/layout.h"
#include "kvm/mem.h"
#include "kvm/x86/cpuid.h"
#include "tests/unit/unit.h"

enum {
	GUEST = 0x1000,
	PORT = 0x3f8,
	DONE = 0x501,
};

#define GUEST_CODE(name, text)                                                                 \
	extern const char guest_##name[], guest_##name##_end[];                                \
	__asm__(".pushsection .rodata\n.code16\n.globl guest_" #name ", guest_" #name "_end\n" \
		"guest_" #name ":\n" text "\nguest_" #name "_end:\n.code64\n.popsection")

/* Writes a byte, reads one, writes it plus one; a word; then says that it is done. */
GUEST_CODE(pio, "mov $0x3f8, %dx\n mov $'A', %al\n out %al, %dx\n"
		"in %dx, %al\n inc %al\n out %al, %dx\n"
		"mov $0x1234, %ax\n out %ax, %dx\n"
		"mov $0x501, %dx\n out %al, %dx\n 1: jmp 1b");

/* The device window through the data segment: a byte, a double word, a read. */
GUEST_CODE(mmio, "movb $0x5a, 0x10\n movl $0x11223344, 0x20\n mov 0x30, %ax\n"
		 "mov $0x3f8, %dx\n out %ax, %dx\n"
		 "movl $1, 0x50\n movl $2, 0x50\n"
		 "mov $0x501, %dx\n out %al, %dx\n 1: jmp 1b");

/* Sets up the interrupt controller of old for line 4, tells, and waits; the handler writes 'I'. */
GUEST_CODE(irq, "xor %ax, %ax\n mov %ax, %ss\n mov $0x8000, %sp\n mov %ax, %es\n"
		"movw $(0x1000 + 2f - guest_irq), %es:(0x24 * 4)\n movw $0, %es:(0x24 * 4 + 2)\n"
		"mov $0x11, %al\n out %al, $0x20\n mov $0x20, %al\n out %al, $0x21\n"
		"mov $4, %al\n out %al, $0x21\n mov $1, %al\n out %al, $0x21\n"
		"mov $0xef, %al\n out %al, $0x21\n"
		"sti\n mov $'R', %al\n mov $0x3f8, %dx\n out %al, %dx\n 1: hlt\n jmp 1b\n"
		"2: mov $0x20, %al\n out %al, $0x20\n mov $'I', %al\n mov $0x3f8, %dx\n"
		"out %al, %dx\n iret");

GUEST_CODE(spin, "sti\n 1: inc %ax\n jmp 1b");
GUEST_CODE(loop, "cli\n 1: inc %ax\n jmp 1b");
GUEST_CODE(talk, "cli\n mov $0x502, %dx\n 1: in %dx, %al\n jmp 1b");
/* No interrupt table, then an interrupt. */
GUEST_CODE(triple, "lidtl %cs:(0x1000 + 1f - guest_triple)\n int $3\n 1: .word 0\n .long 0");
GUEST_CODE(dead, "cli\n 1: hlt\n jmp 1b");

struct box {
	struct vm_kvm kvm;
	struct vm_mem mem;
	struct vm_bus pio, mmio;
	struct vm_cpus cpus;
	int done; /* eventfd: the guest wrote to DONE, or its vCPU ended */
	char out[64];
	size_t n_out;
	struct vm_vcpu *ended;
};

static void notify(struct box *b)
{
	const uint64_t one = 1;

	ck_assert_int_eq((int)write(b->done, &one, sizeof(one)), (int)sizeof(one));
}

static void wait_done(struct box *b)
{
	uint64_t v;

	ck_assert_int_eq((int)read(b->done, &v, sizeof(v)), (int)sizeof(v));
}

static void port_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct box *b = owner;

	(void)off;
	if (!write)
		data[0] = 'B';
	for (uint32_t i = 0; write && i < len && b->n_out < sizeof(b->out) - 1; i++)
		b->out[b->n_out++] = (char)data[i];
	if (write && (data[0] == 'R' || data[0] == 'I'))
		notify(b);
}

static void done_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)data;
	(void)len;
	if (write)
		notify(owner);
}

static void window_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct box *b = owner;

	if (!write)
		vm_bus_put(data, len, 0x6d6d);
	else if (b->n_out < sizeof(b->out) - 20)
		b->n_out += (size_t)snprintf(b->out + b->n_out, sizeof(b->out) - b->n_out,
					     "%x:%llx,", (unsigned int)off,
					     (unsigned long long)vm_bus_get(data, len));
}

static void cpu_ended(void *owner, struct vm_vcpu *cpu)
{
	struct box *b = owner;

	b->ended = cpu;
	notify(b);
}

static void add(struct vm_bus *bus, uint64_t base, uint64_t len, vm_bus_fn fn, struct box *b)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(
		vm_bus_add(bus,
			   &(struct vm_bus_range){
				   .name = "x", .base = base, .len = len, .owner = b, .do_io = fn },
			   &err),
		0);
}

static void set_regs(struct box *b, uint32_t i)
{
	struct kvm_regs regs = { .rip = GUEST, .rflags = 2 };
	struct kvm_sregs s;

	ck_assert_int_eq(ioctl(b->cpus.cpu[i].fd, KVM_GET_SREGS, &s), 0);
	s.cs.base = 0;
	s.cs.selector = 0;
	s.ds.base = VM_MMIO_BASE;
	ck_assert_int_eq(ioctl(b->cpus.cpu[i].fd, KVM_SET_SREGS, &s), 0);
	ck_assert_int_eq(ioctl(b->cpus.cpu[i].fd, KVM_SET_REGS, &regs), 0);
}

static void make(struct box *b, const char *code, const char *end)
{
	cs_auto_free struct kvm_cpuid2 *cpuid = NULL;
	struct cs_err err = CS_ERR_INIT;
	int rc;

	*b = (struct box){ .kvm = VM_KVM_INIT, .mem = VM_MEM_INIT, .cpus = VM_CPUS_INIT };
	b->done = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	rc = vm_kvm_init(&b->kvm, -EBADF, false, &err);
	if (rc == 0)
		rc = vm_mem_init(&b->mem, &(struct vm_mem_opts){ .size = 2 << 20 }, &err);
	if (rc == 0)
		rc = vm_kvm_map(&b->kvm, &b->mem, &err);
	if (rc == 0)
		rc = vm_cpuid_get(b->kvm.kvm_fd, &cpuid, &err);
	if (rc == 0)
		rc = vm_cpus_init(&b->cpus, &b->kvm, 1, cpuid, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_int_eq(vm_mem_write(&b->mem, GUEST, code, (size_t)(end - code)), 0);
	set_regs(b, 0);
	add(&b->pio, PORT, 2, port_io, b);
	add(&b->pio, DONE, 1, done_io, b);
	add(&b->mmio, VM_MMIO_BASE, 0x1000, window_io, b);
	b->cpus.pio = &b->pio;
	b->cpus.mmio = &b->mmio;
	b->cpus.owner = b;
	b->cpus.ended = cpu_ended;
}

static void start(struct box *b)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(vm_cpus_start(&b->cpus, &err) == 0, "%s", err.msg);
}

static void end(struct box *b)
{
	vm_cpus_fini(&b->cpus);
	vm_cpus_fini(&b->cpus);
	vm_kvm_fini(&b->kvm);
	vm_mem_fini(&b->mem);
	close(b->done);
}

START_TEST(test_pio)
{
	static struct box b;

	make(&b, guest_pio, guest_pio_end);
	start(&b);
	wait_done(&b);
	end(&b);
	ck_assert_int_eq(memcmp(b.out, "AC\x34\x12", 4), 0);
	ck_assert_uint_ge(b.cpus.n, 0);
}
END_TEST

START_TEST(test_mmio)
{
	static struct box b;
	struct cs_err err = CS_ERR_INIT;
	uint64_t v = 0;
	cs_auto_fd int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	make(&b, guest_mmio, guest_mmio_end);
	ck_assert_int_eq(vm_doorbell_add(b.kvm.fd, VM_MMIO_BASE + 0x50, 1, bell, &err), 0);
	start(&b);
	wait_done(&b);
	vm_doorbell_del(b.kvm.fd, VM_MMIO_BASE + 0x50, 1, bell);
	end(&b);
	/* the write of 1 rang the bell and did not come here, that of 2 did */
	ck_assert_str_eq(b.out, "10:5a,20:11223344,mm50:2,");
	ck_assert_int_eq((int)read(bell, &v, sizeof(v)), (int)sizeof(v));
	ck_assert_uint_eq(v, 1);
}
END_TEST

START_TEST(test_irq)
{
	static struct box b;
	struct vm_irq irq = VM_IRQ_INIT;
	struct cs_err err = CS_ERR_INIT;

	make(&b, guest_irq, guest_irq_end);
	ck_assert_msg(vm_irq_init(&irq, b.kvm.fd, 4, &err) == 0, "%s", err.msg);
	start(&b);
	wait_done(&b); /* 'R' */
	for (int i = 0; i < 3; i++) {
		vm_irq_raise(&irq);
		wait_done(&b); /* 'I' */
	}
	end(&b);
	vm_irq_fini(&irq);
	ck_assert_int_eq(memcmp(b.out, "RIII", 5), 0);
}
END_TEST

START_TEST(test_pause)
{
	static struct box b;
	uint64_t ax[2];
	struct kvm_regs regs;

	make(&b, guest_spin, guest_spin_end);
	b.cpus.paused = true;
	start(&b);
	vm_cpus_pause(&b.cpus);
	ck_assert_uint_eq(b.cpus.entered_ns, 0);
	vm_cpus_resume(&b.cpus);
	usleep(5000);
	for (int i = 0; i < 2; i++) {
		vm_cpus_pause(&b.cpus);
		ck_assert(vm_cpus_paused(&b.cpus));
		ck_assert_int_eq(ioctl(b.cpus.cpu[0].fd, KVM_GET_REGS, &regs), 0);
		ax[i] = regs.rax;
		usleep(2000);
		ck_assert_int_eq(ioctl(b.cpus.cpu[0].fd, KVM_GET_REGS, &regs), 0);
		ck_assert_uint_eq(regs.rax, ax[i]); /* it stands still */
		vm_cpus_resume(&b.cpus);
		usleep(5000);
	}
	/* in a pause it can be ended as well */
	vm_cpus_pause(&b.cpus);
	end(&b);
	ck_assert_ptr_null(b.ended);
}
END_TEST

START_TEST(test_triple_fault)
{
	static struct box b;

	make(&b, guest_triple, guest_triple_end);
	start(&b);
	wait_done(&b);
	ck_assert_ptr_nonnull(b.ended);
	ck_assert_int_eq(b.ended->stop, VM_STOP_TRIPLE);
	ck_assert_uint_eq(b.ended->exits[VM_EXIT_SHUTDOWN], 1);
	/* pausing what has ended does not wait */
	vm_cpus_pause(&b.cpus);
	end(&b);
}
END_TEST

/* Is the guest taken for a dead one? */
static bool dies(const char *code, const char *code_end)
{
	static struct box b;
	bool dead = false;

	make(&b, code, code_end);
	start(&b);
	for (int i = 0; i < 200 && !dead; i++) {
		vm_cpus_probe(&b.cpus);
		usleep(2000);
		dead = vm_cpus_dead_ns(&b.cpus) >= 50 * 1000 * 1000;
	}
	end(&b);
	return dead;
}

START_TEST(test_hang)
{
	ck_assert(dies(guest_dead, guest_dead_end));
	ck_assert(dies(guest_loop, guest_loop_end));
	/* with interrupts on, or talking to a device */
	ck_assert(!dies(guest_spin, guest_spin_end));
	ck_assert(!dies(guest_talk, guest_talk_end));
}
END_TEST

static int no_jail(enum vm_role role, struct cs_err *err)
{
	ck_assert_int_eq(role, VM_ROLE_VCPU);
	return cs_err_set(err, EPERM, "no jail");
}

START_TEST(test_lock_down)
{
	static struct box b;

	make(&b, guest_pio, guest_pio_end);
	b.cpus.lock_down = no_jail;
	start(&b);
	wait_done(&b);
	end(&b);
	ck_assert_int_eq(b.ended->stop, VM_STOP_INTERNAL);
	ck_assert_uint_eq(b.n_out, 0); /* not an instruction */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_pio,	  test_mmio, test_irq,	    test_pause,
				       test_triple_fault, test_hang, test_lock_down };
	cs_auto_fd int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("1..0 # SKIP /dev/kvm cannot be opened\n");
		return EXIT_SUCCESS;
	}
	return unit_run("kvm/vcpu", tests, CS_LEN(tests));
}
