#ifndef CS_CLI_TRANSFER_H
#define CS_CLI_TRANSFER_H

struct cs_err;

/*
 * Two programs are made of this command line: caisson, linked statically, since loading libraries
 * was half of what a command took; and libexec/caisson/transfer, which loads what moves images
 * (libcurl, isa-l). The first executes the second for what needs that.
 *
 * Before anything is done or read: in transfer this does nothing; in caisson it executes transfer
 * with the same words @argv and returns only if that fails.
 */
int cli_transfer(char *const argv[], struct cs_err *err);

#endif
