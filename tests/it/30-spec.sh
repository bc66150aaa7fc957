#!/bin/bash
# What config.json asks for, as seen from inside the container (or, for its limits, from outside),
# and what a hostile one must not reach.
. "$(dirname "$0")/lib.sh"

# --- what is not to be reached -------------------------------------------------------------------

# A folder that init has open is a way out for the program's path (CVE-2024-21626).
it_bundle fds '.process.args = ["/proc/self/fd/3/true"]'
cp "$bundle/rootfs/usr/bin/busybox" "$bundle/true"
it_try oci run --bundle "$bundle" fds </dev/null
tap_is "a program's path over an fd of the runtime is refused" "$status" 127
it_bundle fds
oci create --bundle "$bundle" fds </dev/null >/dev/null 2>&1
folders=
for fd in /proc/"$(it_pid fds)"/fd/*; do
	[ ! -d "$fd" ] || folders+="$(readlink "$fd") "
done
tap_empty "the init that waits has no folder open" "$folders"
oci delete fds

it_start victim
it_bundle thief ".linux.cgroupsPath = \"/$it_cg/victim\""
it_try oci run --bundle "$bundle" thief </dev/null
tap_like "another container's cgroup is refused" "$status:$err" "^1:.*holds processes"
it_bundle thief ".linux.cgroupsPath = \"/$it_cg/victim\" |
	.linux.namespaces[1].path = \"/proc/0/ns/net\""
it_try oci run --bundle "$bundle" thief </dev/null
tap_is "a create that fails even before that" "$status" 1
tap_is "and its failure ends nobody there" "$(oci exec victim echo alive)" alive
oci delete --force victim

# --- exec ----------------------------------------------------------------------------------------

# More than fs.nr_open is refused to everybody: a warning of the process that is to be the program.
it_start exec '.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 4294967295, "hard": 4294967295 }]'
it_try oci --log "$it_tmp/log" exec exec echo hello
tap_is "exec: what is warned of inside goes to the log" \
	"$status:$out:$(grep -c RLIMIT_NOFILE "$it_tmp/log")" "0:hello:1"

it_done
