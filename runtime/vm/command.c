#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/vm/keeper_int.h"

/* The keeper's side of what ask.c asks. */

static void command_end(struct command *c)
{
	cs_close_fd(&c->sock);
	cs_close_fd(&c->stream);
	ctr_vm_reader_fini(&c->in);
	c->id = 0;
	c->kind = CTR_VM_ASK_PLAIN;
}

void ctr_vm_keeper_accept(struct keeper *k)
{
	/* cppcheck-suppress nullPointer ; accept4(2) takes no address */
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < KEEPER_COMMANDS; i++) {
		if (k->cmd[i].sock < 0) {
			k->cmd[i] = (struct command){ .sock = fd,
						      .stream = -EBADF,
						      .in = { .max = CTR_VM_TEXT_MAX } };
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

void ctr_vm_keeper_answer(struct command *c, const char *text, size_t len)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct ctr_vm_writer w = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int ret;

	ctr_vm_put(&w, CTR_VM_REPLY, &c->id, text, len);
	if (fcntl(c->sock, F_SETFL, 0) == 0 &&
	    setsockopt(c->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0) {
		ret = ctr_vm_flush(&w, c->sock, &err);
		if (ret == 1 && c->stream >= 0)
			cs_fd_send(c->sock, &c->stream, 1, "", 1, &err);
	}
	ctr_vm_writer_fini(&w);
	command_end(c);
}

static void answer_text(struct command *c, const char *text)
{
	ctr_vm_keeper_answer(c, text, strlen(text));
}

static void refuse(struct command *c, int code, const char *why)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_obj(&w, "error");
	cs_jw_i64(&w, "code", code);
	cs_jw_str(&w, "text", why);
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, NULL, &err) == 0)
		answer_text(c, text);
	else
		command_end(c);
}

/* Asks the monitor to stop its processors, or to let them go on. */
static void switch_to(struct keeper *k, struct command *c)
{
	static const char pause_line[] = "{\"do\":\"pause\"}\n",
			  resume_line[] = "{\"do\":\"resume\"}\n";
	const char *line = c->kind == CTR_VM_ASK_PAUSE ? pause_line : resume_line;

	if (k->switching) {
		refuse(c, EBUSY, "another command pauses or resumes the machine");
		return;
	}
	if (k->m.control < 0 ||
	    send(k->m.control, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
		refuse(c, EIO, "the machine's monitor cannot be reached");
		return;
	}
	k->switching = c->id;
	k->switching_to = c->kind == CTR_VM_ASK_PAUSE;
	k->line_len = 0;
}

/* For the agent of a machine that is paused, which could answer when it goes on only. */
static void answer_paused(struct command *c)
{
	switch (c->kind) {
	case CTR_VM_ASK_TELL:
		answer_text(c, "{}");
		break;
	case CTR_VM_ASK_PLAIN:
	case CTR_VM_ASK_EXEC:
	case CTR_VM_ASK_START:
	case CTR_VM_ASK_PAUSE:
	case CTR_VM_ASK_RESUME:
	case CTR_VM_ASK_PAUSED:
		refuse(c, EBUSY, "the machine is paused: unpause it first");
		break;
	}
}

/* A number that no other process of the machine guesses: it is the port of an exec's stream, and
 * who dials that first has it. 0: there is none to be had. */
static uint32_t new_id(const struct keeper *k)
{
	uint32_t id = 0;
	bool taken = true;

	while (taken) {
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			return 0;
		id &= KEEPER_START - 1;
		taken = id <= KEEPER_CREATE_ID;
		for (size_t i = 0; i < KEEPER_COMMANDS && !taken; i++)
			taken = (k->cmd[i].id & (KEEPER_START - 1)) == id;
	}
	return id;
}

static void take_up(struct keeper *k, struct command *c, const unsigned char *text, size_t len)
{
	const uint32_t id = new_id(k);

	if (!id) {
		refuse(c, EIO, "there are no random numbers for the stream of its process");
		return;
	}
	c->id = id | (c->kind == CTR_VM_ASK_START ? KEEPER_START : 0);
	if (c->kind == CTR_VM_ASK_PAUSED) {
		answer_text(c, k->paused ? "{\"paused\":true}" : "{}");
	} else if (c->kind == CTR_VM_ASK_PAUSE || c->kind == CTR_VM_ASK_RESUME) {
		switch_to(k, c);
	} else if (k->w.buf.len - k->w.off > CTR_VM_TEXT_MAX) {
		refuse(c, EBUSY, "the machine's agent does not read");
	} else {
		if (!k->paused || c->kind == CTR_VM_ASK_TELL)
			ctr_vm_put(&k->w, CTR_VM_REQUEST, &c->id, text, len);
		if (k->paused)
			answer_paused(c);
	}
}

void ctr_vm_keeper_read(struct keeper *k, struct command *c)
{
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	uint32_t kind;
	int ret = ctr_vm_read(&c->in, c->sock, &m, &err);

	if (ret == 0)
		return;
	if (ret < 0 || c->id || m.type != CTR_VM_REQUEST || !ctr_vm_word(&m, 0, &kind) ||
	    kind > CTR_VM_ASK_PAUSED || k->control < 0) {
		command_end(c);
		return;
	}
	c->kind = (enum ctr_vm_ask)kind;
	take_up(k, c, m.data + sizeof(kind), m.len - sizeof(kind));
}

/* It has answered with @ok to what k->switching asked. */
static void switched(struct keeper *k, bool ok)
{
	const uint32_t id = k->switching;

	if (!id)
		return;
	k->switching = 0;
	if (ok)
		k->paused = k->switching_to;
	for (size_t i = 0; i < KEEPER_COMMANDS; i++) {
		struct command *c = &k->cmd[i];

		if (c->sock < 0 || c->id != id)
			continue;
		if (ok)
			answer_text(c, "{}");
		else
			refuse(c, EIO, "the machine's monitor refused it");
	}
}

void ctr_vm_keeper_control(struct keeper *k)
{
	static const char good[] = "{\"ok\":true";
	ssize_t n = recv(k->m.control, k->line + k->line_len, sizeof(k->line) - k->line_len,
			 MSG_DONTWAIT);
	bool ok;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !k->switching || k->line_len + (size_t)n == sizeof(k->line)) {
		cs_close_fd(&k->m.control); /* its end is seen by its pidfd */
		switched(k, false);
		return;
	}
	k->line_len += (size_t)n;
	if (k->line[k->line_len - 1] != '\n')
		return;
	ok = k->line_len >= sizeof(good) && memcmp(k->line, good, sizeof(good) - 1) == 0;
	switched(k, ok);
}
