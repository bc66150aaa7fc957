/*
 * The first process of a test's guest: static, from the initramfs. Marks the time, loads the
 * modules in /modules in the order of /modules/order, says what it finds, and does what the word
 * after "guest=" on the kernel's command line wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/guest/bench.h"
#include "tests/guest/devices.h"

enum {
	PORT_EXIT = 0x501,
	PORT_MARK = 0x510,
	MARK_USER = 1,
};

static void exit_port(unsigned char status)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO); /* the end comes at once */
	outb(status, PORT_EXIT);
	for (;;)
		pause();
}

static void die(const char *what)
{
	printf("guest: %s: %s\n", what, strerror(errno));
	exit_port(99);
}

static void load_modules(void)
{
	FILE *f = fopen("/modules/order", "re");
	char name[128], path[160];

	while (f && fscanf(f, "%127s", name) == 1) {
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
			die(path);
		close(fd);
	}
	if (f)
		fclose(f);
}

/* The value of NAME=VALUE on the command line, or "". */
static const char *word(const char *cmdline, const char *name, char *out, size_t size)
{
	const char *p = strstr(cmdline, name);
	size_t n;

	out[0] = '\0';
	if (!p)
		return out;
	p += strlen(name);
	n = strcspn(p, " \n");
	if (n < size) {
		memcpy(out, p, n);
		out[n] = '\0';
	}
	return out;
}

/* Waits for the power button: an input device that sends KEY_POWER. */
static void wait_for_button(void)
{
	struct input_event ev;
	char path[32];
	int fd = -1;

	for (int i = 0; i < 8 && fd < 0; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		die("no input device");
	puts("guest: waits for the button");
	fflush(stdout);
	while (read(fd, &ev, sizeof(ev)) == (ssize_t)sizeof(ev))
		if (ev.type == EV_KEY && ev.code == KEY_POWER && ev.value == 1)
			break;
	puts("guest: the button was pressed");
	fflush(stdout);
	reboot(RB_POWER_OFF);
}

/* Interrupts off for ever, on every processor: Linux halts them so, and nothing switches it off. (A
 * process cannot: what it says with cli has no effect, even with iopl.) */
static void hang(void)
{
	puts("guest: hangs");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_HALT_SYSTEM);
	die("halt");
}

static void sysrq(const char *key)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, key, 1) != 1)
		die("sysrq");
	for (;;)
		pause();
}

static void idle(void)
{
	puts("guest: idles");
	fflush(stdout);
	for (;;)
		pause();
}

/* The devices of a list, "blk,rng", one after the other. */
static void devices(const char *list)
{
	int failed = 0;
	char name[16];

	while (*list) {
		size_t n = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)n, list);
		failed += guest_device(name);
		list += n + (list[n] == ',');
	}
	exit_port((unsigned char)failed);
}

static uint32_t number(const char *cmdline, const char *name)
{
	char text[16];

	return (uint32_t)strtoul(word(cmdline, name, text, sizeof(text)), NULL, 10);
}

/* The least segments that TCP makes a packet of. */
static void set_segments(uint32_t n)
{
	FILE *f = n ? fopen("/proc/sys/net/ipv4/tcp_min_tso_segs", "we") : NULL;

	if (f) {
		fprintf(f, "%u\n", n);
		fclose(f);
	}
}

static void do_what(const char *what)
{
	if (strcmp(what, "button") == 0)
		wait_for_button();
	else if (strcmp(what, "hang") == 0)
		hang();
	else if (strcmp(what, "panic") == 0)
		sysrq("c");
	else if (strcmp(what, "poweroff") == 0)
		reboot(RB_POWER_OFF);
	else if (strcmp(what, "reset") == 0)
		reboot(RB_AUTOBOOT);
	else if (strcmp(what, "idle") == 0)
		idle();
	else if (strncmp(what, "devices:", 8) == 0)
		devices(what + 8);
	else if (strcmp(what, "bench") == 0 && guest_bench() == 0)
		idle();
	else if (strncmp(what, "exit", 4) == 0)
		exit_port((unsigned char)strtoul(what + 4, NULL, 10));
	printf("guest: does not know '%s'\n", what);
	exit_port(98);
}

int main(void)
{
	char cmdline[4096] = "", what[128];
	int fd;

	if (ioperm(PORT_EXIT, 16, 1) < 0)
		return 1;
	outb(MARK_USER, PORT_MARK);
	puts("guest: begins"); /* where nobody knows that port */
	fflush(stdout);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) < 0)
		die("/proc/cmdline");
	close(fd);
	load_modules();
	printf("guest: up with %ld processors\n", sysconf(_SC_NPROCESSORS_ONLN));
	fflush(stdout);
	guest_device_sizes(number(cmdline, "steps="), number(cmdline, "stream="));
	set_segments(number(cmdline, "segments="));
	do_what(word(cmdline, "guest=", what, sizeof(what)));
	return 0;
}
