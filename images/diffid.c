#include "images/diffid.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/inflate.h"
#include "images/layer.h"

enum { CHUNK = 1 << 18 };

int img_diffid_known(int root, const struct img_digest *diff_id, const struct img_digest *blob,
		     struct cs_err *err)
{
	struct img_layer_info info;
	int ret = img_layer_have(root, diff_id, err);

	if (ret <= 0)
		return ret;
	ret = img_layer_info_read(root, diff_id, &info, err);
	return ret < 0 ? ret : img_digest_equal(&info.blob, blob);
}

static int take(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	(void)err;
	img_sha_update(ctx, buf, len);
	return 0;
}

static int inflate_all(int fd, struct img_inflate *z, struct cs_err *err)
{
	cs_auto_free char *buf = malloc(CHUNK);
	off_t at = 0;

	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (;;) {
		ssize_t n = pread(fd, buf, CHUNK, at);
		int ret;

		if (n < 0)
			return cs_err_sys(err, "read a layer's blob");
		if (n == 0)
			return img_inflate_end(z, err);
		ret = img_inflate_write(z, buf, (size_t)n, err);
		if (ret < 0)
			return ret;
		at += n;
	}
}

int img_diffid_check(int fd, const struct img_digest *diff_id, struct cs_err *err)
{
	const struct img_inflate_opts o = { 0 };
	struct img_sha sha = IMG_SHA_INIT;
	struct img_inflate *z = NULL;
	struct img_digest is;
	int ret = img_sha_init(&sha, err);

	if (ret == 0)
		ret = img_inflate_new(&o, take, &sha, &z, err);
	if (ret == 0)
		ret = inflate_all(fd, z, err);
	img_inflate_free(z);
	if (ret == 0)
		ret = img_sha_done(&sha, &is, err);
	if (ret == 0 && !img_digest_equal(&is, diff_id))
		ret = cs_err_set(err, EBADMSG,
				 "the layer is not the image's: its diffID is sha256:%s, not "
				 "sha256:%s",
				 is.hex, diff_id->hex);
	return ret;
}
