#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/sys.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/vm/host.h"
#include "runtime/vm/request.h"

/* The monitor's files, by number. */
enum {
	FD_CONFIG = 10,
	FD_KERNEL,
	FD_INITRAMFS,
	FD_CONSOLE,
	FD_RESULT,
	FD_VSOCK,
	FD_CONTROL,
	FD_SHARE,
	FD_NICS,
	FD_END = FD_NICS + CTR_NICS_MAX,
};

enum {
	CPUS_MAX = 32,
	CID = 3,
	DRAIN = 128, /* reads; more than a pipe has */
};

static void put_nic(struct cs_jw *w, const struct ctr_nic *n, size_t i)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "net");
	cs_jw_u64(w, "fd", FD_NICS + i);
	cs_jw_str(w, "mac", n->mac);
	if (n->mtu)
		cs_jw_u64(w, "mtu", n->mtu);
	cs_jw_obj_end(w);
}

static void put_devices(struct cs_jw *w, const struct ctr_vm_start *s)
{
	cs_jw_arr(w, "devices");
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "vsock");
	cs_jw_u64(w, "cid", CID);
	cs_jw_u64(w, "fd", FD_VSOCK);
	cs_jw_obj_end(w);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "fs");
	cs_jw_str(w, "tag", CTR_VM_SHARE_TAG);
	cs_jw_u64(w, "root", FD_SHARE);
	cs_jw_obj_end(w);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "rng");
	cs_jw_obj_end(w);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "balloon");
	cs_jw_obj_end(w);
	for (size_t i = 0; i < s->n_nics; i++)
		put_nic(w, &s->nics[i], i);
	cs_jw_arr_end(w);
}

/* A kernel without ACPI has this word on its command line. */
static bool has_acpi(const char *cmdline)
{
	static const char off[] = "acpi=off";
	const size_t len = sizeof(off) - 1;

	for (const char *p = strstr(cmdline, off); p; p = strstr(p + len, off))
		if ((p == cmdline || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return false;
	return true;
}

/* kvm/config.h, as a memfd. */
static int make_config(const struct ctr_vm_start *s, struct cs_err *err)
{
	const struct ctr_spec *spec = s->spec;
	cs_auto_fd int fd = memfd_create("caisson-vm", MFD_CLOEXEC);
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	if (fd < 0)
		return cs_err_sys(err, "make the machine's config");
	if (ctr_vm_cpus(spec) > CPUS_MAX)
		return cs_err_set(err, EINVAL, "%" PRIu64 " processors: a machine has at most %d",
				  ctr_vm_cpus(spec), CPUS_MAX);
	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "version", 1);
	cs_jw_u64(&w, "cpus", ctr_vm_cpus(spec));
	cs_jw_u64(&w, "memory", ctr_vm_memory(spec));
	cs_jw_bool(&w, "acpi", has_acpi(s->package->cmdline));
	cs_jw_obj(&w, "kernel");
	cs_jw_u64(&w, "fd", FD_KERNEL);
	cs_jw_str(&w, "cmdline", s->package->cmdline);
	cs_jw_obj_end(&w);
	cs_jw_arr(&w, "initramfs");
	cs_jw_u64(&w, NULL, FD_INITRAMFS);
	cs_jw_arr_end(&w);
	cs_jw_obj(&w, "serial");
	cs_jw_u64(&w, "out", FD_CONSOLE);
	cs_jw_obj_end(&w);
	cs_jw_u64(&w, "result", FD_RESULT);
	cs_jw_u64(&w, "control", FD_CONTROL);
	put_devices(&w, s);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0 || cs_fd_write_all(fd, text, len, err) < 0)
		return -err->code;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return cs_err_sys(err, "make the machine's config");
	return cs_take_fd(&fd);
}

/* In the child. @from: the @n that become the files FD_CONFIG and up; @errors its stderr. */
static _Noreturn void become_vmm(const char *path, int from[], int n, int errors, pid_t keeper)
{
	char name[] = "vmm", option[] = "--config-fd", fd[] = "10";
	char *argv[] = { name, option, fd, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* above their places first: one may lie on another's */
	for (int i = 0; i < n; i++)
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_END);
	errors = fcntl(errors, F_DUPFD_CLOEXEC, FD_END);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != keeper ||
	    cs_proc_default_signals() < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(errors, 2) < 0)
		_exit(EXIT_FAILURE);
	for (int i = 0; i < n; i++)
		if (dup2(from[i], FD_CONFIG + i) < 0)
			_exit(EXIT_FAILURE);
	execv(path, argv);
	dprintf(2, "%s: %s\n", path, strerror(errno));
	_exit(EXIT_FAILURE);
}

