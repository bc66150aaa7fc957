#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/engine.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "tests/unit/fixture.h"

static struct cs_err err;
static struct unit_tmp tmp;
static struct eng eng = { .containers = -EBADF, .run = -EBADF };

static void setup(void)
{
	static char root[80], state[80];

	tmp = unit_tmp_init();
	err = CS_ERR_INIT;
	snprintf(root, sizeof(root), "%s/root", tmp.path);
	snprintf(state, sizeof(state), "%s/state", tmp.path);
	ck_assert_msg(eng_open(&eng, root, state, &err) == 0, "%s", err.msg);
}

static void teardown(void)
{
	eng_close(&eng);
	unit_tmp_fini(&tmp);
}

static int create(const char *name)
{
	struct eng_volume v = ENG_VOLUME_INIT;

	v.name = name;
	err = CS_ERR_INIT;
	return eng_volume_create(&eng, &v, &err);
}

START_TEST(test_create)
{
	static const char *const labels[] = { "a=1", "b=2", NULL };
	static const char *const options[] = { "type=tmpfs", "device=tmpfs", "o=size=1m", NULL };
	eng_auto_volume struct eng_volume got = ENG_VOLUME_INIT;
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	struct eng_volume v = ENG_VOLUME_INIT;
	char path[4096];

	setup();
	v.name = "vol";
	v.labels = (struct eng_strv){ labels, 2 };
	v.options = (struct eng_strv){ options, 3 };
	ck_assert_int_eq(eng_volume_create(&eng, &v, &err), 1);
	ck_assert_int_eq(create("vol"), 0);
	ck_assert_int_eq(create("other"), 1);
	ck_assert_int_eq(create("../x"), -EINVAL);
	ck_assert_int_eq(create("x"), -EINVAL);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_volume_load(&eng, "vol", &got, &err), 0);
	ck_assert_str_eq(got.name, "vol");
	ck_assert_int_gt(got.created_ns, 0);
	ck_assert_str_eq(eng_volume_get(&got.labels, "b"), "2");
	ck_assert_str_eq(eng_volume_get(&got.options, "o"), "size=1m");
	ck_assert_ptr_null(eng_volume_get(&got.labels, "c"));
	ck_assert_int_eq(eng_volume_list(&eng, &l, &err), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.v[0], "other");
	ck_assert_int_eq(eng_volume_path(&eng, "vol", path, sizeof(path), &err), 0);
	ck_assert_int_eq(access(path, W_OK), 0);
	eng_volume_fini(&got);
	ck_assert_int_eq(eng_volume_load(&eng, "none", &got, &err), -ENOENT);
	teardown();
}
END_TEST

START_TEST(test_options)
{
	static const struct {
		const char *v[4];
		int ret;
	} rows[] = {
		{ { NULL }, 0 },
		{ { "type=tmpfs", "device=tmpfs" }, 0 },
		{ { "type=none", "o=bind", "device=/x" }, 0 },
		{ { "type=none", "o=bind", "device=x" }, -EINVAL },
		{ { "type=nfs" }, -EINVAL },
		{ { "size=1" }, -EINVAL },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct eng_strv v = { rows[i].v, 0 };

		while (v.v[v.n])
			v.n++;
		err = CS_ERR_INIT;
		ck_assert_int_eq(eng_volume_check_options(&v, &err), rows[i].ret);
	}
}
END_TEST

static int used(const char *name, char *who, size_t size, void *arg, struct cs_err *e)
{
	(void)arg;
	(void)e;
	snprintf(who, size, "web");
	return strcmp(name, "used") == 0;
}

START_TEST(test_remove)
{
	char path[128];
	int hold, fd;

	setup();
	create("used");
	create("free");
	ck_assert_int_eq(eng_volume_remove(&eng, "used", used, NULL, &err), -EBUSY);
	ck_assert(strstr(err.msg, "container web"));
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_volume_remove(&eng, "free", used, NULL, &err), 0);
	ck_assert_int_eq(eng_volume_remove(&eng, "free", used, NULL, &err), -ENOENT);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_volume_remove(&eng, "../containers", used, NULL, &err), -ENOENT);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_volume_hold(&eng, "free", &err), -ENOENT);
	err = CS_ERR_INIT;
	hold = eng_volume_hold(&eng, "used", &err);
	ck_assert_int_ge(hold, 0);
	close(hold);
	/* what killed commands left goes; what somebody works on stays */
	snprintf(path, sizeof(path), "%s/root/volumes/.new.dead", tmp.path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/root/volumes/.old.live", tmp.path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(eng_volume_tidy(&eng, &err), 0);
	ck_assert_int_eq(unit_entries(tmp.fd, "root/volumes"), 2);
	close(fd);
	ck_assert_int_eq(eng_volume_tidy(&eng, &err), 0);
	ck_assert_int_eq(unit_entries(tmp.fd, "root/volumes"), 1);
	teardown();
}
END_TEST

