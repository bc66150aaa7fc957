#include "cli/ctrinspect.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/ctrview.h"
#include "cli/timetext.h"
#include "engine/engine.h"
#include "netns/addr.h"
#include "netns/portspec.h"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void put_time(struct cs_jw *w, const char *key, int64_t ns)
{
	char text[CLI_TIME_TEXT];

	cli_time_text(ns, text);
	cs_jw_str(w, key, ns ? text : "0001-01-01T00:00:00Z");
}

static void put_strv(struct cs_jw *w, const char *key, const struct eng_strv *v)
{
	cs_jw_arr(w, key);
	for (size_t i = 0; i < v->n; i++)
		cs_jw_str(w, NULL, v->v[i]);
	cs_jw_arr_end(w);
}

/* "KEY=VALUE"s as an object. */
static void put_pairs(struct cs_jw *w, const char *key, const struct eng_strv *v)
{
	cs_jw_obj(w, key);
	for (size_t i = 0; i < v->n; i++) {
		const char *eq = strchr(v->v[i], '=');
		cs_auto_buf struct cs_buf k = CS_BUF_INIT;

		cs_buf_add_mem(&k, v->v[i], eq ? (size_t)(eq - v->v[i]) : strlen(v->v[i]));
		cs_jw_str(w, k.s ? k.s : "", eq ? eq + 1 : "");
	}
	cs_jw_obj_end(w);
}

/* What runs: the first word, and the others. */
static void put_command(struct cs_jw *w, const struct eng_record *r)
{
	const struct eng_strv *parts[] = { &r->entrypoint, &r->cmd };
	const char *path = "";
	bool first = true;

	for (size_t i = 0; i < CS_LEN(parts) && !*path; i++)
		if (parts[i]->n)
			path = parts[i]->v[0];
	cs_jw_str(w, "Path", path);
	cs_jw_arr(w, "Args");
	for (size_t i = 0; i < CS_LEN(parts); i++)
		for (size_t j = 0; j < parts[i]->n; j++) {
			if (!first)
				cs_jw_str(w, NULL, parts[i]->v[j]);
			first = false;
		}
	cs_jw_arr_end(w);
}

static void put_state(struct cs_jw *w, const struct eng_status *st)
{
	bool paused = st->state == ENG_PAUSED, restarting = st->state == ENG_RESTARTING;

	cs_jw_obj(w, "State");
	cs_jw_str(w, "Status", eng_state_name(st->state));
	cs_jw_bool(w, "Running", st->state == ENG_RUNNING || paused || restarting);
	cs_jw_bool(w, "Paused", paused);
	cs_jw_bool(w, "Restarting", restarting);
	cs_jw_bool(w, "OOMKilled", st->oom_killed);
	cs_jw_bool(w, "Dead", st->state == ENG_DEAD);
	cs_jw_i64(w, "Pid", st->pid);
	cs_jw_i64(w, "MonitorPid", st->monitor);
	cs_jw_i64(w, "ExitCode", st->exit_code);
	cs_jw_str(w, "Error", st->error);
	put_time(w, "StartedAt", st->started_ns);
	put_time(w, "FinishedAt", st->finished_ns);
	cs_jw_obj_end(w);
}

static void put_mounts(struct cs_jw *w, const struct eng_record *r, const char *root)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };

	cs_jw_arr(w, "Mounts");
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;

		cs_jw_obj(w, NULL);
		cs_jw_str(w, "Type", types[m->type]);
		if (m->type == ENG_MOUNT_VOLUME) {
			cs_jw_str(w, "Name", or_empty(m->source));
			cs_buf_addf(&b, "%s/volumes/%s/_data", root, or_empty(m->source));
			cs_jw_str(w, "Driver", "local");
		}
		cs_jw_str(w, "Source", b.s ? b.s : or_empty(m->source));
		cs_jw_str(w, "Destination", m->target);
		cs_jw_str(w, "Mode", or_empty(m->options));
		cs_jw_bool(w, "RW", !m->read_only);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

