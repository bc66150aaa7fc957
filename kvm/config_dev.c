#include "kvm/config_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "kvm/config.h"

enum {
	ID_MAX = 32,
	SERIAL_MAX = 20,
	TAG_MAX = 36,
	QUEUES_MAX = 8,
	MTU_MIN = 68,
	MTU_MAX = 65535,
};

#define CID_MIN 3U
#define CID_MAX 0xfffffffeU

static int parse_rate(const struct cs_json *obj, const char *key, struct vm_rate *out,
		      struct cs_err *err)
{
	static const char *const keys[] = { "per_second", "burst" };
	const struct cs_json *r = NULL;
	int rc = cs_json_obj(obj, key, &r, err);

	if (rc <= 0)
		return rc;
	rc = vm_config_keys(r, keys, CS_LEN(keys), err);
	if (rc == 0)
		rc = cs_json_u64(r, "per_second", &out->per_second, err);
	if (rc >= 0)
		rc = cs_json_u64(r, "burst", &out->burst, err);
	if (rc >= 0 &&
	    (out->per_second == 0 || out->per_second > INT64_MAX || out->burst > INT64_MAX))
		return cs_json_err(r, err, EINVAL, "per_second must be at least 1");
	if (rc >= 0 && out->burst == 0)
		out->burst = out->per_second;
	return rc < 0 ? rc : 0;
}

/* A text of 1 to @max bytes, without control characters. */
static int parse_text(const struct cs_json *obj, const char *key, size_t max, const char **out,
		      struct cs_err *err)
{
	int rc = cs_json_str(obj, key, out, err);

	if (rc <= 0)
		return rc;
	if ((*out)[0] == '\0' || strlen(*out) > max)
		return cs_json_err(cs_json_get(obj, key), err, EINVAL, "must be 1 to %zu bytes",
				   max);
	for (const char *p = *out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return cs_json_err(cs_json_get(obj, key), err, EINVAL,
					   "has a control character");
	return 1;
}

static int parse_blk(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type",   "id",	"fd",	      "readonly",
					    "serial", "queues", "bytes_rate", "ops_rate" };
	struct vm_blk_config *b = &d->blk;
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	b->queues = 1;
	if (rc == 0)
		rc = vm_config_fd(obj, "fd", true, &b->fd, err);
	if (rc >= 0)
		rc = cs_json_bool(obj, "readonly", &b->readonly, err);
	if (rc >= 0)
		rc = parse_text(obj, "serial", SERIAL_MAX, &b->serial, err);
	if (rc >= 0)
		rc = vm_config_u32(obj, "queues", 1, QUEUES_MAX, &b->queues, err);
	if (rc >= 0)
		rc = parse_rate(obj, "bytes_rate", &b->bytes, err);
	if (rc >= 0)
		rc = parse_rate(obj, "ops_rate", &b->ops, err);
	return rc;
}

