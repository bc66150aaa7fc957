#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/vm/keeper_int.h"
#include "tests/unit/unit.h"

/* A keeper as commands see it, without a machine. */
static struct keeper k;
static int agent; /* the other end of k.control */

static void begin(void)
{
	int s[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	k = (struct keeper){ .control = s[0], .m = CTR_VM_MACHINE_INIT };
	agent = s[1];
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		k.cmd[i].sock = k.cmd[i].stream = -EBADF;
}

static void end(void)
{
	for (size_t i = 0; i < KEEPER_COMMANDS; i++) {
		ctr_vm_reader_fini(&k.cmd[i].in);
		if (k.cmd[i].sock >= 0)
			close(k.cmd[i].sock);
	}
	ctr_vm_writer_fini(&k.w);
	close(k.control);
	close(agent);
}

/* A command asks for @kind; its end of the connection. */
static int ask(size_t place, uint32_t kind)
{
	struct ctr_vm_writer w = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int s[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	k.cmd[place].sock = s[0];
	k.cmd[place].in = (struct ctr_vm_reader){ .max = CTR_VM_TEXT_MAX };
	ctr_vm_put(&w, CTR_VM_REQUEST, &kind, "{}", 2);
	ck_assert_int_eq(ctr_vm_flush(&w, s[1], &err), 1);
	ctr_vm_writer_fini(&w);
	ctr_vm_keeper_read(&k, &k.cmd[place]);
	return s[1];
}

/* The number of a request is the port of its process's stream: what others in the machine could
 * guess, they could dial first. */
START_TEST(test_numbers)
{
	int sock[8];

	begin();
	for (size_t i = 0; i < CS_LEN(sock); i++) {
		sock[i] = ask(i, CTR_VM_ASK_EXEC);
		ck_assert_uint_gt(k.cmd[i].id, KEEPER_CREATE_ID);
		ck_assert_uint_lt(k.cmd[i].id, KEEPER_START);
		for (size_t j = 0; j < i; j++) {
			const int64_t apart = (int64_t)k.cmd[i].id - k.cmd[j].id;

			ck_assert(apart > 1 || apart < -1);
		}
	}
	for (size_t i = 0; i < CS_LEN(sock); i++)
		close(sock[i]);
	end();
}
END_TEST

START_TEST(test_start)
{
	int sock;

	begin();
	sock = ask(0, CTR_VM_ASK_START);
	ck_assert(k.cmd[0].id & KEEPER_START);
	close(sock);
	end();
}
END_TEST

static void see_answer(int sock, const char *want)
{
	struct ctr_vm_reader r = { .max = CTR_VM_TEXT_MAX };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;

	ck_assert_int_eq(ctr_vm_read(&r, sock, &m, &err), 1);
	ck_assert_int_eq(m.type, CTR_VM_REPLY);
	ck_assert_uint_gt(m.len, 4);
	ck_assert_msg(memmem(m.data + 4, m.len - 4, want, strlen(want)), "%.*s", (int)m.len - 4,
		      (const char *)m.data + 4);
	ctr_vm_reader_fini(&r);
}

/* A paused machine's agent is not asked. */
START_TEST(test_paused)
{
	int sock;

	begin();
	k.paused = true;
	sock = ask(0, CTR_VM_ASK_EXEC);
	see_answer(sock, "the machine is paused: unpause it first");
	ck_assert_int_lt(k.cmd[0].sock, 0);
	ck_assert(!ctr_vm_waiting(&k.w));
	close(sock);
	sock = ask(0, CTR_VM_ASK_PAUSED);
	see_answer(sock, "{\"paused\":true}");
	close(sock);
	end();
}
END_TEST

/* What is no question is let go, and the machine hears nothing of it. */
START_TEST(test_nonsense)
{
	char byte;
	int sock;

	begin();
	sock = ask(0, CTR_VM_ASK_PAUSED + 1);
	ck_assert_int_lt(k.cmd[0].sock, 0);
	ck_assert_int_eq(recv(sock, &byte, 1, 0), 0);
	ck_assert(!ctr_vm_waiting(&k.w));
	close(sock);
	end();
}
END_TEST

UNIT_MAIN("runtime/vm_keeper", test_numbers, test_start, test_paused, test_nonsense)
