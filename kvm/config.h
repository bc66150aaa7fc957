#ifndef CS_KVM_CONFIG_H
#define CS_KVM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/layout.h"

struct cs_err;
struct cs_json_doc;

/*
 * The JSON config of a machine as a checked struct. Every file, socket and device node in it is the
 * number of an fd that the VMM was started with: it opens nothing by itself. The struct borrows its
 * strings from the document, and owns no fd.
 *
 *	{ "version": 1, "cpus": 2, "memory": 268435456,
 *	  "kernel": { "fd": 3, "cmdline": "quiet", "entry": "auto" }, "initramfs": [ 4, 5 ],
 *	  "serial": { "out": 1 }, "control": 6, "result": 7, "kvm": 8,
 *	  "devices": [ { "type": "blk", "fd": 9, "readonly": true }, … ] }
 *
 * An unknown key is an error that names it.
 */

/* Token bucket: @per_second units flow in, at most @burst are saved up. 0, 0: no limit. */
struct vm_rate {
	uint64_t per_second;
	uint64_t burst; /* 0 with a limit: one second's worth */
};

enum vm_dev_type {
	VM_DEV_BLK,
	VM_DEV_PMEM,
	VM_DEV_NET,
	VM_DEV_VSOCK,
	VM_DEV_FS,
	VM_DEV_CONSOLE,
	VM_DEV_RNG,
	VM_DEV_BALLOON,
	VM_DEV_TYPES,
};

/* { "type": "blk", "fd": 9, "readonly": false, "serial": "root", "queues": 1,
 *   "bytes_rate": { "per_second": N, "burst": N }, "ops_rate": { … } } */
struct vm_blk_config {
	int fd; /* a regular file or block device, raw */
	bool readonly;
	const char *serial; /* up to 20 bytes (VIRTIO_BLK_T_GET_ID); NULL: none */
	uint32_t queues;    /* 1 to 8, default 1 */
	struct vm_rate bytes;
	struct vm_rate ops;
};

/* { "type": "pmem", "fd": 9, "readonly": true }: the file as memory, DAX in the guest. */
struct vm_pmem_config {
	int fd;
	bool readonly; /* default true */
};

/* { "type": "net", "fd": 9, "mac": "02:…", "mtu": 1500, "vhost": 10,
 *   "rx_bytes_rate": { … }, "tx_bytes_rate": { … } } */
struct vm_net_config {
	int fd; /* a tap, IFF_VNET_HDR set, non-blocking */
	uint8_t mac[6];
	uint16_t mtu; /* 0: the driver's own */
	int vhost_fd; /* /dev/vhost-net, -EBADF: none */
	struct vm_rate rx_bytes;
	struct vm_rate tx_bytes;
};

/* { "type": "vsock", "cid": 3, "fd": 9 }: @fd is a connected SOCK_SEQPACKET Unix socket to the
 * machine's owner. Over it connections come and go as fds, so that the VMM needs no path: see
 * kvm/virtio/vsock.h for the two messages. */
struct vm_vsock_config {
	int fd;
	uint64_t cid; /* 3 to 0xfffffffe */
};

/* { "type": "fs", "tag": "work", "root": 9, "readonly": false }: the folder behind @root_fd, served
 * by a process of its own that is jailed to it. */
struct vm_fs_config {
	int server_fd;	 /* its server's end, -EBADF: the VMM has none yet; never in the JSON */
	int root_fd;	 /* an O_PATH or O_DIRECTORY fd */
	const char *tag; /* 1 to 36 bytes */
	bool readonly;
};

/* { "type": "console", "in": 0, "out": 1 }: either may be absent; a terminal may be both. */
struct vm_console_config {
	int in_fd;  /* -EBADF: none */
	int out_fd; /* -EBADF: none */
};

/* { "type": "balloon", "free_page_reporting": true, "deflate_on_oom": true, "pages": 0 } */
struct vm_balloon_config {
	bool reporting;	     /* default true */
	bool deflate_on_oom; /* default true */
	uint32_t pages;	     /* of 4 KiB, taken from the guest at the beginning */
};

struct vm_dev_config {
	enum vm_dev_type type;
	const char *id; /* unique, for control and counters; default: type and index, "blk0" */
	union {
		struct vm_blk_config blk;
		struct vm_pmem_config pmem;
		struct vm_net_config net;
		struct vm_vsock_config vsock;
		struct vm_fs_config fs;
		struct vm_console_config console;
		struct vm_balloon_config balloon;
	};
};

enum vm_entry {
	VM_ENTRY_AUTO,	  /* 64-bit for Linux, else what the kernel has: PVH before 64-bit */
	VM_ENTRY_PVH,	  /* ELF with Xen's note XEN_ELFNOTE_PHYS32_ENTRY */
	VM_ENTRY_LINUX64, /* Linux's 64-bit boot protocol, ELF or bzImage */
};

enum {
	VM_INITRAMFS_MAX = 4,
};

struct vm_config {
	uint32_t cpus;	 /* 1 to VM_CPUS_MAX */
	uint64_t memory; /* bytes, a multiple of 2 MiB */
	bool shared;	 /* memory in a memfd (implied by a "fs" device), see kvm/mem.h */
	bool acpi;	 /* default true; without it virtio devices are named on the command line */

	int kernel_fd;
	const char *cmdline; /* NULL: none */
	enum vm_entry entry;
	uint32_t n_initramfs;
	int initramfs_fd[VM_INITRAMFS_MAX]; /* put behind one another, each padded to 4 bytes */

	int serial_in_fd;      /* -EBADF: none */
	int serial_out_fd;     /* -EBADF: what the guest writes is thrown away */
	int control_fd;	       /* Unix stream socket, see control.h; -EBADF: none */
	int result_fd;	       /* gets one JSON object at the end, -EBADF: none */
	int kvm_fd;	       /* /dev/kvm, -EBADF: opened before the jail closes */
	int trace_fd;	       /* a line an exit, for debugging; -EBADF: none */
	bool jail;	       /* default true */
	uint32_t uid, gid;     /* whom the jail becomes when root starts it; default 65534 */
	uint32_t hang_seconds; /* every vCPU dead for so long: hung (kvm/hang.h); 0: never */
	bool pit;	       /* default: when there is no ACPI */

	uint32_t n_devs;
	struct vm_dev_config dev[VM_DEVS_MAX];
};

/* "blk", … */
const char *vm_dev_type_name(enum vm_dev_type t);

/* Checks @len bytes of JSON. Pure: no fd is looked at. *@doc keeps the strings: the caller ends it
 * with cs_json_fini() after the last use of @out. Error messages name the path of what is wrong. */
int vm_config_parse(const char *buf, size_t len, struct cs_json_doc *doc, struct vm_config *out,
		    struct cs_err *err);

/* The config as JSON with every default filled in, for --dump-config. The caller frees *@out. */
int vm_config_dump(const struct vm_config *c, char **out, struct cs_err *err);

#endif
