#ifndef CS_CLI_HELP_H
#define CS_CLI_HELP_H

struct cli_cmd;
struct cli_group;
struct cli_prog;
struct cs_buf;

/* Help made from the tables. Check the buffer with cs_buf_ok(). */

void cli_help_prog(const struct cli_prog *prog, struct cs_buf *out);
void cli_help_group(const struct cli_prog *prog, const struct cli_group *group, struct cs_buf *out);
void cli_help_cmd(const struct cli_prog *prog, const struct cli_cmd *cmd, struct cs_buf *out);

/* Every option for a program to read: lines of "COMMAND<tab>--NAME<tab>-L<tab>ARG<tab>HELP"; the
 * command of a global option, a missing letter and a switch's ARG are "-"; a hidden one's HELP
 * starts with "(hidden) ". --help, which every command has, is listed once. A command has a line of
 * its own, "COMMAND<tab>-<tab>-<tab>-<tab>HELP".
 */
void cli_help_dump(const struct cli_prog *prog, struct cs_buf *out);

#endif
