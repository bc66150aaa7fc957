#ifndef CS_KVM_VIRTIO_GUEST_H
#define CS_KVM_VIRTIO_GUEST_H

/*
 * Loads and stores of what a guest may change at the same time: each is one access, never
 * repeated by the compiler. Everything in virtio 1 is little-endian (virtio 1.2, 2.6.5).
 */

#include <endian.h>
#include <linux/types.h>
#include <stdint.h>

static inline uint16_t vio_load16(const uint16_t *p)
{
	return le16toh(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static inline uint32_t vio_load32(const uint32_t *p)
{
	return le32toh(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static inline uint64_t vio_load64(const __u64 *p)
{
	return le64toh(__atomic_load_n(p, __ATOMIC_RELAXED));
}

/* Nothing after it is read before it. */
static inline uint16_t vio_load16_acquire(const uint16_t *p)
{
	return le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
}

static inline void vio_store16(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, htole16(v), __ATOMIC_RELAXED);
}

static inline void vio_store32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, htole32(v), __ATOMIC_RELAXED);
}

/* Everything before it is seen before it. */
static inline void vio_store16_release(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, htole16(v), __ATOMIC_RELEASE);
}

/* Orders a store before a later load. */
static inline void vio_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
