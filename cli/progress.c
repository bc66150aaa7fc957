#include "cli/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "images/transfer.h"

enum {
	DRAW_MS = 100,
	JSON_MS = 500,
	LINE_MAX_BYTES = 512,
};

int cli_progress_parse(const char *text, enum cli_progress_mode *out, struct cs_err *err)
{
	static const struct {
		const char *text;
		enum cli_progress_mode mode;
	} modes[] = {
		{ "tty", CLI_PROGRESS_TTY },
		{ "plain", CLI_PROGRESS_PLAIN },
		{ "json", CLI_PROGRESS_JSON },
		{ "none", CLI_PROGRESS_NONE },
	};
	const char *term = getenv("TERM");

	if (!text || strcmp(text, "auto") == 0) {
		*out = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0)
			       ? CLI_PROGRESS_TTY
			       : CLI_PROGRESS_PLAIN;
		return 0;
	}
	for (size_t i = 0; i < CS_LEN(modes); i++) {
		if (strcmp(text, modes[i].text) == 0) {
			*out = modes[i].mode;
			return 0;
		}
	}
	return cs_err_set(err, EINVAL,
			  "option --progress: \"%s\" is none of auto, tty, plain, json "
			  "and none",
			  text);
}

/* A part as it was when it was last drawn. */
struct shown {
	uint64_t done;
	double rate; /* bytes a second, smoothed */
};

struct cli_progress {
	enum cli_progress_mode mode;
	const char *verb;
	bool colour;
	struct img_watch watch;
	const struct img_transfer *t; /* between begin() and end() */
	struct shown *shown;	      /* owned: a part each, and the total */
	size_t lines;		      /* drawn the last time */
	double last;		      /* when, in seconds */
	pthread_t thread;
	bool running, stop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void put(const struct cs_buf *b)
{
	struct cs_err ignored = CS_ERR_INIT;

	if (b->s && !b->failed)
		cs_fd_write_all(STDERR_FILENO, b->s, b->len, &ignored);
}

static const char *state_text(const struct cli_progress *p, int state)
{
	switch ((enum img_part_state)state) {
	case IMG_PART_WAITING:
		return "waiting";
	case IMG_PART_ELSEWHERE:
		return "another pull has it";
	case IMG_PART_RESUMING:
		return "going on";
	case IMG_PART_MOVING:
		return p->verb;
	case IMG_PART_RETRYING:
		return "trying again";
	case IMG_PART_UNPACKING:
		return "unpacking";
	case IMG_PART_DONE:
		return "done";
	case IMG_PART_THERE:
		return "already there";
	case IMG_PART_MOUNTED:
		return "mounted";
	}
	return "";
}

static bool is_final(int state)
{
	return state >= (int)IMG_PART_DONE;
}

/* --- on a terminal -----------------------------------------------------------------------------
 */

/* Smooths the rate of @s, whose count is @done now, @dt seconds later. */
static uint64_t follow(struct shown *s, uint64_t done, double dt)
{
	double rate = done > s->done && dt > 0 ? (double)(done - s->done) / dt : 0;

	s->rate = s->rate > 0 ? s->rate * 0.8 + rate * 0.2 : rate;
	s->done = done;
	return (uint64_t)s->rate;
}

static void draw_line(const struct cli_progress *p, const struct cli_progress_line *l, int state,
		      size_t columns, struct cs_buf *out)
{
	char text[LINE_MAX_BYTES];
	const char *colour = !p->colour			       ? ""
			     : is_final(state)		       ? "\033[32m"
			     : state == (int)IMG_PART_RETRYING ? "\033[33m"
							       : "";

	cli_progress_text(l, columns, text, sizeof(text));
	cs_buf_addf(out, "\r%s%s%s\033[K\n", colour, text, *colour ? "\033[m" : "");
}

/* The lines of those parts there is room for, those at work first, then the total. */
static void draw(struct cli_progress *p)
{
	cs_auto_buf struct cs_buf out = CS_BUF_INIT;
	struct winsize ws = { 0 };
	struct cli_progress_line total = { .name = "total", .state = "", .numbers = true };
	double t = now(), dt = t - p->last;
	size_t lines = 0, room;

	/* A terminal that does not know its size says 0. */
	ioctl(STDERR_FILENO, TIOCGWINSZ, &ws);
	if (!ws.ws_col)
		ws.ws_col = 80;
	if (!ws.ws_row)
		ws.ws_row = 24;
	room = ws.ws_row > 3 ? ws.ws_row - 2U : 1;
	if (p->lines)
		cs_buf_addf(&out, "\033[%zuA", p->lines);
	for (size_t i = 0; i < p->t->n; i++) {
		const struct img_part *part = &p->t->v[i];
		int state = atomic_load(&part->state);
		struct cli_progress_line l = {
			.name = strchr(part->digest, ':') ? strchr(part->digest, ':') + 1 : "",
			.state = state_text(p, state),
			.done = atomic_load(&part->done),
			.size = part->size,
			.numbers = !is_final(state),
		};

		l.rate = follow(&p->shown[i], l.done, dt);
		total.done += l.done;
		total.size += l.size;
		if (lines < room && (p->t->n <= room || !is_final(state))) {
			draw_line(p, &l, state, ws.ws_col, &out);
			lines++;
		}
	}
	total.rate = follow(&p->shown[p->t->n], total.done, dt);
	draw_line(p, &total, 0, ws.ws_col, &out);
	lines++;
	if (lines < p->lines)
		cs_buf_add(&out, "\033[J");
	p->lines = lines;
	p->last = t;
	put(&out);
}

/* --- lines -------------------------------------------------------------------------------------
 */

static void put_json(const struct cli_progress *p, const struct img_part *part)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_buf struct cs_buf out = CS_BUF_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "digest", part->digest);
	cs_jw_str(&w, "state", state_text(p, atomic_load(&part->state)));
	cs_jw_u64(&w, "done", atomic_load(&part->done));
	cs_jw_u64(&w, "size", part->size);
	cs_jw_obj_end(&w);
	cs_buf_addf(&out, "%s\n", w.buf.s ? w.buf.s : "");
	put(&out);
}