static int make_tail(struct ctr_vm_tail *t, int *write_end, struct cs_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe");
	t->fd = p[0];
	*write_end = p[1];
	return fcntl(p[0], F_SETFL, O_NONBLOCK) < 0 ? cs_err_sys(err, "make a pipe") : 0;
}

/* Our end does not block. */
static int make_pair(int type, int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return fcntl(pair[0], F_SETFL, O_NONBLOCK);
}

int ctr_vm_machine_start(const struct ctr_vm_start *s, struct ctr_vm_machine *m, struct cs_err *err)
{
	cs_auto_fd int config = make_config(s, err);
	cs_auto_fd int console = -EBADF, errors = -EBADF, theirs = -EBADF, control = -EBADF;
	const pid_t keeper = getpid();

	if (config < 0 || make_tail(&m->console, &console, err) < 0 ||
	    make_tail(&m->errors, &errors, err) < 0)
		return -err->code;
	m->result = memfd_create("caisson-result", MFD_CLOEXEC);
	if (m->result < 0 || make_pair(SOCK_SEQPACKET, &m->owner, &theirs) < 0 ||
	    make_pair(SOCK_STREAM, &m->control, &control) < 0)
		return cs_err_sys(err, "make the machine's files");
	m->pid = fork();
	if (m->pid < 0)
		return cs_err_sys(err, "start the machine's monitor");
	if (m->pid == 0) {
		int files[FD_END - FD_CONFIG] = {
			config,	 s->package->kernel, s->package->initramfs,
			console, m->result,	     theirs,
			control, s->share,
		};

		for (size_t i = 0; i < s->n_nics; i++)
			files[FD_NICS - FD_CONFIG + i] = s->nics[i].tap;
		become_vmm(s->package->vmm, files, FD_NICS - FD_CONFIG + (int)s->n_nics, errors,
			   keeper);
	}
	m->pidfd = cs_sys_pidfd_open(m->pid, 0);
	return m->pidfd < 0 ? cs_err_sys(err, "watch the machine's monitor") : 0;
}

/* What has become too long loses its older half. */
static void keep_text(struct ctr_vm_tail *t, const char *buf, size_t n)
{
	static char half[CTR_VM_KEPT_MAX / 2];
	ssize_t got;

	if (t->keep < 0)
		return;
	if (t->kept + (off_t)n > CTR_VM_KEPT_MAX) {
		got = pread(t->keep, half, sizeof(half), t->kept - (off_t)sizeof(half));
		if (got < 0 || ftruncate(t->keep, 0) < 0)
			return;
		t->kept = pwrite(t->keep, half, (size_t)got, 0) == got ? got : 0;
	}
	if (pwrite(t->keep, buf, n, t->kept) == (ssize_t)n)
		t->kept += (off_t)n;
}

bool ctr_vm_tail_read(struct ctr_vm_tail *t)
{
	char buf[1024];
	ssize_t n = read(t->fd, buf, sizeof(buf));
	size_t keep = sizeof(t->text) - 1 - sizeof(buf);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		cs_close_fd(&t->fd);
		return false;
	}
	keep_text(t, buf, (size_t)n);
	if (t->len > keep) {
		memmove(t->text, t->text + (t->len - keep), keep);
		t->len = keep;
	}
	memcpy(t->text + t->len, buf, (size_t)n);
	t->len += (size_t)n;
	t->text[t->len] = '\0';
	return true;
}

/* The last line that says something. */
static const char *last_line(struct ctr_vm_tail *t)
{
	char *s = t->text + t->len;

	while (s > t->text && (s[-1] == '\n' || s[-1] == '\r' || s[-1] == ' '))
		*--s = '\0';
	while (s > t->text && s[-1] != '\n' && s[-1] != '\r')
		s--;
	cs_str_plain(s);
	return s;
}

/* Its writer has gone: what is left of it. */
static void drain(struct ctr_vm_tail *t)
{
	for (int i = 0; t->fd >= 0 && i < DRAIN; i++)
		if (!ctr_vm_tail_read(t))
			break;
}

void ctr_vm_machine_why(struct ctr_vm_machine *m, char *out, size_t size)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const char *reason = "", *text = "", *line;
	struct cs_err err = CS_ERR_INIT;
	char buf[65536];
	ssize_t n = pread(m->result, buf, sizeof(buf), 0);

	if (n > 0 && cs_json_parse(buf, (size_t)n, "result", &doc, &err) == 0 &&
	    cs_json_str(doc.root, "reason", &reason, &err) == 1)
		cs_json_str(doc.root, "text", &text, &err);
	drain(&m->errors);
	drain(&m->console);
	line = last_line(*reason ? &m->console : &m->errors);
	snprintf(out, size, "%s%s%s%s%s", reason, *text ? ": " : "", text,
		 *reason && *line ? "; its console's last line: " : "", line);
	if (!*out)
		snprintf(out, size, "its monitor said nothing");
}
