#include "runtime/passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

enum { PASSWD_MAX_BYTES = 4 << 20, PASSWD_FIELDS = 7 };

/* Splits a line at its colons; false if there are too few fields. */
static bool split(const char *line, size_t len, const char **field, size_t *field_len)
{
	const char *end = line + len;

	for (size_t i = 0; i < PASSWD_FIELDS; i++) {
		const char *colon = memchr(line, ':', (size_t)(end - line));

		if (!colon && i < PASSWD_FIELDS - 1)
			return false;
		field[i] = line;
		field_len[i] = (size_t)((colon ? colon : end) - line);
		line = colon ? colon + 1 : end;
	}
	return true;
}

static bool is_uid(const char *s, size_t len, uid_t uid)
{
	char digits[12];
	uint64_t v;

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, s, len);
	digits[len] = '\0';
	return cs_str_u64(digits, &v) == 0 && v == uid;
}

int ctr_passwd_find(const char *text, size_t len, uid_t uid, struct ctr_passwd *out)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;
		const char *field[PASSWD_FIELDS];
		size_t n[PASSWD_FIELDS];

		if (split(text, (size_t)(stop - text), field, n) && is_uid(field[2], n[2], uid)) {
			*out = (struct ctr_passwd){
				.name = field[0],
				.name_len = n[0],
				.home = field[5],
				.home_len = n[5],
			};
			return 1;
		}
		text = nl ? nl + 1 : end;
	}
	return 0;
}

/* Reads a passwd file beneath @root. 1 read, 0 there is none to be read. */
static int read_passwd(int root, char **text, size_t *len, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct stat sb;
	int rc;

	fd = cs_path_open(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (fd < 0) {
		cs_err_clear(err); /* none, or one that only looks like it: no entry */
		return 0;
	}
	if (fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return 0;
	rc = cs_fd_read_all(fd, PASSWD_MAX_BYTES, text, len, err);
	if (rc < 0)
		return cs_err_wrap(err, "read /etc/passwd");
	return 1;
}

int ctr_passwd_home(int root, uid_t uid, char *out, size_t size, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct ctr_passwd pw;
	size_t len = 0;
	int rc;

	rc = read_passwd(root, &text, &len, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || !ctr_passwd_find(text, len, uid, &pw) || pw.home_len == 0)
		return cs_str_fmt(out, size, err, "/");
	return cs_str_fmt(out, size, err, "%.*s", (int)pw.home_len, pw.home);
}

int ctr_passwd_owner(uid_t uid, char **out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int root = -EBADF;
	struct ctr_passwd pw;
	size_t len = 0;
	char *name = NULL;

	if (uid != 0) {
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return cs_err_sys(err, "open /");
		if (read_passwd(root, &text, &len, err) < 0)
			cs_err_clear(err); /* then the number tells who it is */
	}
	if (uid == 0)
		name = strdup("root");
	else if (text && ctr_passwd_find(text, len, uid, &pw))
		name = strndup(pw.name, pw.name_len);
	else if (asprintf(&name, "%u", uid) < 0)
		name = NULL;
	if (!name)
		return cs_err_set(err, ENOMEM, "owner's name: out of memory");
	*out = name;
	return 0;
}
