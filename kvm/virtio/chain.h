#ifndef CS_KVM_VIRTIO_CHAIN_H
#define CS_KVM_VIRTIO_CHAIN_H

/*
 * One buffer a driver put into a queue: pieces of guest memory, first those the device reads
 * ("out"), then those it writes ("in"). Every piece lies in guest memory; what is in them can
 * change at any time, so read once what is trusted.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	VIO_CHAIN_MAX = 256, /* pieces of a buffer, and size of the largest queue */
};

struct vio_chain {
	uint16_t id;	 /* the driver's name for it, handed back as it came */
	uint16_t n_desc; /* descriptors it takes in a packed ring */
	uint16_t n_out;
	uint16_t n_in;
	uint64_t out_len; /* bytes */
	uint64_t in_len;
	struct iovec iov[VIO_CHAIN_MAX]; /* n_out, then n_in; no empty ones */
};

/* Copies up to @len bytes from byte @off of the readable part. Returns how many there were. */
size_t vio_chain_read(const struct vio_chain *c, uint64_t off, void *buf, size_t len);

/* Copies up to @len bytes to byte @off of the writable part. Returns how many had room. */
size_t vio_chain_write(const struct vio_chain *c, uint64_t off, const void *buf, size_t len);

/* Fills @iov (room for VIO_CHAIN_MAX) with the pieces of up to @len bytes from byte @off of the
 * readable or writable part; returns how many pieces. *@got, if asked for, is their bytes. */
int vio_chain_out_iov(const struct vio_chain *c, uint64_t off, uint64_t len, struct iovec *iov,
		      uint64_t *got);
int vio_chain_in_iov(const struct vio_chain *c, uint64_t off, uint64_t len, struct iovec *iov,
		     uint64_t *got);

#endif
