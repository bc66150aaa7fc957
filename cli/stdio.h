#ifndef CS_CLI_STDIO_H
#define CS_CLI_STDIO_H

struct cs_err;

/* Opens /dev/null for each closed one of the descriptors 0, 1 and 2: it would be handed out for
 * the next file opened, and that file be taken for a standard input or output. */
int cli_stdio_fill(struct cs_err *err);

#endif
