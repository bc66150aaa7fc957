#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "runtime/container.h"
#include "runtime/ns/self.h"
#include "runtime/spec.h"
#include "runtime/vm/frame.h"
#include "runtime/vm/host.h"

enum { MAKE_MS = 900000, WORDS_MAX = 1 << 20 };

static const char needed[] = "quiet loglevel=1 panic=-1 console=ttyS0";

/* The monitor stands beside this program, or in libexec of the same installation. */
static int find_vmm(char *out, size_t size, struct cs_err *err)
{
	static const char *const at[] = { "/../libexec/caisson/vmm", "/vmm" };
	const char *folder = getenv(CTR_SELF_FOLDER);

	if (!folder)
		return cs_err_set(err, EINVAL, "virtual machines need the sealed runtime");
	for (size_t i = 0; i < CS_LEN(at); i++) {
		if (cs_str_fmt(out, size, err, "%s%s", folder, at[i]) < 0)
			return -err->code;
		if (access(out, X_OK) == 0)
			return 0;
	}
	return cs_err_set(err, ENOENT,
			  "the monitor of virtual machines, vmm, is neither in "
			  "%s/../libexec/caisson nor in %s: install caisson whole",
			  folder, folder);
}

static bool is_made(const char *folder)
{
	char path[PATH_MAX], want[CTR_VM_PACKAGE_VERSION];
	cs_auto_free char *have = NULL;
	struct cs_err ignored = CS_ERR_INIT;
	size_t len;

	ctr_vm_package_version(want);
	if (cs_str_fmt(path, sizeof(path), &ignored, "%s/version", folder) < 0 ||
	    cs_file_read(AT_FDCWD, path, sizeof(want), &have, &len, &ignored) < 0)
		return false;
	have[strcspn(have, "\n")] = '\0';
	return strcmp(have, want) == 0;
}

/* What a program that failed said last. */
static int last_words(int fd, const char *program, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct cs_err ignored = CS_ERR_INIT;
	char *line = NULL;

	if (lseek(fd, 0, SEEK_SET) == 0)
		(void)cs_fd_read_all(fd, WORDS_MAX, &text, NULL, &ignored);
	if (text) {
		for (size_t n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
			text[n - 1] = '\0';
		line = strrchr(text, '\n');
		line = line ? line + 1 : text;
		cs_str_plain(line);
	}
	return cs_err_set(err, EIO, "make the guest package by %s: %.300s", program,
			  line && *line ? line : "it failed without a word");
}

/* By the script beside the monitor; several that need it at once wait for one. */
static int make(const char *vmm, const char *folder, struct cs_err *err)
{
	cs_auto_fd int out = memfd_create("make-guest", MFD_CLOEXEC);
	char path[PATH_MAX];
	const char *const argv[] = { path, "--need", folder, NULL };
	struct cs_proc_run r = {
		.path = path,
		.argv = argv,
		.envp = (const char *const *)environ,
		.out_fd = out,
		.timeout_ms = MAKE_MS,
	};
	int status = 0;

	if (out < 0)
		return cs_err_sys(err, "make a file in memory");
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return cs_err_sys(err, "open /dev/kvm");
	if (cs_str_fmt(path, sizeof(path), err, "%.*s/make-guest", (int)(strrchr(vmm, '/') - vmm),
		       vmm) < 0)
		return -err->code;
	cs_log(CS_LOG_INFO, "making the guest package in %s, once", folder);
	if (cs_proc_run(&r, &status, err) < 0)
		return cs_err_wrap(err, "make the guest package");
	return status ? last_words(out, path, err) : 0;
}

static int open_part(const char *given, const char *folder, const char *name, struct cs_err *err)
{
	char path[PATH_MAX];
	int fd;

	if (cs_str_fmt(path, sizeof(path), err, "%s/%s", folder, name) < 0)
		return -err->code;
	fd = open(given ? given : path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT && !given)
		return cs_err_set(err, ENOENT,
				  "there is no guest package for machines in %s (%s is missing): "
				  "make-guest, beside vmm, makes it from Debian's cloud kernel",
				  folder, name);
	return cs_err_sys(err, "open %s", given ? given : path);
}

static int make_cmdline(const struct ctr_spec *spec, const struct ctr_boot *boot,
			const char *folder, struct ctr_vm_package *out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *own = NULL;
	char path[PATH_MAX];
	size_t len;

	cs_buf_add(&b, needed);
	if (!boot->kernel && !spec->vm.kernel_path) {
		if (cs_str_fmt(path, sizeof(path), err, "%s/cmdline", folder) < 0 ||
		    cs_file_read(AT_FDCWD, path, sizeof(out->cmdline), &own, &len, err) < 0)
			return -err->code;
		cs_buf_addf(&b, " %.*s", (int)strcspn(own, "\n"), own);
	}
	for (size_t i = 0; spec->vm.kernel_parameters && spec->vm.kernel_parameters[i]; i++)
		cs_buf_addf(&b, " %s", spec->vm.kernel_parameters[i]);
	if (boot->append)
		cs_buf_addf(&b, " %s", boot->append);
	if (cs_buf_ok(&b, err) < 0)
		return -err->code;
	return cs_str_fmt(out->cmdline, sizeof(out->cmdline), err, "%s", b.s) < 0
		       ? cs_err_wrap(err, "the kernel's command line")
		       : 0;
}

int ctr_vm_package_open(const struct ctr_spec *spec, const struct ctr_boot *boot,
			struct ctr_vm_package *out, struct cs_err *err)
{
	const struct ctr_boot none = { 0 };
	const char *folder = getenv("CAISSON_GUEST"), *kernel, *initrd;
	struct ctr_vm_package p = { .kernel = -EBADF, .initramfs = -EBADF };

	if (find_vmm(p.vmm, sizeof(p.vmm), err) < 0)
		return -err->code;
	if (!boot)
		boot = &none;
	kernel = boot->kernel ? boot->kernel : spec->vm.kernel_path;
	initrd = boot->initrd ? boot->initrd : spec->vm.kernel_initrd;
	if (!folder) {
		folder = CTR_VM_PACKAGE;
		if (!(kernel && initrd) && !is_made(folder) && make(p.vmm, folder, err) < 0)
			return -err->code;
	}
	p.kernel = open_part(kernel, folder, "vmlinux", err);
	if (p.kernel >= 0)
		p.initramfs = open_part(initrd, folder, "initramfs", err);
	if (p.initramfs < 0 || make_cmdline(spec, boot, folder, &p, err) < 0) {
		ctr_vm_package_close(&p);
		return -err->code;
	}
	*out = p;
	return 0;
}

void ctr_vm_package_close(struct ctr_vm_package *p)
{
	cs_close_fd(&p->kernel);
	cs_close_fd(&p->initramfs);
}
