#ifndef CS_KVM_VIRTIO_DEV_H
#define CS_KVM_VIRTIO_DEV_H

/*
 * What all virtio devices have in common (virtio 1.2, 2 and 3), between a device type (struct
 * vio_ops, knows no transport) and a transport (struct vio_link, knows no device type).
 *
 * Locking: everything here runs with the lock of the device's loop held (kvm/loop.h), but for
 * vio_dev_raise(), vio_dev_break() and vio_dev_run(), which a device's own thread may call for a
 * queue that it alone serves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/virtio/queue.h"

struct cs_err;
struct vio_dev;
struct vm_loop;
struct vm_mem;

enum {
	VIO_QUEUES_MAX = 8,
	VIO_DEV_STATE_VERSION = 1,
};

/* A device type. All pointers but @name may be NULL. */
struct vio_ops {
	const char *name; /* "blk" */
	uint32_t id;	  /* VIRTIO_ID_* */
	bool own_kicks;	  /* it waits for kick_fd[] itself; else @kick is called */
	/* The machine is about to run and jailed: starts threads. */
	int (*start)(struct vio_dev *dev, struct cs_err *err);
	/* The driver is ready (DRIVER_OK): queues are set up. Failure marks the device broken. */
	int (*activate)(struct vio_dev *dev, struct cs_err *err);
	void (*kick)(struct vio_dev *dev, uint16_t qi);
	/* Forgets all about the driver; no queue is touched afterwards. May come at any time. */
	void (*reset)(struct vio_dev *dev);
	/* The config space: @len bytes at @off, which lie within config_size. */
	void (*config_read)(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len);
	void (*config_write)(struct vio_dev *dev, uint32_t off, const void *buf, uint32_t len);
	void (*fini)(struct vio_dev *dev);
};

/* A transport. All are called from any thread. */
struct vio_link {
	void (*raise_queue)(struct vio_dev *dev, uint16_t qi);
	void (*raise_config)(struct vio_dev *dev);
};

/* All that must be known of the common part to go on elsewhere. */
struct vio_dev_state {
	uint32_t version;    /* VIO_DEV_STATE_VERSION */
	uint32_t status;     /* VIRTIO_CONFIG_S_*; atomic */
	uint64_t acked;	     /* features */
	uint32_t config_gen; /* changes with the config space */
};

/* Memory that driver and device share beside the queues (virtio 1.2, 2.10). */
struct vio_shm {
	uint64_t gpa;
	uint64_t len; /* 0: none */
};

struct vio_dev {
	const struct vio_ops *ops;
	const struct vio_link *link; /* NULL until a transport has it */
	void *transport;
	const struct vm_mem *mem;
	struct vm_loop *loop;
	const char *name;	    /* for messages: "blk0" */
	void (*thread_begin)(void); /* see struct vio_env */
	uint64_t offered;	    /* features */
	uint32_t config_size;
	uint16_t n_queues;
	struct vio_shm shm;
	struct vio_dev_state s;
	struct vio_queue q[VIO_QUEUES_MAX];
	int kick_fd[VIO_QUEUES_MAX]; /* owned eventfds */
	/* counters */
	uint64_t kicks;
	uint64_t raised;
	uint64_t broken;
	int64_t warned; /* when a guest's doing was logged last, seconds */
};

/* What a device is made with. */
struct vio_env {
	const struct vm_mem *mem;
	struct vm_loop *loop;
	const char *name; /* borrowed, lives as long as the device */
	/* The first thing each thread of a device calls (its system call filter); may be NULL. */
	void (*thread_begin)(void);
};

/* Sets up a device with @n_queues queues of up to @queue_max entries, that offers @features and
 * those of the queues themselves. */
int vio_dev_init(struct vio_dev *dev, const struct vio_ops *ops, const struct vio_env *env,
		 uint16_t n_queues, uint16_t queue_max, uint64_t features, struct cs_err *err);

/* Starts its threads, if it has any: once, when the machine is jailed and before it runs. */
int vio_dev_start(struct vio_dev *dev, struct cs_err *err);

/* Resets it, ends it by ops->fini() and closes its fds. Idempotent. */
void vio_dev_fini(struct vio_dev *dev);

/* For transports. */
void vio_dev_ack_features(struct vio_dev *dev, unsigned int word, uint32_t bits);
void vio_dev_set_status(struct vio_dev *dev, uint32_t status);
void vio_dev_enable_queue(struct vio_dev *dev, uint16_t qi);
void vio_dev_config_read(struct vio_dev *dev, uint64_t off, void *buf, uint32_t len);
void vio_dev_config_write(struct vio_dev *dev, uint64_t off, const void *buf, uint32_t len);
void vio_dev_kick(struct vio_dev *dev, uint16_t qi);

static inline uint32_t vio_dev_status(const struct vio_dev *dev)
{
	return __atomic_load_n(&dev->s.status, __ATOMIC_ACQUIRE);
}

/* For devices. */

static inline bool vio_dev_has(const struct vio_dev *dev, unsigned int feature)
{
	return dev->s.acked >> feature & 1;
}

/* The driver is there and nothing is broken. */
bool vio_dev_live(const struct vio_dev *dev);

/* The driver did what it must not: @why, a constant. The device stops until it is reset. */
void vio_dev_break(struct vio_dev *dev, const char *why);

/* vio_queue_pop() that breaks the device where it fails: 1, else 0. */
int vio_dev_pop(struct vio_dev *dev, uint16_t qi, struct vio_chain *c);

/* Tells the driver of what was pushed, if it wants to know. */
void vio_dev_raise(struct vio_dev *dev, uint16_t qi);

/* The config space has changed. */
void vio_dev_config_changed(struct vio_dev *dev);

enum {
	VIO_KEEP = -1, /* the handler keeps the buffer, or has pushed it itself */
	VIO_STOP = -2, /* the handler cannot take it now: it is put back */
};

/* Serves queue @qi: gives each buffer to @handle, which returns the bytes it wrote to it, VIO_KEEP
 * or VIO_STOP; raises the interrupt at the end. Takes no more than a few hundred at once; what is
 * left then kicks the queue again. */
typedef int64_t (*vio_handle_fn)(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c);
void vio_dev_run(struct vio_dev *dev, uint16_t qi, vio_handle_fn handle);

/* May a message about the guest's doing be logged? Not more than one a second is. */
bool vio_dev_may_warn(struct vio_dev *dev);

/* @p is the member @m of a @T. */
#define vio_container_of(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

#endif
