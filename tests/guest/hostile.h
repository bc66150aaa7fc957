#ifndef CS_TESTS_GUEST_HOSTILE_H
#define CS_TESTS_GUEST_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A guest that means ill, see hostile.c: a driver of its own for the machine's virtio devices, in a
 * process of the guest's root, by /dev/mem.
 */

enum { RAW_WINDOWS = 8, RAW_BUF = 4096 };

struct raw_queue {
	uint16_t index;
	uint16_t avail, used; /* how far we are */
	unsigned char *page;  /* descriptors, then the rings */
	unsigned char *out, *in;
	uint64_t page_at, out_at, in_at; /* the same, as the device knows them */
};

/* A device's window; NULL: there is none of the kind. */
volatile unsigned char *raw_find(uint32_t kind);
/* Maps the windows. -1: the kernel does not let us. */
int raw_open(void);
volatile unsigned char *raw_window(int i);
/* Begins with a device as a driver does, with the queues of @n. -1: it does not want to. */
int raw_begin(volatile unsigned char *dev, struct raw_queue *q, int n);
/* Puts a chain of @out_len bytes to read and @in_len to write up, and waits for it for a while.
 * Bytes written; -1: it did not come back. */
int raw_do(volatile unsigned char *dev, struct raw_queue *q, uint32_t out_len, uint32_t in_len);
/* The same in steps. */
void raw_put(volatile unsigned char *dev, struct raw_queue *q, uint32_t out_len, uint32_t in_len);
int raw_take(struct raw_queue *q, int tries);

/* Says how it went. */
void say(int ok, const char *what);
/* A sequence that is the same in each run. */
uint32_t draw(void);

/* hostile_fs.c: asks the server of the shared folder what no kernel asks. */
void hostile_fs(const char *secret);
/* hostile_wild.c: packets that are nobody's; nonsense for every device. */
void hostile_vsock(void);
void hostile_wild(void);

#endif
