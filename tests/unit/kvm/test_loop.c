#include "kvm/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/irq.h"
#include "tests/unit/unit.h"

struct dev {
	struct vm_watch w; /* first */
	struct vm_loop *loop;
	struct dev *victim; /* removed when this one is called */
	int calls;
};

static void dev_ready(struct vm_watch *w, uint32_t events)
{
	struct dev *d = (struct dev *)w;
	uint64_t v;

	ck_assert(events & EPOLLIN);
	ck_assert_int_eq(pthread_mutex_trylock(&d->loop->lock), EBUSY);
	ck_assert_int_eq((int)read(w->fd, &v, sizeof(v)), (int)sizeof(v));
	d->calls++;
	if (d->victim)
		vm_loop_del(d->loop, &d->victim->w);
}

static void make(struct dev *d, struct vm_loop *loop)
{
	struct cs_err err = CS_ERR_INIT;

	*d = (struct dev){ .w = { .fd = eventfd(1, EFD_CLOEXEC), .ready = dev_ready },
			   .loop = loop };
	ck_assert_int_eq(vm_loop_add(loop, &d->w, EPOLLIN, &err), 0);
}

START_TEST(test_calls)
{
	struct vm_loop loop;
	struct cs_err err = CS_ERR_INIT;
	struct dev a, b;

	ck_assert_int_eq(vm_loop_init(&loop, &err), 0);
	make(&a, &loop);
	make(&b, &loop);
	/* whichever is called first takes the other one out, which epoll has reported already */
	a.victim = &b;
	b.victim = &a;
	ck_assert_int_eq(vm_loop_once(&loop, 1000, &err), 1);
	ck_assert_int_eq(a.calls + b.calls, 1);
	ck_assert_int_eq(vm_loop_once(&loop, 0, &err), 0);
	vm_loop_del(&loop, &a.w);
	vm_loop_del(&loop, &b.w);
	close(a.w.fd);
	close(b.w.fd);
	vm_loop_fini(&loop);
	vm_loop_fini(&loop);
}
END_TEST

START_TEST(test_mod)
{
	struct vm_loop loop;
	struct cs_err err = CS_ERR_INIT;
	struct dev a;

	ck_assert_int_eq(vm_loop_init(&loop, &err), 0);
	make(&a, &loop);
	vm_loop_mod(&loop, &a.w, 0);
	ck_assert_int_eq(vm_loop_once(&loop, 0, &err), 0);
	vm_loop_mod(&loop, &a.w, EPOLLIN);
	ck_assert_int_eq(vm_loop_once(&loop, 1000, &err), 1);
	ck_assert_int_eq(a.calls, 1);
	/* what it was watched for before says nothing of one that is added again */
	vm_loop_mod(&loop, &a.w, 0);
	vm_loop_del(&loop, &a.w);
	ck_assert_int_eq(eventfd_write(a.w.fd, 1), 0);
	ck_assert_int_eq(vm_loop_add(&loop, &a.w, EPOLLIN, &err), 0);
	vm_loop_mod(&loop, &a.w, 0);
	ck_assert_int_eq(vm_loop_once(&loop, 0, &err), 0);
	vm_loop_mod(&loop, &a.w, EPOLLIN);
	ck_assert_int_eq(vm_loop_once(&loop, 1000, &err), 1);
	close(a.w.fd);
	vm_loop_fini(&loop);
}
END_TEST

static void *stopper(void *arg)
{
	usleep(1000);
	vm_loop_stop(arg);
	return NULL;
}

START_TEST(test_stop)
{
	struct vm_loop loop;
	struct cs_err err = CS_ERR_INIT;
	pthread_t t;

	ck_assert_int_eq(vm_loop_init(&loop, &err), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, stopper, &loop), 0);
	ck_assert_int_eq(vm_loop_run(&loop, &err), 0);
	pthread_join(t, NULL);
	vm_loop_fini(&loop);
}
END_TEST

static int fired;

static void on_fire(struct vm_timer *t)
{
	(void)t;
	fired++;
}

START_TEST(test_timer)
{
	struct vm_loop loop;
	struct cs_err err = CS_ERR_INIT;
	struct vm_timer t = VM_TIMER_INIT;

	ck_assert_int_eq(vm_loop_init(&loop, &err), 0);
	ck_assert_int_eq(vm_timer_init(&t, &loop, on_fire, &err), 0);
	ck_assert_int_eq(vm_loop_once(&loop, 0, &err), 0);
	vm_timer_set(&t, 1000, 0);
	ck_assert_int_eq(vm_loop_once(&loop, 10000, &err), 1);
	ck_assert_int_eq(fired, 1);
	vm_timer_set(&t, 1000, 1000);
	ck_assert_int_eq(vm_loop_once(&loop, 10000, &err), 1);
	ck_assert_int_eq(vm_loop_once(&loop, 10000, &err), 1);
	vm_timer_set(&t, 0, 0);
	ck_assert_int_eq(vm_loop_once(&loop, 0, &err), 0);
	vm_timer_fini(&t, &loop);
	vm_timer_fini(&t, &loop);
	vm_loop_fini(&loop);
}
END_TEST

START_TEST(test_irq)
{
	struct vm_irq irq = VM_IRQ_INIT;
	struct cs_err err = CS_ERR_INIT;
	uint64_t v = 0;

	ck_assert_int_eq(vm_irq_init(&irq, -EBADF, 5, &err), 0);
	vm_irq_raise(&irq);
	vm_irq_raise(&irq);
	ck_assert_int_eq((int)read(irq.fd, &v, sizeof(v)), (int)sizeof(v));
	ck_assert_uint_eq(v, 2);
	ck_assert_uint_eq(irq.raised, 2);
	vm_irq_fini(&irq);
	vm_irq_fini(&irq);
}
END_TEST

UNIT_MAIN("kvm/loop", test_calls, test_mod, test_stop, test_timer, test_irq)
