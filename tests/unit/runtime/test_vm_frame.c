#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/vm/frame.h"
#include "tests/unit/unit.h"

static void pair(int out[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out),
			 0);
}

/* A frame that comes a byte at a time is not there before its last one, and nothing behind it is
 * taken. */
START_TEST(test_pieces)
{
	struct ctr_vm_reader r = { .max = 16 };
	struct ctr_vm_writer w = { 0 };
	struct cs_err err = CS_ERR_INIT;
	const uint32_t id = 7;
	struct ctr_vm_msg m;
	uint32_t word;
	int s[2];

	pair(s);
	ctr_vm_put(&w, CTR_VM_REPLY, &id, "abc", 3);
	ctr_vm_put_word(&w, CTR_VM_EXIT, 3);
	for (size_t i = 0; i < 15; i++) {
		ck_assert_int_eq(ctr_vm_read(&r, s[0], &m, &err), 0);
		ck_assert_int_eq(write(s[1], w.buf.s + i, 1), 1);
	}
	ck_assert_int_eq(ctr_vm_read(&r, s[0], &m, &err), 1);
	ck_assert_int_eq(m.type, CTR_VM_REPLY);
	ck_assert_uint_eq(m.len, 7);
	ck_assert(ctr_vm_word(&m, 0, &word) && word == id);
	ck_assert(!ctr_vm_word(&m, 4, &word));
	ck_assert_int_eq(memcmp(m.data + 4, "abc", 3), 0);
	w.off = 15;
	ck_assert_int_eq(ctr_vm_flush(&w, s[1], &err), 1);
	ck_assert(!ctr_vm_waiting(&w));
	ck_assert_int_eq(ctr_vm_read(&r, s[0], &m, &err), 1);
	ck_assert(m.type == CTR_VM_EXIT && ctr_vm_word(&m, 0, &word) && word == 3);
	close(s[1]);
	ck_assert_int_eq(ctr_vm_read(&r, s[0], &m, &err), -EPIPE);
	close(s[0]);
	ctr_vm_reader_fini(&r);
	ctr_vm_writer_fini(&w);
}
END_TEST

/* What a liar sends. */
START_TEST(test_bad)
{
	static const struct {
		uint32_t len, type;
	} v[] = { { 17, CTR_VM_STDIN },
		  { 0xffffffff, CTR_VM_STDIN },
		  { 0, 0 },
		  { 0, CTR_VM_FRAMES },
		  { 0, 0xffffffff } };

	for (size_t i = 0; i < CS_LEN(v); i++) {
		struct ctr_vm_reader r = { .max = 16 };
		struct cs_err err = CS_ERR_INIT;
		struct ctr_vm_msg m;
		int s[2];

		pair(s);
		ck_assert_int_eq(write(s[1], &v[i], 8), 8);
		ck_assert_int_eq(ctr_vm_read(&r, s[0], &m, &err), -EPROTO);
		ctr_vm_reader_fini(&r);
		close(s[0]);
		close(s[1]);
	}
}
END_TEST

/* What does not fit into the socket goes later. */
START_TEST(test_full)
{
	static char big[1 << 20];
	struct ctr_vm_reader r = { .max = sizeof(big) };
	struct ctr_vm_writer w = { 0 };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	int s[2], got = 0, sent = 0;

	pair(s);
	big[sizeof(big) - 1] = 'x';
	ctr_vm_put(&w, CTR_VM_STDOUT, NULL, big, sizeof(big));
	ck_assert_int_eq(ctr_vm_flush(&w, s[1], &err), 0);
	ck_assert(ctr_vm_waiting(&w));
	while (got == 0) {
		got = ctr_vm_read(&r, s[0], &m, &err);
		if (!sent)
			sent = ctr_vm_flush(&w, s[1], &err);
		ck_assert_int_ge(sent, 0);
	}
	ck_assert_int_eq(got, 1);
	ck_assert_uint_eq(m.len, sizeof(big));
	ck_assert_int_eq(memcmp(m.data, big, sizeof(big)), 0);
	close(s[0]);
	ctr_vm_put_word(&w, CTR_VM_EXIT, 1);
	ck_assert_int_eq(ctr_vm_flush(&w, s[1], &err), -EPIPE);
	close(s[1]);
	ctr_vm_reader_fini(&r);
	ctr_vm_writer_fini(&w);
}
END_TEST

UNIT_MAIN("runtime/vm_frame", test_pieces, test_bad, test_full)
