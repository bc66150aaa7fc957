#include "engine/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/record.h"

static const char note[] = "pidfile";

/* Its folder; *@name is what it is called there. */
static int open_folder(const char *path, const char **name, struct cs_err *err)
{
	cs_auto_free char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int fd;

	if (!slash)
		return cs_err_set(err, ENOMEM, "out of memory");
	*name = path + (slash - dir) + 1;
	slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open folder %s", dir);
	return fd;
}

int eng_pidfile_write(const struct eng_record *r, int run, pid_t pid, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	const char *name = NULL;
	char text[16];
	size_t len;

	if (!r->pidfile)
		return 0;
	len = (size_t)snprintf(text, sizeof(text), "%d", (int)pid);
	dir = open_folder(r->pidfile, &name, err);
	/* noted first: what is not noted is never removed */
	if (dir < 0 || cs_file_replace(run, note, text, len, 0600, false, err) < 0 ||
	    cs_file_replace(dir, name, text, len, 0644, false, err) < 0)
		return cs_err_wrap(err, "option --pidfile: %s", r->pidfile);
	return 0;
}

void eng_pidfile_drop(const struct eng_record *r, int run)
{
	cs_auto_free char *ours = NULL, *there = NULL;
	cs_auto_fd int dir = -EBADF;
	struct cs_err why = CS_ERR_INIT;
	const char *name = NULL;
	size_t len;

	if (!r->pidfile || cs_file_read(run, note, 32, &ours, &len, &why) < 0)
		return;
	dir = open_folder(r->pidfile, &name, &why);
	if (dir >= 0 && cs_file_read(dir, name, 32, &there, &len, &why) == 0 &&
	    strcmp(ours, there) == 0)
		unlinkat(dir, name, 0);
	unlinkat(run, note, 0);
}
