#include "runtime/ns/early.h"

#ifdef __x86_64__

#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "runtime/ns/self.h"

/*
 * Nothing here may call libc, nor use what a relocation makes (arrays of pointers) or thread-local
 * storage (errno, the stack protector's canary). Compilers call it unasked for loops that copy and
 * for large variables that are cleared: hence the barriers, and variables that are static.
 */
#define BARRIER() __asm__ volatile("" ::: "memory")
#define EARLY __attribute__((no_stack_protector))

enum { ENV_MAX = 1024 };

/* Beside the words of the caller, for the linker alone. */
void ctr_early_main(void **stack);

EARLY static long call(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

EARLY static bool is_same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		BARRIER();
	return *a == *b;
}

EARLY static bool is_one_of(const char *arg, const char *words)
{
	for (; *words; words++) {
		if (is_same(arg, words))
			return true;
		for (; *words; words++)
			BARRIER();
	}
	return false;
}

/* Is the command one of those? */
EARLY static bool is_wanted(char *const argv[])
{
	size_t i = 1;

	if (!argv[0])
		return false;
	while (argv[i] && argv[i][0] == '-') {
		if (is_one_of(argv[i], ctr_early_options) && argv[i + 1])
			i++;
		i++;
	}
	return argv[i] && is_one_of(argv[i], ctr_early_commands);
}

/* "CTR_SELF_FOLDER=" and the folder of the binary, as ctr_sealed_open() has it. NULL: too long. */
EARLY static char *note_folder(void)
{
	static char note[sizeof(CTR_SELF_FOLDER) + PATH_MAX];
	char *path = note + sizeof(CTR_SELF_FOLDER);
	long n;

	for (size_t i = 0; i < sizeof(CTR_SELF_FOLDER) - 1; i++) {
		note[i] = CTR_SELF_FOLDER[i];
		BARRIER();
	}
	path[-1] = '=';
	n = call(SYS_readlink, (long)"/proc/self/exe", (long)path, PATH_MAX - 1, 0, 0);
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n <= 0)
		return NULL;
	path[n > 1 ? n - 1 : n] = '\0';
	return note;
}

/* The environment with the note. NULL: too large. */
EARLY static char **add_note(char **envp, char *note)
{
	static char *env[ENV_MAX + 2];
	size_t n = 0;

	env[0] = note; /* what comes first counts */
	for (; n < ENV_MAX && envp[n]; n++) {
		env[n + 1] = envp[n];
		BARRIER();
	}
	return envp[n] ? NULL : env;
}

/* A read-only mount of just the binary. Negative: it is one already, or cannot be made. */
EARLY static int clone_binary(void)
{
	static struct mount_attr attr;
	static struct statfs fs;
	long exe = call(SYS_open, (long)"/proc/self/exe", O_RDONLY | O_CLOEXEC, 0, 0, 0);
	long fd = -1;

	if (exe < 0)
		return -1;
	if (call(SYS_fstatfs, exe, (long)&fs, 0, 0, 0) == 0 && !(fs.f_flags & ST_RDONLY))
		fd = call(SYS_open_tree, exe, (long)"",
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH, 0, 0);
	call(SYS_close, exe, 0, 0, 0, 0);
	attr.attr_set = MOUNT_ATTR_RDONLY;
	if (fd >= 0 &&
	    call(SYS_mount_setattr, fd, (long)"", AT_EMPTY_PATH, (long)&attr, sizeof(attr)) < 0) {
		call(SYS_close, fd, 0, 0, 0, 0);
		fd = -1;
	}
	return (int)fd;
}

/* @stack: argc, argv, NULL, envp, NULL. Returns if it is not sealed now. */
__attribute__((used)) EARLY void ctr_early_main(void **stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + (size_t)stack[0] + 1;
	char *note;
	int fd;

	if (!is_wanted(argv))
		return;
	fd = clone_binary();
	note = fd < 0 ? NULL : note_folder();
	envp = note ? add_note(envp, note) : NULL;
	if (envp)
		call(SYS_execveat, fd, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH);
	if (fd >= 0)
		call(SYS_close, fd, 0, 0, 0, 0);
}

/* The registers and the stack are as the kernel left them when _start() comes. */
__asm__(".globl ctr_early_start\n"
	".hidden ctr_early_start\n"
	".type ctr_early_start, @function\n"
	"ctr_early_start:\n"
	"	endbr64\n"
	"	mov %rdx, %rbx\n"
	"	mov %rsp, %r12\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call ctr_early_main\n"
	"	mov %r12, %rsp\n"
	"	mov %rbx, %rdx\n"
	"	xor %ebp, %ebp\n"
	"	jmp _start\n"
	".size ctr_early_start, . - ctr_early_start\n");

#endif
