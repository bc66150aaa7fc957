#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"

#define CLAIM ".root"
#define FOLDER ".folder" /* a link whose text is what folder_id() makes */

enum { CLAIM_TRIES = 16, FOLDER_ID = 48 };

/* Opens @dir/containers, made with its parents. */
static int open_below(const char *dir, struct cs_err *err)
{
	cs_auto_fd int top = -EBADF, fd = -EBADF;
	char path[PATH_MAX];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s/containers", dir);

	if (ret < 0)
		return ret;
	ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret >= 0)
		return ret;
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return cs_err_sys(err, "open /");
	fd = cs_path_mkdirs(top, path, 0700, err);
	if (fd < 0)
		return cs_err_wrap(err, "make folder %s", path);
	ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret < 0)
		return cs_err_sys(err, "open folder %s", path);
	return ret;
}

/* Are both the same folder? One that is gone is nobody's. */
static int same_folder(const char *root, const char *other)
{
	struct stat a, b;

	if (strcmp(root, other) == 0)
		return 1;
	if (stat(other, &b) < 0)
		return errno == ENOENT ? -ENOENT : 0;
	return stat(root, &a) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int folder_id(const struct eng *e, char out[FOLDER_ID], struct cs_err *err)
{
	struct stat sb;

	if (fstat(e->containers, &sb) < 0)
		return cs_err_sys(err, "read the folder of containers");
	snprintf(out, FOLDER_ID, "%ju:%ju", (uintmax_t)sb.st_dev, (uintmax_t)sb.st_ino);
	return 0;
}

/* Made with the claim. */
static int note_folder(const struct eng *e, struct cs_err *err)
{
	char id[FOLDER_ID];

	if (folder_id(e, id, err) < 0)
		return -err->code;
	if (unlinkat(e->run, FOLDER, 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "mark state folder %s", e->state);
	if (symlinkat(id, e->run, FOLDER) < 0)
		return cs_err_sys(err, "mark state folder %s", e->state);
	return 0;
}

bool eng_is_in_place(const struct eng *e)
{
	char id[FOLDER_ID], was[FOLDER_ID];
	struct cs_err why = CS_ERR_INIT;
	ssize_t n = readlinkat(e->run, FOLDER, was, sizeof(was) - 1);

	if (n < 0 || folder_id(e, id, &why) < 0)
		return false;
	was[n] = '\0';
	return strcmp(id, was) == 0;
}

/* A state folder is of one store: what another one has there has no record in this one, and would
 * be taken for left over. A link in it says whose it is. */
static int claim(const struct eng *e, struct cs_err *err)
{
	char owner[PATH_MAX];

	for (int i = 0; i < CLAIM_TRIES; i++) {
		ssize_t n = readlinkat(e->run, CLAIM, owner, sizeof(owner) - 1);
		int same;

		if (n < 0 && errno != ENOENT)
			return cs_err_sys(err, "read whose state folder %s is", e->state);
		if (n < 0) {
			if (symlinkat(e->root, e->run, CLAIM) == 0)
				return note_folder(e, err);
			if (errno != EEXIST)
				return cs_err_sys(err, "mark state folder %s", e->state);
			continue;
		}
		owner[n] = '\0';
		same = same_folder(e->root, owner);
		if (same == 1)
			return 0;
		if (same == 0)
			return cs_err_set(
				err, EBUSY,
				"state folder %s belongs to the store in %s: give this one "
				"another by --state",
				e->state, owner);
		if (unlinkat(e->run, CLAIM, 0) < 0 && errno != ENOENT)
			return cs_err_sys(err, "mark state folder %s", e->state);
	}
	return cs_err_set(err, EBUSY, "state folder %s is taken by others at this moment",
			  e->state);
}

int eng_open(struct eng *e, const char *root, const char *state, struct cs_err *err)
{
	struct eng n = ENG_INIT;

	n.root = root;
	n.state = state;
	n.containers = open_below(root, err);
	if (n.containers < 0)
		return n.containers;
	n.run = open_below(state, err);
	if (n.run < 0) {
		cs_close_fd(&n.containers);
		return n.run;
	}
	if (claim(&n, err) < 0) {
		eng_close(&n);
		return -err->code;
	}
	*e = n;
	return 0;
}

void eng_close(struct eng *e)
{
	cs_close_fd(&e->containers);
	cs_close_fd(&e->run);
}
