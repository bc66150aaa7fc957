#ifndef CS_KVM_VIRTIO_VSOCK_INT_H
#define CS_KVM_VIRTIO_VSOCK_INT_H

/* Shared by the files of the socket device; for nobody else. */

#include <linux/virtio_vsock.h>

#include "kvm/virtio/vsock.h"

enum {
	VSOCK_RX = 0,
	VSOCK_TX = 1,
	VSOCK_HOST_CID = 2,
	VSOCK_PACKET_MAX = 64 * 1024, /* bytes of payload */
};

enum vsock_conn_state {
	CONN_DIALING,	/* the owner is asked for an fd */
	CONN_REQUESTED, /* the guest is asked */
	CONN_OPEN,
	CONN_CLOSED, /* only a reset for the guest is left */
};

/* Packets to send when the guest has buffers: bits of vio_vsock_conn.pending. */
enum {
	PEND_REQUEST = 1 << 0,
	PEND_RESPONSE = 1 << 1,
	PEND_CREDIT = 1 << 2,
	PEND_SHUTDOWN = 1 << 3,
	PEND_RESET = 1 << 4,
	PEND_DATA = 1 << 5, /* the host's socket has something, or may have */
};

struct vio_vsock_conn {
	struct vio_vsock *vs;
	struct vio_vsock_conn *next_hash;
	struct vio_vsock_conn *next, *prev; /* in vs->first */
	bool queued;
	enum vsock_conn_state state;
	struct vm_watch w; /* fd owned */
	uint32_t id;
	uint32_t guest_port;
	uint32_t host_port;
	unsigned int pending;
	/* credit the guest gave us, and what was sent (5.10.6.3) */
	uint32_t peer_alloc;
	uint32_t peer_fwd;
	uint32_t sent;
	/* and what we gave it: bytes it sent, those gone to the host, those it knows of */
	uint32_t received;
	uint32_t forwarded;
	uint32_t told;
	bool host_eof;	   /* the host sends no more */
	bool hup;	   /* nor reads: its socket is not watched any more */
	unsigned int shut; /* VIRTIO_VSOCK_SHUTDOWN_*: what the guest does no more */
	uint8_t *buf;	   /* owned, a ring of VIO_VSOCK_BUF; NULL while there is none to keep */
	uint32_t buf_at;
	uint32_t buf_len;
};

/* vsock.c */
struct vio_vsock_conn *vio_vsock_find(struct vio_vsock *vs, uint32_t guest_port,
				      uint32_t host_port);
/* NULL when there are too many, or no memory. */
struct vio_vsock_conn *vio_vsock_new(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port);
/* Gives the connection its fd, which it owns from here on; false (closed) when it is no good. */
bool vio_vsock_take_fd(struct vio_vsock_conn *c, int fd);
void vio_vsock_free(struct vio_vsock_conn *c);
/* Ends it: closes the socket, sends the guest a reset if @tell. */
void vio_vsock_close(struct vio_vsock_conn *c, bool tell);
/* A reset for what is no connection. */
void vio_vsock_reset_packet(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port);

/* vsock_rx.c: towards the guest. */
void vio_vsock_pend(struct vio_vsock_conn *c, unsigned int what);
/* Sends what is pending, as long as the guest has buffers. */
void vio_vsock_flush(struct vio_vsock *vs);
uint32_t vio_vsock_credit(const struct vio_vsock_conn *c);
/* What the host's socket is to be watched for. */
void vio_vsock_watch(struct vio_vsock_conn *c);

/* vsock_tx.c: from the guest. */
int64_t vio_vsock_tx(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c);
/* Writes what is kept to the host's socket. */
void vio_vsock_drain(struct vio_vsock_conn *c);

#endif
