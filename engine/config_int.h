#ifndef CS_ENGINE_CONFIG_INT_H
#define CS_ENGINE_CONFIG_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "engine/record.h"
#include "engine/user.h"

struct cs_arena;
struct cs_err;
struct eng;
struct eng_place;

/* What the files of eng_config_text() share; nobody else includes it. */

struct cfg_mount {
	const char *target, *type, *source;
	struct eng_strv options;
	unsigned int depth; /* components of @target */
};

struct cfg_device {
	const char *path; /* inside */
	char type;	  /* 'c', 'b' */
	uint32_t major, minor;
	bool has_mode, has_uid, has_gid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct cfg_rule {
	char type;	      /* 'a', 'c', 'b' */
	int64_t major, minor; /* -1: any */
	const char *access;   /* of "rwm" */
};

struct cfg_hook {
	const char *name; /* "createRuntime" */
	const char *path;
	struct eng_strv args, env;
	int64_t timeout_s; /* 0: none */
};

/* --security-opt, read */
struct cfg_security {
	bool no_new_privileges, seccomp_unconfined, no_masks;
	const char *seccomp_file; /* NULL: the default profile */
	const char *apparmor;	  /* NULL: none */
	bool apparmor_given;
	bool selinux; /* one of the next was given */
	const char *user, *role, *domain, *level;
	struct eng_strv mask, unmask;
};

struct cfg {
	const struct eng *e;
	const struct eng_record *r;
	const struct eng_place *p; /* NULL: only to be checked */
	struct cs_arena *a;	   /* owned */
	struct cs_jw w;		   /* owned */
	struct eng_user user;	   /* owned */
	uint64_t caps;
	struct eng_strv env;
	const char *hostname; /* NULL: the host's */
	struct cfg_security sec;
	bool new_userns;
	/* arrays in the arena */
	struct cfg_mount *mounts;
	size_t n_mounts;
	size_t n_views; /* of them: those of eng_cfg_views() */
	struct cfg_device *devices;
	size_t n_devices;
	struct cfg_rule *rules;
	size_t n_rules;
	struct cfg_hook *hooks;
	size_t n_hooks;
	struct eng_strv gids;	   /* more groups, as CDI wants them */
	struct eng_strv cdi_kinds; /* whose files' own edits were made */
};

/* Out of memory, for all of them. */
int eng_cfg_oom(struct cs_err *err) __attribute__((cold));
/* *@v with room for one more than @n elements of @size bytes, in the arena. */
int eng_cfg_grow(struct cfg *c, void **v, size_t n, size_t size, struct cs_err *err);

/* config_caps.c: c->caps */
int eng_cfg_caps(struct cfg *c, struct cs_err *err);
void eng_cfg_put_caps(struct cfg *c);

/* config_security.c: c->sec */
int eng_cfg_security(struct cfg *c, struct cs_err *err);
/* Masks the folders of the host that the glob(7) @pattern means, but for what is unmasked. */
int eng_cfg_mask_all(struct cfg *c, const char *pattern, struct cs_err *err);
void eng_cfg_put_paths(struct cfg *c);
int eng_cfg_put_labels(struct cfg *c, struct cs_err *err);
int eng_cfg_put_seccomp(struct cfg *c, struct cs_err *err);

/* config_process.c: c->env, the process */
int eng_cfg_env(struct cfg *c, struct cs_err *err);
int eng_cfg_put_process(struct cfg *c, struct cs_err *err);

/* config_mounts.c: c->mounts */
struct cfg_mount *eng_cfg_mount(struct cfg *c, const char *target, const char *type,
				const char *source, struct cs_err *err);
/* Options cut at commas. */
int eng_cfg_options(struct cfg *c, struct cfg_mount *m, const char *text, struct cs_err *err);
/* First the kernel's file systems, later all others, sorted. */
int eng_cfg_views(struct cfg *c, struct cs_err *err);
int eng_cfg_mounts(struct cfg *c, struct cs_err *err);
void eng_cfg_put_mounts(struct cfg *c);

/* config_ns.c */
bool eng_cfg_host_net(const struct eng_record *r);
/* Hostname and what depends on which namespaces are whose. */
int eng_cfg_names(struct cfg *c, struct cs_err *err);
int eng_cfg_put_ns(struct cfg *c, struct cs_err *err);
int eng_cfg_put_sysctl(struct cfg *c, struct cs_err *err);

/* config_devices.c: c->devices, c->rules */
int eng_cfg_devices(struct cfg *c, struct cs_err *err);
int eng_cfg_device(struct cfg *c, const struct cfg_device *d, const char *access,
		   struct cs_err *err);
void eng_cfg_put_devices(struct cfg *c);
void eng_cfg_put_rules(struct cfg *c);

/* config_resources.c: "resources", but for the devices' rules. Needs c->r, c->p and c->w alone. */
int eng_cfg_put_limits(struct cfg *c, struct cs_err *err);

/* config_vm.c: refuses, by the option's name, what a machine cannot have */
int eng_cfg_vm(const struct cfg *c, struct cs_err *err);

/* {"name": […]} of strings */
void eng_cfg_put_strv(struct cs_jw *w, const char *name, const struct eng_strv *v);

#endif
