#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"

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
	*e = n;
	return 0;
}

void eng_close(struct eng *e)
{
	cs_close_fd(&e->containers);
	cs_close_fd(&e->run);
}