static int parse_pmem(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id", "fd", "readonly" };
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	d->pmem.readonly = true;
	if (rc == 0)
		rc = vm_config_fd(obj, "fd", true, &d->pmem.fd, err);
	if (rc >= 0)
		rc = cs_json_bool(obj, "readonly", &d->pmem.readonly, err);
	return rc;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Six bytes in hexadecimal with colons; not all zero, not of a group. */
static int parse_mac(const struct cs_json *obj, uint8_t mac[6], struct cs_err *err)
{
	const char *s = NULL;
	uint8_t m[6], any = 0;
	int rc = cs_json_str(obj, "mac", &s, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_json_err(obj, err, EINVAL, "\"mac\" is missing");
	for (size_t i = 0; i < 6 && strlen(s) == 17; i++) {
		const int hi = hex_digit(s[3 * i]), lo = hex_digit(s[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && s[3 * i + 2] != ':')) {
			any = 0;
			break;
		}
		m[i] = (uint8_t)(hi << 4 | lo);
		any |= m[i];
	}
	if (!any || (m[0] & 1))
		return cs_json_err(cs_json_get(obj, "mac"), err, EINVAL,
				   "is no address of one interface");
	memcpy(mac, m, sizeof(m));
	return 1;
}

static int parse_net(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type",	     "id",	     "fd",
					    "mac",	     "mtu",	     "vhost",
					    "rx_bytes_rate", "tx_bytes_rate" };
	struct vm_net_config *n = &d->net;
	uint32_t mtu = 0;
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	if (rc == 0)
		rc = vm_config_fd(obj, "fd", true, &n->fd, err);
	if (rc >= 0)
		rc = parse_mac(obj, n->mac, err);
	if (rc >= 0)
		rc = vm_config_u32(obj, "mtu", MTU_MIN, MTU_MAX, &mtu, err);
	n->mtu = (uint16_t)mtu;
	if (rc >= 0)
		rc = vm_config_fd(obj, "vhost", false, &n->vhost_fd, err);
	if (rc >= 0)
		rc = parse_rate(obj, "rx_bytes_rate", &n->rx_bytes, err);
	if (rc >= 0)
		rc = parse_rate(obj, "tx_bytes_rate", &n->tx_bytes, err);
	return rc;
}

static int parse_vsock(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id", "fd", "cid" };
	uint32_t cid = CID_MIN;
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	if (rc == 0)
		rc = vm_config_fd(obj, "fd", true, &d->vsock.fd, err);
	if (rc >= 0)
		rc = vm_config_u32(obj, "cid", CID_MIN, CID_MAX, &cid, err);
	d->vsock.cid = cid;
	return rc;
}

static int parse_fs(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id", "root", "tag", "readonly" };
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	d->fs.server_fd = -EBADF;
	if (rc == 0)
		rc = vm_config_fd(obj, "root", true, &d->fs.root_fd, err);
	if (rc >= 0)
		rc = parse_text(obj, "tag", TAG_MAX, &d->fs.tag, err);
	if (rc == 0)
		return cs_json_err(obj, err, EINVAL, "\"tag\" is missing");
	if (rc >= 0)
		rc = cs_json_bool(obj, "readonly", &d->fs.readonly, err);
	return rc;
}

static int parse_console(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id", "in", "out" };
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	if (rc == 0)
		rc = vm_config_fd(obj, "in", false, &d->console.in_fd, err);
	if (rc >= 0)
		rc = vm_config_fd(obj, "out", false, &d->console.out_fd, err);
	return rc;
}

static int parse_rng(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id" };

	(void)d;
	return vm_config_keys(obj, keys, CS_LEN(keys), err);
}

static int parse_balloon(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err)
{
	static const char *const keys[] = { "type", "id", "free_page_reporting", "deflate_on_oom",
					    "pages" };
	struct vm_balloon_config *b = &d->balloon;
	int rc = vm_config_keys(obj, keys, CS_LEN(keys), err);

	b->reporting = b->deflate_on_oom = true;
	if (rc == 0)
		rc = cs_json_bool(obj, "free_page_reporting", &b->reporting, err);
	if (rc >= 0)
		rc = cs_json_bool(obj, "deflate_on_oom", &b->deflate_on_oom, err);
	if (rc >= 0)
		rc = vm_config_u32(obj, "pages", 0, UINT32_MAX, &b->pages, err);
	return rc;
}

static const struct {
	const char *name;
	int (*parse)(const struct cs_json *obj, struct vm_dev_config *d, struct cs_err *err);
} types[VM_DEV_TYPES] = {
	[VM_DEV_BLK] = { "blk", parse_blk }, [VM_DEV_PMEM] = { "pmem", parse_pmem },
	[VM_DEV_NET] = { "net", parse_net }, [VM_DEV_VSOCK] = { "vsock", parse_vsock },
	[VM_DEV_FS] = { "fs", parse_fs },    [VM_DEV_CONSOLE] = { "console", parse_console },
	[VM_DEV_RNG] = { "rng", parse_rng }, [VM_DEV_BALLOON] = { "balloon", parse_balloon },
};

const char *vm_dev_type_name(enum vm_dev_type t)
{
	return types[t].name;
}

static int find_type(const struct cs_json *obj, enum vm_dev_type *out, struct cs_err *err)
{
	const char *name = NULL;
	int rc = cs_json_str(obj, "type", &name, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_json_err(obj, err, EINVAL, "\"type\" is missing");
	for (size_t i = 0; i < CS_LEN(types); i++) {
		if (strcmp(types[i].name, name) == 0) {
			*out = (enum vm_dev_type)i;
			return 0;
		}
	}
	return cs_json_err(cs_json_get(obj, "type"), err, EINVAL, "there is no such device");
}

int vm_config_dev(const struct cs_json *obj, struct vm_config *c, struct cs_err *err)
{
	struct vm_dev_config *d = &c->dev[c->n_devs];
	int rc;

	if (obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	*d = (struct vm_dev_config){ 0 };
	rc = find_type(obj, &d->type, err);
	if (rc == 0)
		rc = parse_text(obj, "id", ID_MAX, &d->id, err);
	if (rc >= 0)
		rc = types[d->type].parse(obj, d, err);
	if (rc >= 0 && d->type == VM_DEV_FS)
		c->shared = true;
	return rc < 0 ? rc : 0;
}

int vm_config_ids(const struct cs_json_doc *doc, struct vm_config *c, struct cs_err *err)
{
	uint32_t count[VM_DEV_TYPES] = { 0 };

	for (uint32_t i = 0; i < c->n_devs; i++) {
		struct vm_dev_config *d = &c->dev[i];
		char *id;

		count[d->type]++;
		if (d->id)
			continue;
		id = cs_json_alloc(doc, 1, ID_MAX);
		if (!id)
			return cs_err_set(err, ENOMEM, "out of memory");
		snprintf(id, ID_MAX, "%s%u", types[d->type].name, count[d->type] - 1);
		d->id = id;
	}
	for (uint32_t i = 0; i < c->n_devs; i++)
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(c->dev[i].id, c->dev[j].id) == 0)
				return cs_err_set(err, EINVAL,
						  "config: devices: two have the id %s",
						  c->dev[i].id);
	return 0;
}
