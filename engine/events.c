#include "engine/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/stamp.h"

enum { EVENTS_MAX = 16 << 20, TRIES = 16 };

/* Is it still the file of that name? */
static bool is_current(const struct eng *e, const struct stat *st)
{
	struct stat now;

	return fstatat(e->containers, ".events", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* Opens the file for one line, with a shared lock, so that nobody writes to one that was put away;
 * puts a full one away. */
static int open_events(const struct eng *e)
{
	for (int i = 0; i < TRIES; i++) {
		cs_auto_fd int fd =
			openat(e->containers, ".events",
			       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat st;
		bool full;

		if (fd < 0 || fstat(fd, &st) < 0)
			return -EIO;
		full = st.st_size >= EVENTS_MAX;
		if (flock(fd, full ? LOCK_EX : LOCK_SH) < 0)
			return -EIO;
		if (!is_current(e, &st))
			continue;
		if (!full)
			return cs_take_fd(&fd);
		if (renameat(e->containers, ".events", e->containers, ".events.1") < 0)
			return -EIO;
	}
	return -EBUSY;
}

static void write_event(const struct eng *e, struct cs_jw *w)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = -EBADF;
	size_t len = 0;

	if (cs_jw_take(w, &text, &len, &why) < 0)
		return;
	fd = open_events(e);
	if (fd < 0)
		return;
	text[len] = '\n'; /* instead of the NUL: one write(2) a line */
	if (write(fd, text, len + 1) < 0)
		return;
}

/* Members of docker's object around its attributes. */
static void begin(struct cs_jw *w, const char *type, const char *action, const char *id,
		  const char *image)
{
	cs_jw_obj(w, NULL);
	if (strcmp(type, "container") == 0) {
		cs_jw_str(w, "status", action);
		cs_jw_str(w, "id", id);
		if (image)
			cs_jw_str(w, "from", image);
	}
	cs_jw_str(w, "Type", type);
	cs_jw_str(w, "Action", action);
	cs_jw_obj(w, "Actor");
	cs_jw_str(w, "ID", id);
	cs_jw_obj(w, "Attributes");
}

static void finish(struct cs_jw *w)
{
	int64_t now = eng_now();

	cs_jw_obj_end(w);
	cs_jw_obj_end(w);
	cs_jw_str(w, "scope", "local");
	cs_jw_i64(w, "time", now / 1000000000);
	cs_jw_i64(w, "timeNano", now);
	cs_jw_obj_end(w);
}

/* Labels are attributes, but none that would stand there twice. */
static void put_labels(struct cs_jw *w, const struct eng_record *r, const char *key)
{
	for (size_t i = 0; i < r->labels.n; i++) {
		const char *eq = strchr(r->labels.v[i], '=');
		cs_auto_free char *name = NULL;

		if (!eq)
			continue;
		name = strndup(r->labels.v[i], (size_t)(eq - r->labels.v[i]));
		if (!name || strcmp(name, "name") == 0 || strcmp(name, "image") == 0 ||
		    (key && strcmp(name, key) == 0))
			continue;
		cs_jw_str(w, name, eq + 1);
	}
}

void eng_event(const struct eng *e, const char *action, const struct eng_record *r, const char *key,
	       const char *value)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	begin(&w, "container", action, r->id, r->image);
	put_labels(&w, r, key);
	if (key)
		cs_jw_str(&w, key, value);
	if (r->image)
		cs_jw_str(&w, "image", r->image);
	cs_jw_str(&w, "name", r->name);
	finish(&w);
	write_event(e, &w);
}

void eng_event_other(const struct eng *e, const char *type, const char *action, const char *name)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	begin(&w, type, action, name, NULL);
	cs_jw_str(&w, "name", name);
	finish(&w);
	write_event(e, &w);
}
