/*
 * Times net_attach() and net_detach() without the start of a process. Arguments: ROOT STATE NS-DIR
 * N PORTS. Attaches N pinned namespaces with PORTS published ports each to the default network,
 * then detaches them as a workload's end does: the namespaces go afterwards. Prints medians in
 * milliseconds, and of the processor's time: of all, of the first and the last tenth.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/attach.h"
#include "netns/ns.h"
#include "netns/record.h"
#include "netns/store.h"

struct bench {
	struct net_store st;
	const char *dir;
	struct net_port *ports;
	size_t n_ports;
	double *attach, *detach;	 /* milliseconds */
	double *attach_cpu, *detach_cpu; /* of this process */
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void path_of(const struct bench *b, int i, char *path, size_t size)
{
	snprintf(path, size, "%s/%d", b->dir, i);
}

static int attach_one(struct bench *b, int i, struct cs_err *err)
{
	net_auto_attachment struct net_attachment a = { 0 };
	struct net_wish w = { .ns_is_ours = true };
	cs_auto_fd int ns = -EBADF;
	char owner[32], path[200];
	double t, cpu;

	snprintf(owner, sizeof(owner), "bench%d", i);
	path_of(b, i, path, sizeof(path));
	ns = net_life_of_path(&b->st, path, &w.life, err);
	if (ns < 0)
		return ns;
	w.owner = owner;
	w.name = owner;
	w.ns = ns;
	for (size_t k = 0; k < b->n_ports; k++)
		b->ports[k] = (struct net_port){
			.host_port = (uint16_t)(10000 + (size_t)i * b->n_ports + k),
			.port = (uint16_t)(80 + k),
			.count = 1,
			.proto = IPPROTO_TCP,
		};
	w.ports = b->ports;
	w.n_ports = b->n_ports;
	t = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (net_attach(&b->st, "default", &w, &a, NULL, err) < 0)
		return -err->code;
	b->attach[i] = now(CLOCK_MONOTONIC) - t;
	b->attach_cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	return 0;
}

static int detach_one(struct bench *b, int i, struct cs_err *err)
{
	struct net_whom w = { .ns_is_ours = true };
	char owner[32];
	double t, cpu;

	snprintf(owner, sizeof(owner), "bench%d", i);
	w.owner = owner;
	t = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (net_detach(&b->st, "default", &w, err) < 0)
		return -err->code;
	b->detach[i] = now(CLOCK_MONOTONIC) - t;
	b->detach_cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *v, int n)
{
	cs_auto_free double *copy = calloc((size_t)n, sizeof(*copy));

	if (!copy)
		return 0;
	memcpy(copy, v, (size_t)n * sizeof(*copy));
	qsort(copy, (size_t)n, sizeof(*copy), by_value);
	return copy[n / 2];
}

static void print(const char *what, const double *v, int n)
{
	int tenth = n < 10 ? 1 : n / 10;

	printf("%s %.3f %.3f %.3f\n", what, median(v, n), median(v, tenth),
	       median(v + n - tenth, tenth));
}

int main(int argc, char **argv)
{
	struct bench b = { .st = NET_STORE_INIT };
	struct cs_err err = CS_ERR_INIT;
	int n = argc == 6 ? (int)strtol(argv[4], NULL, 10) : 0;
	char path[200];
	int ret = 0;

	if (n <= 0) {
		fputs("usage: netattach ROOT STATE NS-DIR N PORTS\n", stderr);
		return 2;
	}
	b.dir = argv[3];
	b.n_ports = strtoul(argv[5], NULL, 10);
	b.ports = calloc(b.n_ports + 1, sizeof(*b.ports));
	b.attach = calloc((size_t)n, sizeof(*b.attach));
	b.detach = calloc((size_t)n, sizeof(*b.detach));
	b.attach_cpu = calloc((size_t)n, sizeof(*b.attach_cpu));
	b.detach_cpu = calloc((size_t)n, sizeof(*b.detach_cpu));
	if (!b.ports || !b.attach || !b.detach || !b.attach_cpu || !b.detach_cpu)
		return 2;
	ret = net_store_open(&b.st, argv[1], argv[2], &err);
	for (int i = 0; ret == 0 && i < n; i++) {
		path_of(&b, i, path, sizeof(path));
		ret = net_ns_pin(path, &err);
	}
	for (int i = 0; ret == 0 && i < n; i++)
		ret = attach_one(&b, i, &err);
	for (int i = 0; ret == 0 && i < n; i++)
		ret = detach_one(&b, i, &err);
	for (int i = 0; ret == 0 && i < n; i++) {
		path_of(&b, i, path, sizeof(path));
		ret = net_ns_unpin(path, &err);
	}
	if (ret < 0) {
		fprintf(stderr, "netattach: %s\n", err.msg);
		return 1;
	}
	print("attach", b.attach, n);
	print("attach-cpu", b.attach_cpu, n);
	print("detach", b.detach, n);
	print("detach-cpu", b.detach_cpu, n);
	return 0;
}
