#include "runtime/ns/hooks.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"

enum {
	/* Of what a failed hook wrote: an error's message holds some 500 bytes. */
	OUTPUT_MAX = 320,
	MS_PER_S = 1000,
};

/* The end of what the hook wrote, on one line, printable: its last words say why it failed. */
static void output_tail(int fd, char *out, size_t size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)size - 1 ? end - ((off_t)size - 1) : 0;
	ssize_t n = pread(fd, out, size - 1, from);
	size_t len = n > 0 ? (size_t)n : 0;

	while (len && (out[len - 1] == '\n' || out[len - 1] == ' '))
		len--;
	out[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = ' ';
}

static int hook_failed(const char *kind, size_t i, int status, int out_fd, struct cs_err *err)
{
	const char *how = WIFSIGNALED(status) ? "signal" : "exit status";
	int value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	char output[OUTPUT_MAX];

	output_tail(out_fd, output, sizeof(output));
	return cs_err_set(err, ECANCELED, "error running %s hook #%zu: %s %d, output: %s", kind, i,
			  how, value, output);
}

static int hook_run(const struct ctr_hook *hook, const char *kind, size_t i, const char *state,
		    int stop, struct cs_err *err)
{
	cs_auto_fd int out = -EBADF;
	struct cs_proc_run run = {
		.path = hook->path,
		.argv = hook->args,
		.envp = hook->env,
		.in = state,
		.in_len = strlen(state),
		.timeout_ms =
			hook->timeout_s > INT_MAX / MS_PER_S ? INT_MAX : hook->timeout_s * MS_PER_S,
		.stop_fd = stop,
	};
	int status = 0, rc;

	/* A file of memory, so that a hook that writes much is not held up by a full pipe. */
	out = memfd_create("hook-output", MFD_CLOEXEC);
	if (out < 0)
		return cs_err_sys(err, "output file for the %s hook #%zu", kind, i);
	run.out_fd = out;
	rc = cs_proc_run(&run, &status, err);
	if (rc < 0)
		return cs_err_wrap(err, "error running %s hook #%zu", kind, i);
	return status ? hook_failed(kind, i, status, out, err) : 0;
}

int ctr_hooks_run_until(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
			int stop, struct cs_err *err)
{
	for (size_t i = 0; i < hooks->n; i++) {
		int rc = hook_run(&hooks->v[i], ctr_hook_names[kind], i, state, stop, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int ctr_hooks_run(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
		  struct cs_err *err)
{
	return ctr_hooks_run_until(hooks, kind, state, -EBADF, err);
}

void ctr_hooks_run_all(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
		       int stop)
{
	for (size_t i = 0; i < hooks->n; i++) {
		struct cs_err err = CS_ERR_INIT;
		int rc = hook_run(&hooks->v[i], ctr_hook_names[kind], i, state, stop, &err);

		if (rc < 0)
			cs_log(CS_LOG_WARN, "%s", err.msg);
		if (rc == -EINTR)
			return;
	}
}
