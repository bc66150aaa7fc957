#ifndef CS_CLI_COMPLETION_H
#define CS_CLI_COMPLETION_H

struct cli_prog;
struct cs_buf;
struct cs_err;

/* A script for @shell ("bash", "zsh", "fish") that completes the program's commands, their options,
 * and what they take: names of containers, images, networks, volumes, as their synopsis says. Pure.
 * EINVAL: another shell. */
int cli_completion(const struct cli_prog *prog, const char *shell, struct cs_buf *out,
		   struct cs_err *err);

#endif
