#ifndef CS_ENGINE_NETS_H
#define CS_ENGINE_NETS_H

struct cs_err;
struct eng;
struct eng_net;
struct eng_record;

/* The networks of a container's record, which it is on whenever it runs. The caller has its lock.
 * What is attached now is netns/attach.h's. */

/* EINVAL for a container that has the host's network, or another container's; EEXIST when @network
 * is one of its own already. */
int eng_nets_may_add(const struct eng_record *r, const char *network, struct cs_err *err);
/* Adds one, as its last; one that had none ("none") has this one. Strings are borrowed. EEXIST when
 * another network has its interface. */
int eng_nets_add(const struct eng *e, struct eng_record *r, const struct eng_net *n,
		 struct cs_err *err);
/* Takes one away: 1, or 0 when it is none of its own. */
int eng_nets_del(const struct eng *e, struct eng_record *r, const char *network,
		 struct cs_err *err);

/* 1: a container, running or not, is to be on it, or (its record cannot be read) may be; 0: none.
 */
int eng_nets_named(const struct eng *e, const char *network, struct cs_err *err);

#endif
