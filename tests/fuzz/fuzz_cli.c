/* The command line: the input's words end at NUL bytes. Each is parsed as the global options and
 * then, whatever it names, as every command's own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/signame.h"
#include "cli/oci.h"

enum { MAX_WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parses a copy of the words, since parsing moves them. What is left must be some of them, in
 * their order, and end with NULL. */
static void parse(const struct cli_cmd *cmd, size_t argc, char *const *words)
{
	struct cs_err err = CS_ERR_INIT;
	char *argv[MAX_WORDS + 1];
	struct cli_args args = { .argv = argv, .argc = argc };
	size_t size = cmd ? cmd->opts_size : sizeof(struct oci_global);
	const struct cli_opts *opts = cmd ? &cmd->opts : &cli_oci_prog.opts;
	void *values = calloc(1, size ? size : 1);
	size_t at = 0;
	int ret;

	if (!values)
		abort();
	memcpy(argv, words, sizeof(argv));
	ret = cmd ? cli_cmd_parse(cmd, values, &args, &err)
		  : cli_opt_parse(opts, values, true, &args, &err);
	if (ret != -err.code)
		abort();
	if (ret == 0) {
		if (args.argv[args.argc])
			abort();
		for (size_t i = 0; i < args.argc; i++) {
			while (at < argc && words[at] != args.argv[i])
				at++;
			if (at++ == argc)
				abort();
		}
	}
	cli_opt_fini(opts, values);
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[MAX_WORDS + 1] = { NULL };
	char *text = malloc(size + 1);
	size_t argc = 0;

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size && argc < MAX_WORDS; i += strlen(text + i) + 1)
		words[argc++] = text + i;
	parse(NULL, argc, words);
	for (size_t i = 0; i < cli_oci_prog.n_cmds; i++)
		parse(cli_oci_prog.cmds[i], argc, words);
	if (argc > 0) {
		cs_signal_parse(words[0]);
		cli_cmd_suggest(&cli_oci_prog, words[0]);
	}
	free(text);
	return 0;
}
