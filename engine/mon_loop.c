#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/mon_int.h"
#include "engine/stamp.h"

enum {
	HUP_PAUSE_MS = 100, /* how often to look if someone opened the terminal again */
	IDLE_MS = 50,	    /* after the end: a pause that says nothing more will come */
	LINGER_MS = 1000,   /* after the end: how long others may go on writing */
	SETTLE_MS = 1000,   /* who lives that long lives long */
};

static int sooner(int a, int64_t b)
{
	if (b < 0)
		return a;
	return a < 0 || b < a ? (int)b : a;
}

void eng_mon_turn(struct mon *m, int timeout_ms)
{
	struct signalfd_siginfo si;
	struct pollfd fds[MON_FDS];
	size_t io, n = 0, n_c;
	int found;

	timeout_ms = sooner(timeout_ms, eng_mon_clients_late(m));
	if (m->hup && m->init)
		timeout_ms = sooner(timeout_ms, HUP_PAUSE_MS);
	fds[n++] = (struct pollfd){ m->signals, POLLIN, 0 };
	fds[n++] = (struct pollfd){ m->listen, POLLIN, 0 };
	io = n;
	n += eng_mon_io_watch(m, fds + n);
	n_c = eng_mon_clients_watch(m, fds + n);
	found = poll(fds, n + n_c, timeout_ms);
	if (found == 0 && m->init)
		m->hup = false;
	if (found <= 0)
		return;
	if (fds[0].revents) {
		while (read(m->signals, &si, sizeof(si)) > 0)
			;
		eng_mon_reap(m);
	}
	eng_mon_io_serve(m, fds + io);
	eng_mon_clients_serve(m, fds + n, n_c);
	if (fds[1].revents)
		eng_mon_accept(m);
}

int eng_mon_step(struct mon *m, enum mon_step step, const struct eng_bring_io *io,
		 struct cs_err *err)
{
	int ret = eng_mon_child_start(m, step, io, err);

	if (io)
		eng_mon_io_given(io);
	if (ret < 0)
		return ret;
	while (m->child)
		eng_mon_turn(m, -1);
	if (m->found.ret < 0)
		*err = m->found.err;
	return m->found.ret;
}

/* Serves until init ended (true) or it is @until (0: never). */
static bool serve_until(struct mon *m, int64_t until)
{
	while (!m->ended) {
		int64_t left = until ? until - eng_mono_ms() : -1;

		if (until && left <= 0)
			return false;
		eng_mon_turn(m, left > INT32_MAX ? INT32_MAX : (int)left);
	}
	return true;
}

/* Lets go of the program's code and constants, which come back from the page cache piece by piece.
 */
static int let_go(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + ph->p_vaddr) & ~(page - 1);
		uintptr_t to = info->dlpi_addr + ph->p_vaddr + ph->p_filesz;

		if (ph->p_type == PT_LOAD && !(ph->p_flags & PF_W)) /* nothing of ours in it */
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 1; /* the program itself comes first */
}

/* What the start needed is not needed again for long: memory that was freed as well. */
static void settle_down(void)
{
	malloc_trim(0);
	dl_iterate_phdr(let_go, NULL);
}

void eng_mon_wait_init(struct mon *m, int64_t timeout_s)
{
	int64_t now = eng_mono_ms(), settle = now + SETTLE_MS;
	int64_t until = timeout_s > 0 && timeout_s < INT32_MAX ? now + timeout_s * 1000 : 0;

	if (!until || settle < until) {
		if (serve_until(m, settle))
			return;
		settle_down();
	}
	if (serve_until(m, until))
		return;
	kill(m->init, SIGKILL); /* ours and not reaped: the pid is its own */
	serve_until(m, 0);
}

void eng_mon_drain(struct mon *m)
{
	/* what it left itself is read however long clients take for it */
	uint64_t own = m->bytes + eng_mon_io_waiting(m);
	int64_t since = eng_mono_ms();

	m->hup = false; /* look once more */
	eng_mon_clients_hurry(m);
	while (!eng_mon_io_ended(m)) {
		uint64_t before = m->bytes;
		bool owed = m->chunk_len;

		eng_mon_turn(m, IDLE_MS);
		/* others may hold its files open, and write to them, faster than clients read */
		m->full = m->bytes >= own && eng_mono_ms() - since > LINGER_MS;
		if (m->full && !m->chunk_len)
			break;
		if (!owed && !m->chunk_len && m->bytes == before)
			break;
	}
	m->full = false;
	m->hurry = false;
}

bool eng_mon_stop_wanted(const struct mon *m)
{
	return faccessat(m->run, "stop", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool eng_mon_wait_restart(struct mon *m, int64_t ms)
{
	int64_t until = eng_mono_ms() + ms;

	for (;;) {
		int64_t left = until - eng_mono_ms();

		if (eng_mon_stop_wanted(m))
			return false;
		if (left <= 0)
			return true;
		eng_mon_turn(m, (int)left);
	}
}
