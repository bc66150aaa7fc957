#include "cgroups/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

/*
 * On cgroup v2 a small eBPF program decides each access (cgroup-v2.rst, Device controller). The
 * kernel runs it with a struct bpf_cgroup_dev_ctx; 0 is EPERM, 1 lets it pass. Registers:
 *
 *   r1 the context      r3 the access bits that no rule has decided yet
 *   r2 the type         r4, r5 major and minor
 *
 * The last rule that matches decides, bit by bit: the rules are gone through from the last to the
 * first, an allowing one takes its bits off r3, a denying one ends it if r3 has one of its bits.
 */

enum {
	R_CTX = BPF_REG_1,
	R_TYPE = BPF_REG_2,
	R_LEFT = BPF_REG_3,
	R_MAJOR = BPF_REG_4,
	R_MINOR = BPF_REG_5,
	INSNS_FIXED = 8,
	INSNS_RULE = 8, /* at most */
	PROGS_MAX = 64, /* the kernel's own limit a cgroup */
};

struct prog {
	struct bpf_insn *v; /* owned */
	size_t n;
};

static void emit(struct prog *p, int code, int dst, int src, int off, int32_t imm)
{
	p->v[p->n++] = (struct bpf_insn){ .code = (uint8_t)code,
					  .dst_reg = (uint8_t)(dst & 0xf),
					  .src_reg = (uint8_t)(src & 0xf),
					  .off = (int16_t)off,
					  .imm = imm };
}

static void emit_load(struct prog *p, int dst, size_t off)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, dst, R_CTX, (int)off, 0);
}

static void emit_alu(struct prog *p, int op, int dst, int32_t imm)
{
	emit(p, BPF_ALU | op | BPF_K, dst, 0, 0, imm);
}

