#ifndef CS_CLI_ALIAS_H
#define CS_CLI_ALIAS_H

struct cli_args;

/*
 * Words that users of docker and virsh type for commands that have other names here: "container
 * ls", "list", "shutdown", "destroy", ... The words of @args that are one become the command's own,
 * in memory of this file's that the next call uses again.
 */
void cli_alias(struct cli_args *args);

#endif
