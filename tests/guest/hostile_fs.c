/* Requests that no kernel would send, to the server of the machine's shared folder. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ids.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/guest/hostile.h"

enum { HEAD = sizeof(struct fuse_in_header), ANSWER = sizeof(struct fuse_out_header) };

static volatile unsigned char *dev;
static struct raw_queue q[2];
static const unsigned char *body; /* of the answer */

/* Asks; 0 or what went wrong, a negative errno. 1: no answer. */
static int ask(uint32_t op, uint64_t node, const void *in, size_t len, const char *names,
	       size_t names_len)
{
	struct fuse_in_header h = { .opcode = op, .nodeid = node, .unique = 7 };
	struct fuse_out_header out;

	h.len = (uint32_t)(sizeof(h) + len + names_len);
	memcpy(q[1].out, &h, sizeof(h));
	memcpy(q[1].out + HEAD, in, len);
	memcpy(q[1].out + HEAD + len, names, names_len);
	if (raw_do(dev, &q[1], h.len, RAW_BUF) < ANSWER)
		return 1;
	memcpy(&out, q[1].in, sizeof(out));
	body = q[1].in + ANSWER;
	return out.error;
}

#define NAMES(text) (text), sizeof(text)

/* A node by its name; 0: there is none. */
static uint64_t lookup(uint64_t parent, const char *name)
{
	struct fuse_entry_out e;

	if (ask(FUSE_LOOKUP, parent, "", 0, name, strlen(name) + 1) != 0)
		return 0;
	memcpy(&e, body, sizeof(e));
	return e.nodeid;
}

static int open_it(uint64_t node, uint32_t flags, uint64_t *fh)
{
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out;
	int ret = ask(FUSE_OPEN, node, &in, sizeof(in), "", 0);

	memcpy(&out, body, sizeof(out));
	*fh = out.fh;
	return ret;
}

static bool begin(void)
{
	struct fuse_init_in in = { .major = FUSE_KERNEL_VERSION,
				   .minor = FUSE_KERNEL_MINOR_VERSION };

	dev = raw_find(VIRTIO_ID_FS);
	return dev && raw_begin(dev, q, 2) == 0 && ask(FUSE_INIT, 0, &in, sizeof(in), "", 0) == 0;
}

/* Names that lead out of a folder. */
static void names(uint64_t volume)
{
	static const char *const bad[] = { "..",  ".",	       "../..", "/",   "/etc/passwd",
					   "a/b", "../secret", "./",	"../", "" };
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0644 };
	struct fuse_mkdir_in mkdir_in = { .mode = 0755 };
	struct fuse_rename_in rename_in = { .newdir = volume };
	struct fuse_link_in link_in = { .oldnodeid = lookup(volume, "out") };
	bool good = true, made = false;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const size_t len = strlen(bad[i]) + 1;
		char two[64] = "mine";

		memcpy(two + 5, bad[i], len);
		good = good && !lookup(FUSE_ROOT_ID, bad[i]) && !lookup(volume, bad[i]);
		made = made ||
		       ask(FUSE_CREATE, volume, &create, sizeof(create), bad[i], len) == 0 ||
		       ask(FUSE_MKDIR, volume, &mkdir_in, sizeof(mkdir_in), bad[i], len) == 0 ||
		       ask(FUSE_LINK, volume, &link_in, sizeof(link_in), bad[i], len) == 0 ||
		       ask(FUSE_RENAME, volume, &rename_in, sizeof(rename_in), two, 5 + len) == 0 ||
		       ask(FUSE_UNLINK, volume, "", 0, bad[i], len) == 0 ||
		       ask(FUSE_RMDIR, volume, "", 0, bad[i], len) == 0;
	}
	/* one that has no end */
	good = good && ask(FUSE_LOOKUP, volume, "", 0, "file", 4) != 0;
	say(good, "no name leads out of a folder");
	say(!made, "and none is made, moved or removed out of it");
}

static void nodes(void)
{
	const struct fuse_getattr_in in = { 0 };
	bool good = true;

	for (uint64_t i = 0; i < 64; i++) {
		const uint64_t forged[] = { 0, ~0ULL - i, 100000 + i, (i + 1) << 32 | i,
					    (uint64_t)draw() << 24 | draw() };

		for (size_t k = 0; k < sizeof(forged) / sizeof(forged[0]); k++)
			good = good && ask(FUSE_GETATTR, forged[k], &in, sizeof(in), "", 0) < 0;
	}
	say(good, "a node that was not handed out is none");
	good = true;
	for (uint64_t fh = 0; fh < 300; fh++) {
		const struct fuse_read_in read_in = { .fh = fh < 200 ? fh : (fh << 32) + fh,
						      .size = 64 };

		good = good && ask(FUSE_READ, 0, &read_in, sizeof(read_in), "", 0) < 0;
	}
	say(good, "nor is an open file");
}