static void put_limits(struct cs_jw *w, const struct eng_record *r)
{
	cs_jw_i64(w, "Memory", r->memory);
	cs_jw_i64(w, "MemoryReservation", r->memory_reservation);
	cs_jw_i64(w, "MemorySwap", r->memory_swap);
	cs_jw_i64(w, "NanoCpus", r->nano_cpus);
	cs_jw_i64(w, "CpuPeriod", r->cpu_period);
	cs_jw_i64(w, "CpuQuota", r->cpu_quota);
	cs_jw_i64(w, "CpuShares", r->cpu_shares);
	cs_jw_str(w, "CpusetCpus", or_empty(r->cpuset_cpus));
	cs_jw_str(w, "CpusetMems", or_empty(r->cpuset_mems));
	cs_jw_i64(w, "PidsLimit", r->pids_limit);
	cs_jw_i64(w, "BlkioWeight", r->blkio_weight);
	cs_jw_i64(w, "OomScoreAdj", r->oom_score_adj);
	cs_jw_bool(w, "OomKillDisable", r->oom_kill_disable);
	cs_jw_i64(w, "ShmSize", r->shm_size ? r->shm_size : INT64_C(64) << 20);
	put_strv(w, "Ulimits", &r->ulimits);
}

static void put_host_config(struct cs_jw *w, const struct eng_record *r)
{
	cs_jw_obj(w, "HostConfig");
	cs_jw_str(w, "NetworkMode",
		  r->network_mode ? r->network_mode
		  : r->n_nets	  ? r->nets[0].network
				  : "none");
	cs_jw_bool(w, "AutoRemove", r->auto_remove);
	cs_jw_bool(w, "Privileged", r->privileged);
	cs_jw_bool(w, "ReadonlyRootfs", r->read_only);
	cs_jw_bool(w, "PublishAllPorts", r->publish_all);
	cs_jw_bool(w, "Init", r->init);
	cs_jw_obj(w, "RestartPolicy");
	cs_jw_str(w, "Name", r->restart ? r->restart : "no");
	cs_jw_i64(w, "MaximumRetryCount", r->restart_max);
	cs_jw_obj_end(w);
	cs_jw_obj(w, "LogConfig");
	cs_jw_str(w, "Type", r->log_driver ? r->log_driver : "json-file");
	put_pairs(w, "Config", &r->log_opt);
	cs_jw_obj_end(w);
	put_strv(w, "CapAdd", &r->cap_add);
	put_strv(w, "CapDrop", &r->cap_drop);
	put_strv(w, "SecurityOpt", &r->security_opt);
	put_strv(w, "Devices", &r->devices);
	put_strv(w, "Dns", &r->dns);
	put_strv(w, "DnsOptions", &r->dns_option);
	put_strv(w, "DnsSearch", &r->dns_search);
	put_strv(w, "ExtraHosts", &r->add_host);
	put_strv(w, "GroupAdd", &r->group_add);
	put_strv(w, "PortBindings", &r->ports);
	put_pairs(w, "Sysctls", &r->sysctl);
	cs_jw_str(w, "PidMode", or_empty(r->pid));
	cs_jw_str(w, "IpcMode", r->ipc ? r->ipc : "private");
	cs_jw_str(w, "UTSMode", or_empty(r->uts));
	cs_jw_str(w, "UsernsMode", or_empty(r->userns));
	cs_jw_str(w, "CgroupnsMode", r->cgroupns ? r->cgroupns : "private");
	cs_jw_str(w, "CgroupParent", or_empty(r->cgroup_parent));
	cs_jw_str(w, "Isolation", r->isolation);
	put_limits(w, r);
	cs_jw_obj_end(w);
}

static void put_config(struct cs_jw *w, const struct eng_record *r)
{
	char host[ENG_ID_SHORT + 1];

	snprintf(host, sizeof(host), "%.*s", ENG_ID_SHORT, r->id);
	cs_jw_obj(w, "Config");
	cs_jw_str(w, "Hostname", r->hostname ? r->hostname : host);
	cs_jw_str(w, "Domainname", or_empty(r->domainname));
	cs_jw_str(w, "User", or_empty(r->user));
	cs_jw_bool(w, "Tty", r->tty);
	cs_jw_bool(w, "OpenStdin", r->stdin_open);
	put_strv(w, "Env", &r->env);
	put_strv(w, "Cmd", &r->cmd);
	put_strv(w, "Entrypoint", &r->entrypoint);
	cs_jw_str(w, "Image", or_empty(r->image));
	cs_jw_str(w, "WorkingDir", or_empty(r->workdir));
	put_pairs(w, "Labels", &r->labels);
	put_pairs(w, "Annotations", &r->annotations);
	put_pairs(w, "ExposedPorts", &r->expose);
	cs_jw_str(w, "StopSignal", r->stop_signal ? r->stop_signal : "SIGTERM");
	cs_jw_i64(w, "StopTimeout",
		  r->stop_timeout_s == ENG_STOP_NEVER_KILL ? -1
		  : r->stop_timeout_s < 0		   ? 10
							   : r->stop_timeout_s);
	cs_jw_obj_end(w);
}

