#ifndef CS_CLI_REGOPTS_H
#define CS_CLI_REGOPTS_H

#include "cli/opt.h"
#include "images/creds.h"

struct cs_err;
struct caisson_dirs;
struct img_reg;
struct img_store;

/* Options that all commands which speak to registries share. */
struct cli_regopts {
	const char *authfile;
	const char *cert_dir;
	const char *creds;
	const char *registries_conf;
	const char *tls_verify;
	struct cli_num retry;
	struct cli_time timeout;
};

/* Rows of a command's table, whose struct has them as member @f. */
#define CLI_REG_OPTS_LOGIN(T, f)                                                                  \
	CLI_STR(T, f.authfile, "authfile", 0, "FILE",                                             \
		"credentials (default: $REGISTRY_AUTH_FILE, containers' auth.json, docker's "     \
		"config.json)"),                                                                  \
		CLI_STR(T, f.cert_dir, "cert-dir", 0, "DIR",                                      \
			"*.crt to trust, *.cert and *.key to show (default: certs.d/HOST:PORT)"), \
		CLI_STR(T, f.registries_conf, "registries-conf", 0, "FILE",                       \
			"instead of the usual registries.conf"),                                  \
		CLI_TIME(T, f.timeout, "timeout", 0, "TIME",                                      \
			 "without a byte, before a connection is given up (default: 30s)"),       \
		CLI_STR(T, f.tls_verify, "tls-verify", 0, "true|false",                           \
			"false: plain http or any certificate will do")
#define CLI_REG_OPTS(T, f)                                         \
	CLI_REG_OPTS_LOGIN(T, f),                                  \
		CLI_STR(T, f.creds, "creds", 0, "USER[:PASSWORD]", \
			"credentials for this command"),           \
		CLI_NUM(T, f.retry, "retry", 0, 0, "N",            \
			"further tries of what may pass (default: 3)")

/* For commands that pull besides, where --timeout is something else. */
#define CLI_REG_OPTS_RUN(T, f)                                                                \
	CLI_STR(T, f.authfile, "authfile", 0, "FILE", "credentials for a pull"),              \
		CLI_STR(T, f.cert_dir, "cert-dir", 0, "DIR", "certificates for a pull"),      \
		CLI_STR(T, f.creds, "creds", 0, "USER[:PASSWORD]", "credentials for a pull"), \
		CLI_STR(T, f.registries_conf, "registries-conf", 0, "FILE",                   \
			"instead of the usual registries.conf"),                              \
		CLI_STR(T, f.tls_verify, "tls-verify", 0, "true|false",                       \
			"false: plain http or any certificate will do")

struct cli_reg {
	struct img_reg *reg;	/* owned */
	struct img_creds creds; /* owned */
};
#define CLI_REG_INIT ((struct cli_reg){ 0 })

/* Makes a session from them. @chunk as in struct img_reg_opts. Call cli_reg_fini() in every case.
 */
int cli_reg_open(const struct cli_regopts *o, uint64_t chunk, struct cli_reg *out,
		 struct cs_err *err);
/* The same with credentials to be tried. Borrowed. */
int cli_reg_open_as(const struct cli_regopts *o, const struct img_creds *creds, struct cli_reg *out,
		    struct cs_err *err);
void cli_reg_fini(struct cli_reg *r);

#endif
