#ifndef CS_ENGINE_COPYTREE_H
#define CS_ENGINE_COPYTREE_H

struct cs_err;

enum { ENG_COPY_DEPTH = 128 };

/*
 * Copies all that is in the folder @from into the folder @to, which is empty, and the owner, mode,
 * xattrs and times of @from itself to @to. Files share their blocks where the file system can; hard
 * links stay hard links; fifos, sockets and device nodes are made anew. Other mounts below @from
 * are not entered. Everything is reached by fds beneath the two, no link is followed. Both fds are
 * open for reading, and borrowed. E2BIG: deeper than ENG_COPY_DEPTH.
 */
int eng_copy_tree(int from, int to, struct cs_err *err);

/* The owner, mode, xattrs and times of the folder @from alone. */
int eng_copy_folder(int from, int to, struct cs_err *err);

#endif
