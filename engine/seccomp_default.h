#ifndef CS_ENGINE_SECCOMP_DEFAULT_H
#define CS_ENGINE_SECCOMP_DEFAULT_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct cs_jw;

/*
 * Which system calls a container may make, as linux.seccomp: our own default, or a profile of the
 * user's in docker's format. Pure.
 */

/* Writes the member "seccomp" of the default for a container with the capabilities @caps (a bit
 * each). */
void eng_seccomp_default(uint64_t caps, struct cs_jw *w);

/* The same from a profile's text: "archMap", and rules whose "includes" and "excludes" (caps,
 * arches, minKernel) fit; those that do not are left out. Also plain OCI seccomp. */
int eng_seccomp_profile(const char *text, size_t len, uint64_t caps, struct cs_jw *w,
			struct cs_err *err);

#endif
