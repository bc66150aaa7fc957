#ifndef CS_ENGINE_MOUNTSPEC_INT_H
#define CS_ENGINE_MOUNTSPEC_INT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_arena;
struct cs_err;
struct eng_mount;

/* What the files of mountspec.h share; nobody else includes it. */

/* A mount being read from an option's text. */
struct mspec {
	struct cs_arena *a;
	const char *what; /* the option, for errors */
	const char *text; /* all of it, for errors */
	const char *cwd;
	struct eng_mount *m;
};

/* Error about this option; returns -@code. */
int eng_mspec_err(const struct mspec *s, struct cs_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Adds to m->options; of an exclusive pair or group (propagation, ro/rw are not here) the later
 * one counts for the kernel, so that order is kept. */
int eng_mspec_option(const struct mspec *s, const char *option, struct cs_err *err);

/* Is it a word that mounts may have as it stands: a propagation, exec, noexec, ...? */
bool eng_mspec_is_attr(const char *word);
bool eng_mspec_is_propagation(const char *word);

/* Sets m->target, without "." and ".." and doubled slashes. */
int eng_mspec_target(const struct mspec *s, const char *text, struct cs_err *err);
/* Sets m->source to a path of the host, from @cwd if it is relative. */
int eng_mspec_path(const struct mspec *s, const char *text, struct cs_err *err);

/* One option of a tmpfs ("size=64m", "mode=1777", "noexec"): checked and added. */
int eng_mspec_tmpfs(const struct mspec *s, const char *word, struct cs_err *err);

/* A piece of @text up to a comma; *@text is past it, NULL at the end. NULL and @err when out of
 * memory. */
const char *eng_mspec_piece(const struct mspec *s, const char **text, struct cs_err *err);

#endif
