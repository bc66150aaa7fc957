#include "kvm/mem.h"

#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"
#include "tests/unit/unit.h"

#define MIB (1ULL << 20)

static struct vm_mem make(uint64_t size, bool shared)
{
	struct vm_mem m = VM_MEM_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(
		vm_mem_init(&m, &(struct vm_mem_opts){ .size = size, .shared = shared }, &err) == 0,
		"%s", err.msg);
	return m;
}

START_TEST(test_bounds)
{
	struct vm_mem m = make(4 * MIB, _i);
	uint32_t v = 0;

	ck_assert_ptr_eq(vm_mem_ptr(&m, 0, 4 * MIB, true), m.r[0].host);
	ck_assert_ptr_nonnull(vm_mem_ptr(&m, 4 * MIB - 1, 1, true));
	ck_assert_ptr_null(vm_mem_ptr(&m, 4 * MIB - 1, 2, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, 4 * MIB, 1, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, 0, 0, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, 8, UINT64_MAX, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, UINT64_MAX, 2, false));
	ck_assert_int_eq((int)((uintptr_t)m.r[0].host % VM_HUGE_PAGE), 0);
	ck_assert_int_eq(vm_mem_write(&m, 4096, "abcd", 4), 0);
	ck_assert_int_eq(vm_mem_read(&m, 4096, &v, 4), 0);
	ck_assert_uint_eq(v, 0x64636261);
	ck_assert_int_eq(vm_mem_read(&m, 4 * MIB - 2, &v, 4), -EFAULT);
	ck_assert_uint_eq(v, 0x64636261);
	vm_mem_fini(&m);
	vm_mem_fini(&m);
	ck_assert_ptr_null(vm_mem_ptr(&m, 0, 1, false));
}
END_TEST

START_TEST(test_hole)
{
	struct vm_mem m = make(VM_HOLE_START + 6 * MIB, _i);

	ck_assert_uint_eq(m.n, 2);
	ck_assert_ptr_null(vm_mem_ptr(&m, VM_HOLE_START - 1, 2, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, VM_HOLE_START, 1, false));
	ck_assert_ptr_null(vm_mem_ptr(&m, VM_HOLE_END - 1, 1, false));
	ck_assert_ptr_nonnull(vm_mem_ptr(&m, VM_HOLE_END, 6 * MIB, true));
	ck_assert_int_eq(vm_mem_write(&m, VM_HOLE_END, "high", 4), 0);
	ck_assert_int_eq(vm_mem_write(&m, 0, "low.", 4), 0);
	ck_assert_int_eq(memcmp(m.r[1].host, "high", 4), 0);
	vm_mem_fini(&m);
}
END_TEST

START_TEST(test_file)
{
	struct vm_mem m = make(2 * MIB, false);
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int fd = memfd_create("file", MFD_CLOEXEC);
	uint64_t gpa = 0, gpa2 = 0;
	char text[5] = "";

	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	ck_assert_int_eq((int)pwrite(fd, "image", 5, 4096), 5);
	ck_assert_int_eq(vm_mem_add_file(&m, fd, 8192, true, &gpa, &err), 0);
	ck_assert_uint_eq(gpa % VM_FILE_ALIGN, 0);
	ck_assert_uint_ge(gpa, VM_HOLE_END);
	ck_assert_int_eq(vm_mem_read(&m, gpa + 4096, text, 5), 0);
	ck_assert_int_eq(memcmp(text, "image", 5), 0);
	/* what the guest cannot write, nobody writes for it */
	ck_assert_int_eq(vm_mem_write(&m, gpa, text, 5), -EFAULT);
	ck_assert_ptr_null(vm_mem_ptr(&m, gpa, 1, true));
	ck_assert_uint_eq(vm_mem_discard(&m, gpa, 8192), 0);

	ck_assert_int_eq(vm_mem_add_file(&m, fd, 4096, false, &gpa2, &err), 0);
	ck_assert_uint_eq(gpa2, gpa + VM_FILE_ALIGN);
	ck_assert_int_eq(vm_mem_write(&m, gpa2, "xy", 2), 0);
	ck_assert_int_eq((int)pread(fd, text, 2, 0), 2);
	ck_assert_int_eq(memcmp(text, "xy", 2), 0);

	ck_assert_int_eq(vm_mem_add_file(&m, fd, 12288, true, &gpa2, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(vm_mem_add_file(&m, fd, 100, true, &gpa2, &err), -EINVAL);
	cs_err_clear(&err);
	while (m.n < VM_MEM_REGIONS)
		ck_assert_int_eq(vm_mem_add_file(&m, fd, 4096, true, &gpa2, &err), 0);
	ck_assert_int_eq(vm_mem_add_file(&m, fd, 4096, true, &gpa2, &err), -ENOSPC);
	vm_mem_fini(&m);
}
END_TEST

START_TEST(test_discard)
{
	struct vm_mem m = make(4 * MIB, _i);
	uint8_t b = 1;

	ck_assert_int_eq(vm_mem_write(&m, 4096, "keep", 4), 0);
	ck_assert_int_eq(vm_mem_write(&m, 8192, "gone", 4), 0);
	ck_assert_int_eq(vm_mem_write(&m, 4 * MIB - 1, "l", 1), 0);
	/* rounded inwards */
	ck_assert_uint_eq(vm_mem_discard(&m, 4097, 8191), 4096);
	ck_assert_int_eq(vm_mem_read(&m, 4096, &b, 1), 0);
	ck_assert_int_eq(b, 'k');
	ck_assert_int_eq(vm_mem_read(&m, 8192, &b, 1), 0);
	ck_assert_int_eq(b, 0);
	ck_assert_uint_eq(vm_mem_discard(&m, 4097, 4095), 0);
	ck_assert_uint_eq(vm_mem_discard(&m, 4 * MIB, 1ULL << 40), 0);
	ck_assert_uint_eq(vm_mem_discard(&m, 4 * MIB - 4096, UINT64_MAX), 4096);
	ck_assert_int_eq(vm_mem_read(&m, 4 * MIB - 1, &b, 1), 0);
	ck_assert_int_eq(b, 0);
	vm_mem_fini(&m);
}
END_TEST

START_TEST(test_bad_size)
{
	const uint64_t bad[] = { 0, 4096, 3 * MIB, 2 * MIB + 1, VM_MEM_MAX + 2 * MIB, UINT64_MAX };
	struct vm_mem m;

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(vm_mem_init(&m, &(struct vm_mem_opts){ .size = bad[i] }, &err),
				 -EINVAL);
		vm_mem_fini(&m);
	}
}
END_TEST

int main(void)
{
	const TTest *const both[] = { test_bounds, test_hole, test_file, test_discard,
				      test_bad_size };

	/* _i: private, in a memfd */
	return unit_run_times("kvm/mem", both, CS_LEN(both), 2);
}
