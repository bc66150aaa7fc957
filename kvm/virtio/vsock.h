#ifndef CS_KVM_VIRTIO_VSOCK_H
#define CS_KVM_VIRTIO_VSOCK_H

/*
 * Socket device (virtio 1.2, 5.10) that ends in Unix sockets on the host. The VMM is jailed and
 * opens nothing: connections come and go as fds over one SOCK_SEQPACKET Unix socket to the
 * machine's owner. Each message is a struct vio_vsock_msg, an fd may be with it (SCM_RIGHTS):
 *
 *	VIO_VSOCK_DIAL	   to the owner: the guest connects to @port of the host
 *	VIO_VSOCK_ANSWER   from the owner: with a connected stream socket, the connection of that
 *			   @id; without one, it is refused
 *	VIO_VSOCK_CONNECT  from the owner: the stream socket with it becomes a connection to @port
 *			   of the guest; closed when the guest refuses
 *
 * An owner that offers ports as sockets of a folder connects to "<path>_<port>" and answers with
 * that. Flow control is the transport's own, by credit, in both directions: what a guest sends
 * beyond its credit resets the connection; its own word on how much it takes harms only itself.
 * Connections and the bytes held for each are bounded.
 */

#include <stdbool.h>
#include <stdint.h>

#include "kvm/loop.h"
#include "kvm/virtio/dev.h"

struct vm_vsock_config;
struct vio_vsock_conn;

enum {
	VIO_VSOCK_STATE_VERSION = 1,
	VIO_VSOCK_CONNS = 512,	   /* at once */
	VIO_VSOCK_BUF = 64 * 1024, /* bytes held for a host that does not read */
	VIO_VSOCK_BUCKETS = 128,
	VIO_VSOCK_RESETS = 32, /* answers to what is no connection, kept until sent */
};

enum vio_vsock_type {
	VIO_VSOCK_DIAL = 1,
	VIO_VSOCK_ANSWER = 2,
	VIO_VSOCK_CONNECT = 3,
};

struct vio_vsock_msg {
	uint32_t type; /* enum vio_vsock_type */
	uint32_t id;   /* DIAL and its ANSWER: chosen by the VMM */
	uint32_t port;
	uint32_t reserved; /* 0 */
};

/* All that must be known to go on elsewhere, beside the queues: connections do not move, a guest
 * that goes on elsewhere is told that they are gone (5.10.6.7). */
struct vio_vsock_state {
	uint32_t version; /* VIO_VSOCK_STATE_VERSION */
	uint32_t next_port;
	uint64_t cid;
};

struct vio_vsock {
	struct vio_dev dev;
	struct vio_vsock_state s;
	struct vm_watch owner;
	uint32_t next_id;
	uint32_t n_conns;
	struct vio_vsock_conn *bucket[VIO_VSOCK_BUCKETS]; /* owned */
	struct vio_vsock_conn *first, *last; /* those with something for the guest, in turns */
	struct {
		uint32_t guest_port, host_port;
	} reset[VIO_VSOCK_RESETS];
	uint32_t n_resets;
	/* counters */
	uint64_t to_guest; /* bytes */
	uint64_t from_guest;
	uint64_t refused; /* connections */
	uint64_t lies;	  /* packets beyond the credit given */
};

int vio_vsock_init(struct vio_vsock *vs, const struct vm_vsock_config *conf,
		   const struct vio_env *env, struct cs_err *err);

#endif