static void put_plain(const struct cli_progress *p, const struct img_part *part)
{
	cs_auto_buf struct cs_buf out = CS_BUF_INIT;
	const char *hex = strchr(part->digest, ':');
	char size[16];

	cli_progress_bytes(part->size, size);
	cs_buf_addf(&out, "%.12s: %s (%s)\n", hex ? hex + 1 : part->digest,
		    state_text(p, atomic_load(&part->state)), size);
	put(&out);
}

static void on_changed(void *ctx, const struct img_part *part)
{
	const struct cli_progress *p = ctx;

	if (p->mode == CLI_PROGRESS_PLAIN)
		put_plain(p, part);
	else if (p->mode == CLI_PROGRESS_JSON)
		put_json(p, part);
}

/* --- the thread that shows what moves ----------------------------------------------------------
 */

static void show(struct cli_progress *p)
{
	if (p->mode == CLI_PROGRESS_TTY) {
		draw(p);
		return;
	}
	for (size_t i = 0; i < p->t->n; i++)
		if (atomic_load(&p->t->v[i].state) == (int)IMG_PART_MOVING)
			put_json(p, &p->t->v[i]);
}

static void *loop(void *arg)
{
	struct cli_progress *p = arg;
	unsigned int ms = p->mode == CLI_PROGRESS_TTY ? DRAW_MS : JSON_MS;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)ms * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (!p->stop)
			show(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void on_begin(void *ctx, const struct img_transfer *t)
{
	struct cli_progress *p = ctx;
	sigset_t all, old;

	free(p->shown);
	p->shown = calloc(t->n + 1, sizeof(*p->shown));
	p->t = t;
	p->lines = 0;
	p->stop = false;
	p->last = now();
	if (!p->shown || (p->mode != CLI_PROGRESS_TTY && p->mode != CLI_PROGRESS_JSON))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->running = pthread_create(&p->thread, NULL, loop, p) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void on_end(void *ctx)
{
	struct cli_progress *p = ctx;

	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_signal(&p->wake);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
		p->running = false;
	}
	if (p->mode == CLI_PROGRESS_TTY && p->shown)
		draw(p);
	p->t = NULL;
}

struct cli_progress *cli_progress_new(enum cli_progress_mode mode, const char *verb)
{
	const char *no = getenv("NO_COLOR");
	struct cli_progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	p->mode = mode;
	p->verb = verb;
	p->colour = !no || !*no;
	p->watch = (struct img_watch){
		.begin = on_begin,
		.changed = on_changed,
		.end = on_end,
		.ctx = p,
	};
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

void cli_progress_free(struct cli_progress *p)
{
	if (!p)
		return;
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->shown);
	free(p);
}

const struct img_watch *cli_progress_watch(struct cli_progress *p)
{
	return p->mode == CLI_PROGRESS_NONE ? NULL : &p->watch;
}