/* A small tree with one of each kind. */
static void make_tree(void)
{
	int dir;

	ck_assert_int_eq(mkdirat(tmp.fd, "img", 0755), 0);
	ck_assert_int_eq(mkdirat(tmp.fd, "img/data", 0755), 0);
	dir = openat(tmp.fd, "img/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unit_write_str(dir, "file", "text");
	ck_assert_int_eq(mkdirat(dir, "sub", 0755), 0);
	ck_assert_int_eq(linkat(dir, "file", dir, "sub/again", 0), 0);
	ck_assert_int_eq(symlinkat("../../../etc/passwd", dir, "link"), 0);
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	if (getuid() == 0) {
		ck_assert_int_eq(fchownat(dir, "sub/again", 33, 44, 0), 0);
		ck_assert_int_eq(fchown(dir, 55, 66), 0);
	}
	ck_assert_int_eq(fchmodat(dir, "file", 04750, 0), 0);
	ck_assert_int_eq(fchmod(dir, 01777), 0);
	close(dir);
}

START_TEST(test_fill)
{
	struct stat sb, other;
	int img, dir;

	setup();
	make_tree();
	create("vol");
	img = openat(tmp.fd, "img", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(eng_volume_fill(&eng, "vol", img, "/none", &err), 0);
	ck_assert_int_eq(eng_volume_fill(&eng, "vol", img, "/data/file", &err), 0);
	ck_assert_int_eq(unit_entries(tmp.fd, "root/volumes/vol/_data"), 0);
	/* a copy that was cut off is begun anew */
	ck_assert_int_eq(mkdirat(tmp.fd, "root/volumes/vol/_filling", 0700), 0);
	unit_write_str(tmp.fd, "root/volumes/vol/_filling/half", "");
	ck_assert_msg(eng_volume_fill(&eng, "vol", img, "/data", &err) == 0, "%s", err.msg);
	dir = openat(tmp.fd, "root/volumes/vol/_data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(!unit_exists(dir, "half"));
	ck_assert(unit_has_text(dir, "file", "text"));
	ck_assert_int_eq(fstat(dir, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 01777);
	ck_assert_int_eq(fstatat(dir, "file", &sb, 0), 0);
	ck_assert_int_eq(fstatat(dir, "sub/again", &other, 0), 0);
	ck_assert_uint_eq(sb.st_ino, other.st_ino);
	ck_assert_uint_eq(sb.st_mode & 07777, 04750);
	if (getuid() == 0)
		ck_assert(sb.st_uid == 33 && sb.st_gid == 44);
	ck_assert_int_eq(fstatat(dir, "link", &sb, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISLNK(sb.st_mode));
	ck_assert_int_eq(fstatat(dir, "fifo", &sb, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISFIFO(sb.st_mode));
	ck_assert(!unit_exists(tmp.fd, "root/volumes/vol/_filling"));
	ck_assert(!unit_exists(tmp.fd, "root/volumes/vol/_filled"));
	/* what is not empty is left alone */
	unit_write_str(dir, "file", "mine");
	ck_assert_int_eq(eng_volume_fill(&eng, "vol", img, "/data", &err), 0);
	ck_assert(unit_has_text(dir, "file", "mine"));
	close(dir);
	close(img);
	teardown();
}
END_TEST

/* What a copy that was cut off left does not outlive the next use, whatever that is, and takes
 * nothing with it. */
START_TEST(test_settle)
{
	int img;

	setup();
	make_tree();
	create("vol");
	img = openat(tmp.fd, "img", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(mkdirat(tmp.fd, "root/volumes/vol/_filling", 0700), 0);
		unit_write_str(tmp.fd, "root/volumes/vol/_filling/half", "");
		ck_assert_int_eq(i ? eng_volume_settle(&eng, "vol", &err)
				   : eng_volume_fill(&eng, "vol", img, "/none", &err),
				 0);
		ck_assert(!unit_exists(tmp.fd, "root/volumes/vol/_filling"));
		ck_assert_int_eq(unit_entries(tmp.fd, "root/volumes/vol/_data"), 0);
	}
	/* a whole one is moved in, beside what another has written by then */
	ck_assert_int_eq(mkdirat(tmp.fd, "root/volumes/vol/_filled", 0750), 0);
	unit_write_str(tmp.fd, "root/volumes/vol/_filled/mine", "image");
	unit_write_str(tmp.fd, "root/volumes/vol/_filled/more", "image");
	unit_write_str(tmp.fd, "root/volumes/vol/_data/mine", "text");
	ck_assert_int_eq(eng_volume_settle(&eng, "vol", &err), 0);
	ck_assert(!unit_exists(tmp.fd, "root/volumes/vol/_filled"));
	ck_assert(unit_has_text(tmp.fd, "root/volumes/vol/_data/mine", "text"));
	ck_assert(unit_has_text(tmp.fd, "root/volumes/vol/_data/more", "image"));
	ck_assert_int_eq(unlinkat(tmp.fd, "root/volumes/vol/_data/more", 0), 0);
	unit_write_str(tmp.fd, "root/volumes/vol/_data/mine", "text");
	ck_assert_int_eq(eng_volume_settle(&eng, "vol", &err), 0);
	ck_assert_int_eq(eng_volume_fill(&eng, "vol", img, "/data", &err), 0);
	ck_assert_int_eq(unit_entries(tmp.fd, "root/volumes/vol/_data"), 1);
	ck_assert_int_eq(eng_volume_settle(&eng, "other", &err), -ENOENT);
	close(img);
	teardown();
}
END_TEST

START_TEST(test_parse)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"name\":1}",
					   "{\"name\":\"a\",\"labels\":1}" };
	struct eng_volume v = ENG_VOLUME_INIT;

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		err = CS_ERR_INIT;
		ck_assert_int_eq(eng_volume_parse(bad[i], strlen(bad[i]), &v, &err), -EINVAL);
	}
}
END_TEST

UNIT_MAIN("engine/volume", test_create, test_options, test_remove, test_fill, test_settle,
	  test_parse)