static void emit_return(struct prog *p, bool allow)
{
	emit_alu(p, BPF_MOV, BPF_REG_0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Jumps to the end of the rule unless @reg is @imm; where that is, fix_jumps() fills in. */
static void emit_match(struct prog *p, int reg, int64_t imm)
{
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, -1, (int32_t)(uint32_t)imm);
}

static void fix_jumps(struct prog *p, size_t start)
{
	for (size_t i = start; i < p->n; i++)
		if (p->v[i].off == -1)
			p->v[i].off = (int16_t)(p->n - i - 1);
}

static void emit_rule(struct prog *p, const struct cg_devrule *r)
{
	size_t start = p->n;

	emit_match(p, R_TYPE, r->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (r->major >= 0)
		emit_match(p, R_MAJOR, r->major);
	if (r->minor >= 0)
		emit_match(p, R_MINOR, r->minor);
	if (r->access != CG_DEV_ALL && r->allow) {
		emit_alu(p, BPF_AND, R_LEFT, ~(int32_t)r->access);
		emit_match(p, R_LEFT, 0);
	} else if (r->access != CG_DEV_ALL) {
		emit(p, BPF_JMP32 | BPF_JSET | BPF_K, R_LEFT, 0, 1, r->access);
		emit(p, BPF_JMP | BPF_JA, 0, 0, -1, 0);
	}
	emit_return(p, r->allow);
	fix_jumps(p, start);
}

int cg_devbpf_build(const struct cg_devset *set, struct bpf_insn **out, size_t *n,
		    struct cs_err *err)
{
	struct prog p = { .v = calloc(INSNS_FIXED + set->n * INSNS_RULE, sizeof(*p.v)) };

	if (!p.v)
		return cs_err_set(err, ENOMEM, "linux.resources.devices: out of memory");
	emit_load(&p, R_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(&p, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(&p, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(&p, BPF_ALU | BPF_MOV | BPF_X, R_LEFT, R_TYPE, 0, 0);
	emit_alu(&p, BPF_RSH, R_LEFT, 16);
	emit_alu(&p, BPF_AND, R_TYPE, 0xffff);
	for (size_t i = set->n; i-- > 0;)
		emit_rule(&p, &set->v[i]);
	emit_return(&p, set->allow);
	*out = p.v;
	*n = p.n;
	return 0;
}

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int load(const struct cg_devset *set, struct cs_err *err)
{
	cs_auto_free struct bpf_insn *insns = NULL;
	union bpf_attr attr = { 0 };
	size_t n = 0;
	int fd;
	int ret = cg_devbpf_build(set, &insns, &n, err);

	if (ret < 0)
		return ret;
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = ptr(insns);
	attr.insn_cnt = (uint32_t)n;
	attr.license = ptr(""); /* it calls no helper, which alone could want one */
	memcpy(attr.prog_name, "caisson_dev", sizeof("caisson_dev"));
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		return cs_err_sys(err, "linux.resources.devices: load the eBPF program (%zu rules)",
				  set->n);
	return fd;
}

/* The device programs attached to the cgroup itself. */
struct attached {
	uint32_t ids[PROGS_MAX];
	uint32_t n;
	uint32_t flags; /* how they were attached */
};

static int query(const struct cg *cg, struct attached *out, struct cs_err *err)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (uint32_t)cg->v2_dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = ptr(out->ids);
	attr.query.prog_cnt = PROGS_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attr) < 0)
		return cs_err_sys(err,
				  "linux.resources.devices: query the eBPF programs of cgroup "
				  "%s",
				  cg->path);
	out->n = attr.query.prog_cnt;
	out->flags = attr.query.attach_flags;
	return 0;
}

/* An fd of the program with @id; -ENOENT: gone meanwhile. */
static int prog_fd(uint32_t id)
{
	union bpf_attr attr = { 0 };
	int fd;

	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	return fd < 0 ? -errno : fd;
}

static int attach(const struct cg *cg, int prog, uint32_t flags, int replaced, struct cs_err *err)
{
	union bpf_attr attr = { 0 };

	attr.target_fd = (uint32_t)cg->v2_dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = flags;
	if (flags & BPF_F_REPLACE)
		attr.replace_bpf_fd = (uint32_t)replaced;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return cs_err_sys(err,
				  "linux.resources.devices: attach the eBPF program to cgroup "
				  "%s",
				  cg->path);
	return 0;
}

static int detach_all(const struct cg *cg, const struct attached *old, struct cs_err *err)
{
	for (uint32_t i = 0; i < old->n; i++) {
		cs_auto_fd int fd = prog_fd(old->ids[i]);
		union bpf_attr attr = { 0 };

		if (fd == -ENOENT)
			continue;
		attr.target_fd = (uint32_t)cg->v2_dir;
		attr.attach_bpf_fd = (uint32_t)fd;
		attr.attach_type = BPF_CGROUP_DEVICE;
		if (fd < 0 || (sys_bpf(BPF_PROG_DETACH, &attr) < 0 && errno != ENOENT))
			return cs_err_errno(err, fd < 0 ? -fd : errno,
					    "linux.resources.devices: detach an eBPF program from "
					    "cgroup %s",
					    cg->path);
	}
	return 0;
}

/* One old program is replaced in one step. Several (each may only deny more) stay until the new one
 * is there too. Programs that were not attached for sharing are replaced by any that comes. */
static int replace(const struct cg *cg, int prog, const struct attached *old, struct cs_err *err)
{
	cs_auto_fd int first = -EBADF;
	int ret;

	if (old->n && !(old->flags & BPF_F_ALLOW_MULTI))
		return attach(cg, prog, old->flags, -1, err);
	if (old->n == 1)
		first = prog_fd(old->ids[0]);
	if (first >= 0)
		return attach(cg, prog, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, first, err);
	ret = attach(cg, prog, BPF_F_ALLOW_MULTI, -1, err);
	return ret < 0 ? ret : detach_all(cg, old, err);
}

int cg_devbpf_apply(const struct cg *cg, const struct cg_devset *set, struct cs_err *err)
{
	cs_auto_fd int prog = -EBADF;
	struct attached old = { .n = 0 };
	bool anything = set->allow && !set->n;
	int ret = 0;

	if (!cg->created[cg->host->v2])
		ret = query(cg, &old, err);
	if (ret < 0)
		return ret;
	if (anything)
		return detach_all(cg, &old, err);
	prog = load(set, err);
	return prog < 0 ? prog : replace(cg, prog, &old, err);
}
