#include "kvm/virtio/chain.h"

#include <string.h>

static int slice(const struct iovec *from, int n, uint64_t off, uint64_t len, struct iovec *iov,
		 uint64_t *got)
{
	uint64_t sum = 0;
	int k = 0;

	for (int i = 0; i < n && sum < len; i++) {
		uint64_t take = from[i].iov_len;

		if (off >= take) {
			off -= take;
			continue;
		}
		take -= off;
		if (take > len - sum)
			take = len - sum;
		iov[k].iov_base = (char *)from[i].iov_base + off;
		iov[k++].iov_len = take;
		sum += take;
		off = 0;
	}
	if (got)
		*got = sum;
	return k;
}

int vio_chain_out_iov(const struct vio_chain *c, uint64_t off, uint64_t len, struct iovec *iov,
		      uint64_t *got)
{
	return slice(c->iov, c->n_out, off, len, iov, got);
}

int vio_chain_in_iov(const struct vio_chain *c, uint64_t off, uint64_t len, struct iovec *iov,
		     uint64_t *got)
{
	return slice(c->iov + c->n_out, c->n_in, off, len, iov, got);
}

size_t vio_chain_read(const struct vio_chain *c, uint64_t off, void *buf, size_t len)
{
	size_t done = 0;

	for (int i = 0; i < c->n_out && done < len; i++) {
		const struct iovec *v = &c->iov[i];
		size_t n;

		if (off >= v->iov_len) {
			off -= v->iov_len;
			continue;
		}
		n = v->iov_len - (size_t)off;
		if (n > len - done)
			n = len - done;
		memcpy((char *)buf + done, (const char *)v->iov_base + off, n);
		done += n;
		off = 0;
	}
	return done;
}

size_t vio_chain_write(const struct vio_chain *c, uint64_t off, const void *buf, size_t len)
{
	size_t done = 0;

	for (int i = c->n_out; i < c->n_out + c->n_in && done < len; i++) {
		const struct iovec *v = &c->iov[i];
		size_t n;

		if (off >= v->iov_len) {
			off -= v->iov_len;
			continue;
		}
		n = v->iov_len - (size_t)off;
		if (n > len - done)
			n = len - done;
		memcpy((char *)v->iov_base + off, (const char *)buf + done, n);
		done += n;
		off = 0;
	}
	return done;
}
