/* config.json: whatever is accepted keeps what runtime/spec.h promises, so that the code behind it,
 * which acts on it as root, need not check again. */
#include <linux/mount.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void check_strv(const char *const *v, size_t n)
{
	need(v != NULL);
	for (size_t i = 0; i < n; i++)
		need(v[i] != NULL);
	need(!v[n]);
}

static void check_maps(const struct ctr_idmaps *maps)
{
	need(maps->n <= CTR_SPEC_MAX_IDMAPS);
	for (size_t i = 0; i < maps->n; i++) {
		const struct ctr_idmap *m = &maps->v[i];

		need(m->size > 0);
		need((uint64_t)m->container_id + m->size <= UINT32_MAX);
		need((uint64_t)m->host_id + m->size <= UINT32_MAX);
	}
}

static void check_process(const struct ctr_process *p)
{
	need(p->n_args > 0);
	check_strv(p->args, p->n_args);
	check_strv(p->env, p->n_env);
	for (size_t i = 0; i < p->n_env; i++)
		need(strcspn(p->env[i], "=") > 0 && strchr(p->env[i], '='));
	need(p->cwd[0] == '/');
	need(p->user.uid != UINT32_MAX && p->user.gid != UINT32_MAX);
	for (size_t i = 0; i < p->user.n_additional_gids; i++)
		need(p->user.additional_gids[i] != UINT32_MAX);
	need(!(p->user.umask & ~(mode_t)0777));
	need(!(p->caps.effective & ~p->caps.permitted));
	for (size_t i = 0; i < p->n_rlimits; i++)
		need(p->rlimits[i].name && p->rlimits[i].soft <= p->rlimits[i].hard);
	need(p->oom_score_adj >= -1000 && p->oom_score_adj <= 1000);
	if (p->affinity_final)
		need(!p->affinity_final[strspn(p->affinity_final, "0123456789,-")]);
}

static void check_mount(const struct ctr_spec *s, const struct ctr_mount *m)
{
	const uint64_t atime[] = { m->opt.attr_clr & MOUNT_ATTR__ATIME,
				   m->opt.rec_attr_clr & MOUNT_ATTR__ATIME };

	need(m->destination[0] == '/');
	need(m->type || m->opt.bind || m->opt.remount);
	need(!m->opt.bind || (m->source && !m->opt.data));
	need(!m->opt.idmap || (m->opt.bind && (m->uid_maps.n || s->ns[CTR_NS_USER].present)));
	need(!m->uid_maps.n == !m->gid_maps.n);
	need(m->opt.idmap || !m->uid_maps.n);
	check_maps(&m->uid_maps);
	check_maps(&m->gid_maps);
	for (size_t i = 0; i < 2; i++)
		need(atime[i] == 0 || atime[i] == MOUNT_ATTR__ATIME);
	need((m->opt.attr_set & m->opt.attr_clr & ~(uint64_t)MOUNT_ATTR__ATIME) == 0);
	need(!m->opt.data || m->opt.data[0][0]);
}

static void check_seccomp(const struct ctr_seccomp *sc)
{
	need(!sc->uses_notify || sc->listener_path);
	for (size_t i = 0; i < sc->n_rules; i++) {
		need(sc->rules[i].n_names > 0);
		check_strv(sc->rules[i].names, sc->rules[i].n_names);
		for (size_t j = 0; j < sc->rules[i].n_args; j++)
			need(sc->rules[i].args[j].index <= 5 && sc->rules[i].args[j].op != 0);
	}
	for (size_t i = 0; i < sc->n_archs; i++)
		need(sc->archs[i] != 0);
}

static void check_linux(const struct ctr_spec *s)
{
	check_maps(&s->uid_maps);
	check_maps(&s->gid_maps);
	need(!s->uid_maps.n == !s->gid_maps.n);
	need(!s->uid_maps.n || s->ns[CTR_NS_USER].present);
	need(s->uid_maps.n || !ctr_spec_new_userns(s));
	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		need(!s->ns[i].path || (s->ns[i].present && s->ns[i].path[0] == '/'));
	for (size_t i = 0; i < s->n_devices; i++) {
		need(s->devices[i].path[0] == '/' && strchr("bcp", s->devices[i].type));
		need(!(s->devices[i].mode & ~(mode_t)07777));
	}
	for (size_t i = 0; i < s->n_net_devices; i++)
		need(strlen(s->net_devices[i].name) < 16 && !strchr(s->net_devices[i].name, '/'));
	for (size_t i = 0; s->masked_paths && s->masked_paths[i]; i++)
		need(s->masked_paths[i][0] == '/');
	for (size_t i = 0; i < s->n_sysctl; i++)
		need(s->sysctl[i].key[0] && s->sysctl[i].value);
	need(s->memory_policy.max_node <= CTR_SPEC_MAX_NODE + 1);
	check_seccomp(&s->seccomp);
}

static void check(const struct ctr_spec *s)
{
	need(strncmp(s->oci_version, "1.", 2) == 0);
	need(s->root_path[0]);
	need((!s->hostname && !s->domainname) || s->ns[CTR_NS_UTS].present);
	if (s->process.present)
		check_process(&s->process);
	for (size_t i = 0; i < s->n_mounts; i++)
		check_mount(s, &s->mounts[i]);
	for (size_t i = 0; i < CTR_HOOK_COUNT; i++) {
		for (size_t j = 0; j < s->hooks[i].n; j++)
			need(s->hooks[i].v[j].path[0] == '/' && s->hooks[i].v[j].timeout_s >= 0);
	}
	for (size_t i = 0; i < s->n_annotations; i++)
		need(ctr_spec_annotation(s, s->annotations[i].key) == s->annotations[i].value);
	need(!s->vm.present || s->vm.kernel_path[0] == '/');
	check_linux(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ctr_spec empty;
	struct cs_err err = CS_ERR_INIT;
	struct ctr_spec spec = empty;
	int rc;

	cs_log_setup(2, CS_LOG_TEXT, CS_LOG_ERROR, "fuzz_spec"); /* no warnings */
	rc = ctr_spec_parse((const char *)data, size, &spec, &err);
	need(rc == -err.code);
	if (rc == 0) {
		check(&spec);
	} else {
		need(err.msg[0] && !strchr(err.msg, '\n'));
		need(!spec.doc.arena && !spec.oci_version && !spec.n_mounts);
	}
	ctr_spec_fini(&spec);
	return 0;
}
