#include "cli/volume.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/timetext.h"

int cli_vol_open(const struct cli_call *call, struct eng *e, struct cs_err *err)
{
	return eng_open(e, call->dirs->root, call->dirs->state, err);
}

/* "KEY=VALUE" strings as an object. */
static void put_pairs(struct cs_jw *w, const char *name, const struct eng_strv *v)
{
	cs_jw_obj(w, name);
	for (size_t i = 0; i < v->n; i++) {
		const char *equal = strchr(v->v[i], '=');
		char key[256];
		struct cs_err cut = CS_ERR_INIT;

		if (equal && cs_str_fmt(key, sizeof(key), &cut, "%.*s", (int)(equal - v->v[i]),
					v->v[i]) == 0)
			cs_jw_str(w, key, equal + 1);
	}
	cs_jw_obj_end(w);
}

int cli_vol_view(struct cs_jw *w, const struct eng *e, const struct eng_volume *v,
		 struct cs_err *err)
{
	char path[PATH_MAX], time[CLI_TIME_TEXT];
	int ret = eng_volume_path(e, v->name, path, sizeof(path), err);

	if (ret < 0)
		return ret;
	cli_time_text(v->created_ns, time);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Name", v->name);
	cs_jw_str(w, "Driver", "local");
	cs_jw_str(w, "Mountpoint", path);
	cs_jw_str(w, "CreatedAt", time);
	put_pairs(w, "Labels", &v->labels);
	put_pairs(w, "Options", &v->options);
	cs_jw_str(w, "Scope", "local");
	cs_jw_bool(w, "Anonymous", v->anonymous);
	cs_jw_obj_end(w);
	return 0;
}

int cli_vol_filter_check(const struct cli_strv *given, bool prune, struct cs_err *err)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *f = given->v[i];

		if ((cs_str_starts(f, "label=") && f[6]) || (cs_str_starts(f, "label!=") && f[7]))
			continue;
		if (!prune && (cs_str_starts(f, "name=") || cs_str_starts(f, "driver=") ||
			       strcmp(f, "dangling=true") == 0 || strcmp(f, "dangling=1") == 0 ||
			       strcmp(f, "dangling=false") == 0 || strcmp(f, "dangling=0") == 0))
			continue;
		return cs_err_set(err, EINVAL,
				  "option --filter: \"%.60s\" is not %slabel= or label!=", f,
				  prune ? "" : "dangling=true, dangling=false, name=, driver=, ");
	}
	return 0;
}

static bool has_label(const struct eng_volume *v, const char *label)
{
	size_t n = strcspn(label, "=");

	for (size_t i = 0; i < v->labels.n; i++) {
		const char *l = v->labels.v[i];

		if (strncmp(l, label, n) == 0 && l[n] == '=' &&
		    (!label[n] || strcmp(l + n, label + n) == 0))
			return true;
	}
	return false;
}

bool cli_vol_filter(const struct cli_vol_filter *f, const struct eng_volume *v)
{
	bool names = false, named = false;

	for (size_t i = 0; i < f->given->n; i++) {
		const char *g = f->given->v[i];
		bool pass = true;

		if (cs_str_starts(g, "label="))
			pass = has_label(v, g + 6);
		else if (cs_str_starts(g, "label!="))
			pass = !has_label(v, g + 7);
		else if (cs_str_starts(g, "driver="))
			pass = strcmp(g + 7, "local") == 0;
		else if (cs_str_starts(g, "dangling="))
			pass = !eng_volume_user(f->uses, v->name, NULL) ==
			       (g[9] == 't' || g[9] == '1');
		else if (cs_str_starts(g, "name=")) {
			names = true;
			named = named || strstr(v->name, g + 5);
		}
		if (!pass)
			return false;
	}
	return !names || named;
}

bool cli_vol_may(const char *question)
{
	char answer[8] = "";
	ssize_t n;

	if (!isatty(STDIN_FILENO))
		return true;
	if (write(STDERR_FILENO, question, strlen(question)) < 0)
		return false;
	n = read(STDIN_FILENO, answer, sizeof(answer) - 1);
	return n > 0 && (*answer == 'y' || *answer == 'Y');
}
