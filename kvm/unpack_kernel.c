/*
 * Gets the vmlinux ELF file out of a distribution's bzImage, once, for a cache: a kernel that
 * unpacks itself in every guest costs each boot 0.2 thousand million instructions. A program of its
 * own, so that the monitor links no unpacking library.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "kvm/x86/compact.h"
#include "kvm/x86/unpack.h"

enum {
	KERNEL_MAX = 256 << 20,
	EXIT_USAGE = 2,
};

static const char usage[] =
	"usage: unpack-kernel BZIMAGE VMLINUX\n"
	"\n"
	"Writes the ELF file that is packed in the Linux kernel BZIMAGE (by gzip, "
	"lz4 or zstd)\n"
	"to VMLINUX, whole or not at all, without its sections and long runs of zeroes.\n";

static int write_out(char *path, const void *buf, size_t len, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(path);
	cs_auto_fd int dir = -EBADF;

	if (!copy)
		return cs_err_set(err, ENOMEM, "out of memory");
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cs_err_sys(err, "open the folder of %s", path);
	return cs_file_replace(dir, basename(path), buf, len, 0644, false, err);
}

static int run(const char *from, char *to, struct cs_err *err)
{
	cs_auto_free char *packed = NULL;
	cs_auto_free uint8_t *elf = NULL, *compact = NULL;
	cs_auto_fd int fd = open(from, O_RDONLY | O_CLOEXEC);
	size_t packed_len = 0, elf_len = 0, compact_len = 0;
	int rc;

	if (fd < 0)
		return cs_err_sys(err, "open %s", from);
	rc = cs_fd_read_all(fd, KERNEL_MAX, &packed, &packed_len, err);
	if (rc == 0)
		rc = vm_unpack_kernel((const uint8_t *)packed, packed_len, &elf, &elf_len, err);
	if (rc == 0)
		rc = vm_elf_compact(elf, elf_len, &compact, &compact_len, err);
	if (rc < 0)
		return cs_err_wrap(err, "%s", from);
	return write_out(to, compact, compact_len, err);
}

int main(int argc, char **argv)
{
	struct cs_err err = CS_ERR_INIT;

	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_WARN, "unpack-kernel");
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 3) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (run(argv[1], argv[2], &err) < 0) {
		cs_log(CS_LOG_ERROR, "%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