/* Links, devices and pipes of the host's, as the volume has them: node by node, which a kernel that
 * follows links in the guest would not ask for. */
static void links(uint64_t volume, const char *secret)
{
	struct fuse_setattr_in attr = { .valid = FATTR_SIZE };
	struct fuse_setxattr_in xattr = { .size = 1 };
	const uint64_t out = lookup(volume, "out"), root = lookup(volume, "root");
	uint64_t fh;

	say(out && ask(FUSE_READLINK, out, "", 0, "", 0) == 0 &&
		    strcmp((const char *)body, secret) == 0,
	    "a link's text can be read");
	say(root && !lookup(root, "etc") && !lookup(root, "tmp") &&
		    open_it(out, O_RDONLY, &fh) < 0 && open_it(out, O_RDWR | O_TRUNC, &fh) < 0,
	    "but nobody follows it on the host");
	say(ask(FUSE_SETATTR, out, &attr, sizeof(attr), "", 0) < 0 &&
		    ask(FUSE_SETXATTR, out, &xattr, FUSE_COMPAT_SETXATTR_IN_SIZE,
			NAMES("user.x\0v")) < 0,
	    "nor changes what it names");
	say(open_it(lookup(volume, "null"), O_RDWR, &fh) < 0 &&
		    open_it(lookup(volume, "pipe"), O_RDWR, &fh) < 0,
	    "devices and pipes of the host are not opened");
}

static void make(uint64_t volume, uint64_t read_only)
{
	const struct fuse_mknod_in disk = { .mode = S_IFBLK | 0666, .rdev = 8 << 8 },
				   mem = { .mode = S_IFCHR | 0666, .rdev = 1 << 8 | 1 };
	const struct fuse_create_in create = { .flags = O_RDWR | O_CREAT, .mode = 04755 };
	const struct fuse_setattr_in attr = { .valid = FATTR_MODE, .mode = 0777 };
	uint64_t fh;

	say(ask(FUSE_MKNOD, volume, &disk, sizeof(disk), NAMES("disk")) == -EPERM &&
		    ask(FUSE_MKNOD, volume, &mem, sizeof(mem), NAMES("mem")) == -EPERM,
	    "none are made");
	say(read_only &&
		    ask(FUSE_CREATE, read_only, &create, sizeof(create), NAMES("new")) == -EROFS &&
		    open_it(lookup(read_only, "file"), O_WRONLY, &fh) == -EROFS &&
		    ask(FUSE_SETATTR, lookup(read_only, "file"), &attr, sizeof(attr), "", 0) ==
			    -EROFS &&
		    ask(FUSE_UNLINK, read_only, "", 0, NAMES("file")) == -EROFS,
	    "a read-only volume is so for a kernel, too");
	say(ask(FUSE_CREATE, volume, &create, sizeof(create), NAMES("mine")) == 0,
	    "a volume of its own it may write");
}

/* Nonsense of all kinds, and then it must still be there. */
static void nonsense(void)
{
	struct fuse_in_header h;
	bool good = true;

	for (int i = 0; i < 400 && good; i++) {
		for (size_t k = 0; k < 256; k++)
			q[1].out[k] = (unsigned char)draw();
		h = (struct fuse_in_header){ .len = draw() % 4 ? 40 + draw() % 216 : draw(),
					     .opcode = draw() % 60,
					     .nodeid = draw() % 40,
					     .uid = draw(),
					     .gid = draw() };
		if (h.opcode == FUSE_INIT || h.opcode == FUSE_DESTROY)
			continue;
		memcpy(q[1].out, &h, sizeof(h));
		if (raw_do(dev, &q[1], 256, draw() % 256) < 0)
			good = begin();
	}
	say(good && begin() && lookup(FUSE_ROOT_ID, "rootfs"),
	    "four hundred requests of nonsense, and it still answers");
}

void hostile_fs(const char *secret)
{
	struct fuse_forget_in forget = { .nlookup = ~0ULL };
	uint64_t volume, read_only;

	if (!begin()) {
		say(0, "begin with the shared folder");
		return;
	}
	volume = lookup(FUSE_ROOT_ID, "m0");
	for (char name[] = "m0"; name[1] <= '9' && !lookup(volume, "out"); name[1]++)
		volume = lookup(FUSE_ROOT_ID, name);
	read_only = volume;
	for (char name[] = "m0"; name[1] <= '9' && !lookup(read_only, "is-read-only"); name[1]++)
		read_only = lookup(FUSE_ROOT_ID, name);
	say(volume && read_only, "the volumes are there");
	nodes();
	make(volume, read_only);
	names(volume);
	links(volume, secret);
	memcpy(q[1].out + HEAD, &forget, sizeof(forget));
	ask(FUSE_FORGET, FUSE_ROOT_ID, &forget, sizeof(forget), "", 0);
	say(lookup(FUSE_ROOT_ID, "rootfs") != 0, "the folder itself is not forgotten");
	nonsense();
}
