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

# Listens at $1, runs the rest, and when that has printed a line kills the process whose pidfd came;
# prints how that ended.
take_pidfd='
import array, os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
s.settimeout(20)
command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
fd = socket.recv_fds(s.accept()[0], 64, 1)[1][0]
command.stdout.readline()
signal.pidfd_send_signal(fd, signal.SIGKILL)
print(command.wait(20))
'
for command in run exec; do
	it_bundle pidfd '.process.args = ["sh", "-c", "echo up; exec sleep 300"]'
	args=(run --bundle "$bundle" pidfd)
	[ $command = run ] || args=(exec box sh -c 'echo up; exec sleep 300')
	it_try timeout -k 5 30 /usr/bin/python3 -c "$take_pidfd" "$it_tmp/$command.sock" \
		"$CAISSON_OCI" --root "$it_tmp/state" \
		$command --pidfd-socket "$it_tmp/$command.sock" "${args[@]:1}"
	tap_is "$command --pidfd-socket gives the process itself" "$out" 137
done

it_bundle ready '.mounts += [{ destination: "/usr", type: "bind", source: "/usr",
		options: ["rbind", "ro"] }]
	| .process.args = ["/usr/bin/python3", "-c", '"$(jq -Rs . "$it_here/notify.py")"', "say"]'
ln -sf usr/lib "$bundle/rootfs/lib"
ln -sf usr/lib64 "$bundle/rootfs/lib64"
it_try timeout -k 5 30 /usr/bin/python3 "$it_here/notify.py" manage "$it_tmp/notify" \
	"$CAISSON_OCI" --root "$it_tmp/state" run --detach --bundle "$bundle" ready
tap_is "NOTIFY_SOCKET: READY=1 gets out, with the pid as the host sees it, and nothing else" \
	"$out" "0 MAINPID=$(it_pid ready) READY=1"
it_done
