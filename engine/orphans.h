#ifndef CS_ENGINE_ORPHANS_H
#define CS_ENGINE_ORPHANS_H

struct cs_err;
struct eng;

/*
 * What nobody owns any more: of commands and monitors that were killed, of folders that were
 * removed by hand. Who makes something has a lock or a record that says so; nothing that lives or
 * is being made is touched, and nothing of other stores.
 *
 *   - containers of the runtime without a record here: ended, with their mounts, cgroups and
 *     namespaces
 *   - folders below root and state without a record, and what is mounted there; names that lead
 *     nowhere; folders of checks
 *   - cgroups "/caisson/ID" without a record, in which nobody lives, for a minute
 *   - leases, links, rules, names on networks whose workload is gone
 *   - volumes that were half made or half removed
 *
 * Images have img_gc().
 */

/* Told of each that was removed: "leftover of container 0123456789ab". */
typedef void (*eng_orphan_fn)(const char *what, void *arg);

/* One that cannot be removed does not keep the others: it is logged. */
int eng_orphans_remove(const struct eng *e, eng_orphan_fn fn, void *arg, struct cs_err *err);

#endif
