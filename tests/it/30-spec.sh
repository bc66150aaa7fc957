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

# --- the service manager -------------------------------------------------------------------------

# What comes to a socket, for so long that READY=1 must have come.
listen='
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
print(s.recv(100).decode())'
ready='
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STATUS=x\nREADY=1", sys.argv[1])'
if command -v python3 >/dev/null; then
	it_bundle notify '.process.args = ["sh", "-c",
		"[ -S $NOTIFY_SOCKET ] && echo $NOTIFY_SOCKET; exec sleep 300"]'
	it_background python3 -c "$listen" "$it_tmp/manager" >"$it_tmp/heard"
	listener=$!
	it_background env NOTIFY_SOCKET="$it_tmp/manager" "$CAISSON_OCI" --root "$it_tmp/state" \
		run --detach --bundle "$bundle" notify </dev/null >"$it_tmp/said" 2>&1
	run=$!
	tap_check "a container that has not said READY=1 is running all the same" \
		it_wait 10 it_has_status notify running
	tap_check "but run waits for it" kill -0 $run
	it_wait 10 test -s "$it_tmp/said"
	tap_is "the program has a socket" "$(<"$it_tmp/said")" /run/notify/notify.sock
	python3 -c "$ready" "$it_tmp/state/notify/notify/notify.sock"
	wait $run
	tap_is "READY=1 ends the waiting" $? 0
	wait $listener
	tap_is "the manager hears it, with the pid of the container" "$(<"$it_tmp/heard")" "READY=1
MAINPID=$(it_pid notify)"
	oci delete --force notify
else
	tap_skip "NOTIFY_SOCKET" "python3 is not installed"
fi

# --- exec ----------------------------------------------------------------------------------------

# More than fs.nr_open is refused to everybody: a warning of the process that is to be the program.
it_start exec '.process.rlimits = [{ "type": "RLIMIT_NOFILE", "soft": 4294967295, "hard": 4294967295 }]'
it_try oci --log "$it_tmp/log" exec exec echo hello
tap_is "exec: what is warned of inside goes to the log" \
	"$status:$out:$(grep -c RLIMIT_NOFILE "$it_tmp/log")" "0:hello:1"

it_start again '.linux.personality = { domain: "LINUX32" } |
	.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0" }'
it_try oci exec again sh -c 'uname -m; head -n 1 /proc/self/numa_maps'
tap_like "exec: linux.personality and memoryPolicy are for its process, too" "$out" \
	"^(i.86|armv[0-9]+l).*bind:0 "

# --- a stopped init ------------------------------------------------------------------------------

it_bundle stopped
oci create --bundle "$bundle" stopped </dev/null >/dev/null 2>&1
kill -STOP "$(it_pid stopped)"
seen=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	seen+=$(timeout 5 "$CAISSON_OCI" --root "$it_tmp/state" state stopped | jq -r .status)
done
tap_is "state never waits for an init that is stopped" "${seen//created/.}" "............"
oci delete stopped

it_done
