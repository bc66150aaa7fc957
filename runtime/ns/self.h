#ifndef CS_RUNTIME_NS_SELF_H
#define CS_RUNTIME_NS_SELF_H

struct cs_err;

/*
 * Keeps the runtime's own binary from being overwritten from inside a container (the kind of
 * CVE-2019-5736): a process that enters a container is visible there as /proc/<pid>/exe, and a
 * program that is "#!/proc/self/exe" runs it outright. So the runtime executes itself again from a
 * read-only clone of the mount its binary is on (where that is refused: from a sealed memfd), whose
 * exe link nobody can write through. Called first thing by every command that puts a process into a
 * container. Returns 0 when this process is the sealed one already, and makes it undumpable, so
 * that nothing in a shared pid namespace can trace it or look into its /proc folder.
 */
int ctr_self_seal(char *const argv[], struct cs_err *err);

/* Another program that will call it, opened so that it finds itself sealed: executed through this
 * fd it need not execute itself again. Sets CTR_SELF_FOLDER in the environment for it. */
int ctr_sealed_open(const char *path, struct cs_err *err);

/* In the environment of the sealed process: the folder that its binary was in. */
#define CTR_SELF_FOLDER "CAISSON_SELF_FOLDER"

#endif
