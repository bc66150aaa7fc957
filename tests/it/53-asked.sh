#!/bin/bash
# What engines rely on beside the commands themselves: the standard files, files and sockets handed
# in and out, who owns what in a user namespace.
. "$(dirname "$0")/lib.sh"

# --- the standard files --------------------------------------------------------------------------

same='for f in /proc/self/fd/0 /dev/null; do stat -Lc "%d %i" $f; done | uniq | wc -l'
it_sh null "$same"
tap_is "run: /dev/null as stdin is the container's own" "$status:$out" "0:1"
it_start box
it_try oci exec box sh -c "$same" </dev/null
tap_is "exec: /dev/null as stdin is the container's own" "$status:$out" "0:1"
it_bundle odd
touch "$bundle/odd"
it_sh odd 'stat -Lc "%t:%T" /proc/self/fd/0' '.linux.devices = [] |
	.mounts += [{ destination: "/dev/null", type: "bind", source: "odd", options: ["bind"] }]'
tap_is "a /dev/null that is a file is not taken for stdin" "$status:$out" "0:1:3"

# --- user namespaces -----------------------------------------------------------------------------

chmod 711 "$it_tmp" # root of a user namespace is nobody out here
userns='.linux.namespaces += [{ type: "user" }]
	| .linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
	| .linux.gidMappings = .linux.uidMappings'
it_sh owner 'stat -c %u:%g /dev/mqueue /sys/class/net/lo/mtu' "$userns"
tap_is "what namespaces hold from birth is the container's root's" "$status:$out:$err" "0:0:0
0:0:"

it_netns_add dev
for mode in "" "$userns"; do
	dev=out${#mode} # the first one's peer takes a while to go
	ip -n "$it_cg-dev" link add "$dev" type veth
	it_bundle dev '.process.args = ["sh", "-c",
		"ip -o link show in0; cat /proc/sys/net/ipv4/conf/in0/arp_ignore"]
		| .linux.netDevices = { "'"$dev"'": { name: "in0" } }
		| .linux.sysctl = { "net.ipv4.conf.in0.arp_ignore": "1" } | '"${mode:-.}"
	it_try nsenter --net="$netns" "$CAISSON_OCI" --root "$it_tmp/state" \
		run --bundle "$bundle" dev </dev/null
	tap_like "a network device is there before its sysctl is set${mode:+, in a user namespace}" \
		"$status:$out:$err" '^0:.* in0@[^:]*:.*
1:$'
done

# --- files and sockets handed in and out ---------------------------------------------------------

echo handed >"$it_tmp/handed"
it_bundle fds '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3"]'
it_try env LISTEN_FDS=1 LISTEN_FDNAMES=http "$CAISSON_OCI" --root "$it_tmp/state" \
	run --bundle "$bundle" fds </dev/null 3<"$it_tmp/handed"
tap_is "LISTEN_FDS: a socket of systemd's gets in, LISTEN_PID is the container's" \
	"$status:$out" "0:1 1 http
handed"
it_try oci run --preserve-fds 1 --bundle "$bundle" fds </dev/null 3<"$it_tmp/handed"
tap_is "--preserve-fds" "$status:$out" "0:
handed"

if ! command -v /usr/bin/python3 >/dev/null; then
	tap_skip "--pidfd-socket" "python3 is not installed"
	tap_skip "NOTIFY_SOCKET" "python3 is not installed"
	it_done
fi

# Listens at $1, runs the rest, then kills the process whose pidfd came and prints how that ended.
take_pidfd='
import array, os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
s.settimeout(20)
command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
fd = socket.recv_fds(s.accept()[0], 64, 1)[1][0]
signal.pidfd_send_signal(fd, signal.SIGKILL)
print(command.wait(20))
'
for command in "run box2" "exec box sleep 300"; do
	# shellcheck disable=SC2086 # words
	set -- $command
	it_bundle box2 '.process.args = ["sleep", "300"]'
	cd "$bundle" || exit 1
	it_try timeout -k 5 30 /usr/bin/python3 -c "$take_pidfd" "$it_tmp/pidfd-$1" \
		"$CAISSON_OCI" --root "$it_tmp/state" "$1" --pidfd-socket "$it_tmp/pidfd-$1" "${@:2}"
	tap_is "$1 --pidfd-socket gives the process itself" "$out" 137
done

# Is the service manager at $1 for the rest; prints what it is told.
be_manager='
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
os.environ["NOTIFY_SOCKET"] = sys.argv[1]
status = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL).returncode
print(status, *sorted(s.recv(512).decode().split("\n")))
'
# In the container, with the host's python.
say_ready='
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"STATUS=still starting")
open("/said", "w").close()
s.send(b"STATUS=up\nREADY=1\nWATCHDOG=1")
time.sleep(300)
'
it_bundle ready '.mounts += [{ destination: "/usr", type: "bind", source: "/usr",
		options: ["rbind", "ro"] }]
	| .process.args = ["/usr/bin/python3", "-c", '"$(jq -n --arg s "$say_ready" '$s')]"
ln -sf usr/lib "$bundle/rootfs/lib"
ln -sf usr/lib64 "$bundle/rootfs/lib64"
it_try timeout -k 5 30 /usr/bin/python3 -c "$be_manager" "$it_tmp/notify" \
	"$CAISSON_OCI" --root "$it_tmp/state" run --detach --bundle "$bundle" ready
tap_is "NOTIFY_SOCKET: READY=1 gets out, with the pid as the host sees it, and nothing else" \
	"$out" "0 MAINPID=$(it_pid ready) READY=1"
it_done
