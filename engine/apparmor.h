#ifndef CS_ENGINE_APPARMOR_H
#define CS_ENGINE_APPARMOR_H

struct cs_err;
struct eng_record;

/* The AppArmor profile of containers that ask for no other. */
#define ENG_APPARMOR "caisson-default"

/*
 * Makes it ready for @r, by the command before a start: it is loaded if it is not yet. *@name is
 * it, or NULL where none is used: a machine, --privileged, --security-opt apparmor=..., a kernel
 * without AppArmor, or no apparmor_parser to load it with.
 */
int eng_apparmor_ready(const struct eng_record *r, const char **name, struct cs_err *err);

/* What *@name would be, were it loaded now. */
const char *eng_apparmor_name(const struct eng_record *r);

#endif