static void put_port(struct cs_jw *w, const struct net_port *p)
{
	char host[NET_ADDR_TEXT] = "0.0.0.0", key[32], port[8];

	if (p->host.family)
		net_addr_text(&p->host, host);
	for (unsigned int i = 0; i < p->count; i++) {
		snprintf(key, sizeof(key), "%u/%s", p->port + i, net_proto_name(p->proto));
		snprintf(port, sizeof(port), "%u", p->host_port + i);
		cs_jw_arr(w, key);
		cs_jw_obj(w, NULL);
		cs_jw_str(w, "HostIp", host);
		cs_jw_str(w, "HostPort", port);
		cs_jw_obj_end(w);
		cs_jw_arr_end(w);
	}
}

static void put_place(struct cs_jw *w, const char *key, const struct net_attachment *a)
{
	char text[NET_ADDR_TEXT], mac[NET_MAC_TEXT];

	if (key)
		cs_jw_obj(w, key);
	cs_jw_str(w, "IPAddress", a && a->ip4.addr.family ? net_addr_text(&a->ip4.addr, text) : "");
	cs_jw_i64(w, "IPPrefixLen", a ? a->ip4.len : 0);
	cs_jw_str(w, "Gateway", a && a->gateway4.family ? net_addr_text(&a->gateway4, text) : "");
	cs_jw_str(w, "GlobalIPv6Address",
		  a && a->ip6.addr.family ? net_addr_text(&a->ip6.addr, text) : "");
	cs_jw_i64(w, "GlobalIPv6PrefixLen", a ? a->ip6.len : 0);
	cs_jw_str(w, "IPv6Gateway",
		  a && a->gateway6.family ? net_addr_text(&a->gateway6, text) : "");
	cs_jw_str(w, "MacAddress", a ? net_mac_text(&a->mac, mac) : "");
	if (key)
		cs_jw_obj_end(w);
}

static void put_network_settings(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
				 const struct cli_call *call)
{
	const struct eng_record *r = &c->r;
	const struct net_attachment *first =
		r->n_nets ? cli_place_of(p, call, r->nets[0].network, r->id) : NULL;

	cs_jw_obj(w, "NetworkSettings");
	put_place(w, NULL, first);
	cs_jw_obj(w, "Ports");
	for (size_t i = 0; first && i < first->n_ports; i++)
		put_port(w, &first->ports[i]);
	cs_jw_obj_end(w);
	cs_jw_obj(w, "Networks");
	for (size_t i = 0; i < r->n_nets; i++)
		put_place(w, r->nets[i].network, cli_place_of(p, call, r->nets[i].network, r->id));
	cs_jw_obj_end(w);
	cs_jw_obj_end(w);
}

static void put_path(struct cs_jw *w, const char *key, const char *dir, const char *id,
		     const char *name)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_addf(&b, "%s/containers/%s/%s", dir, id, name);
	cs_jw_str(w, key, b.s ? b.s : "");
}

void cli_ctr_inspect(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
		     const struct cli_call *call)
{
	const struct eng_record *r = &c->r;

	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Id", r->id);
	put_time(w, "Created", r->created_ns);
	cs_jw_str(w, "Name", r->name);
	put_command(w, r);
	put_state(w, &c->st);
	cs_jw_str(w, "Image", or_empty(r->image_id));
	cs_jw_str(w, "ImageName", or_empty(r->image));
	cs_jw_str(w, "ImageDigest", or_empty(r->manifest));
	cs_jw_i64(w, "RestartCount", c->st.restarts);
	cs_jw_str(w, "Driver", "overlay");
	cs_jw_str(w, "Platform", "linux");
	cs_jw_str(w, "Isolation", r->isolation);
	put_path(w, "ResolvConfPath", call->dirs->state, r->id, "etc/resolv.conf");
	put_path(w, "HostnamePath", call->dirs->state, r->id, "etc/hostname");
	put_path(w, "HostsPath", call->dirs->state, r->id, "etc/hosts");
	put_path(w, "LogPath", call->dirs->root, r->id, "log");
	cs_jw_str(w, "PidFile", or_empty(r->pidfile));
	put_mounts(w, r, call->dirs->root);
	put_config(w, r);
	put_host_config(w, r);
	put_network_settings(w, c, p, call);
	if (c->sized)
		cs_jw_u64(w, "SizeRw", c->size);
	cs_jw_obj_end(w);
}
