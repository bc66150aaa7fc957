#include "images/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

/* "sha512:..." and others that may stand in a descriptor: known, but not to us. */
static bool other_algorithm(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+._-");

	return n > 0 && text[n] == ':' && text[n + 1] && !cs_str_starts(text, "sha256:");
}

int img_digest_parse(const char *text, const char *what, struct img_digest *out, struct cs_err *err)
{
	char shown[81];

	snprintf(shown, sizeof(shown), "%s", text);
	cs_str_plain(shown);
	if (other_algorithm(text))
		return cs_err_set(err, ENOTSUP,
				  "%s: digest \"%s\" is not a sha256, the only kind "
				  "that is supported",
				  what, shown);
	if (!cs_str_starts(text, "sha256:") || !is_hex(text + 7, IMG_SHA_HEX))
		return cs_err_set(err, EINVAL,
				  "%s: \"%s\" is not a digest (\"sha256:\" and 64 of 0-9a-f)", what,
				  shown);
	memcpy(out->hex, text + 7, sizeof(out->hex));
	return 0;
}

void img_digest_text(const struct img_digest *d, char out[IMG_DIGEST_SIZE])
{
	memcpy(out, "sha256:", 7);
	memcpy(out + 7, d->hex, IMG_SHA_HEX);
	out[IMG_DIGEST_LEN] = '\0';
}

bool img_digest_equal(const struct img_digest *a, const struct img_digest *b)
{
	return a->hex[0] && memcmp(a->hex, b->hex, IMG_SHA_HEX) == 0;
}

/*
 * The old interface of libcrypto on purpose: of the static library it takes along the hash alone,
 * where EVP takes along all of it, a millisecond of every command that makes a digest.
 */
int img_sha_init(struct img_sha *s, struct cs_err *err)
{
	*s = IMG_SHA_INIT;
	if (SHA256_Init(&s->ctx) != 1)
		return cs_err_set(err, EIO, "begin a sha256: libcrypto refuses");
	return 0;
}

void img_sha_update(struct img_sha *s, const void *buf, size_t len)
{
	if (SHA256_Update(&s->ctx, buf, len) != 1)
		s->failed = true;
	s->size += len;
}

int img_sha_done(struct img_sha *s, struct img_digest *out, struct cs_err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[IMG_SHA_SIZE];

	if (SHA256_Final(raw, &s->ctx) != 1 || s->failed)
		return cs_err_set(err, EIO, "end a sha256: libcrypto failed");
	for (size_t i = 0; i < IMG_SHA_SIZE; i++) {
		out->hex[2 * i] = digits[raw[i] >> 4];
		out->hex[2 * i + 1] = digits[raw[i] & 15];
	}
	out->hex[IMG_SHA_HEX] = '\0';
	return 0;
}

int img_sha_buf(const void *buf, size_t len, struct img_digest *out, struct cs_err *err)
{
	struct img_sha s = IMG_SHA_INIT;
	int ret = img_sha_init(&s, err);

	if (ret < 0)
		return ret;
	img_sha_update(&s, buf, len);
	return img_sha_done(&s, out, err);
}
