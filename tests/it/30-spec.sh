#!/bin/bash
# What config.json asks for, as seen from inside the container (or, for its limits, from outside),
# and what a hostile one must not reach.
. "$(dirname "$0")/lib.sh"

mkdir -p "$it_tmp/bundle/fields/volume"
echo volume >"$it_tmp/bundle/fields/volume/file"
chmod 777 "$it_tmp/bundle/fields/volume"

# The value of a "name=value" line of $out.
of() # NAME
{
	sed -n "s/^$1=//p" <<<"$out"
}

# --- the process and its namespaces ------------------------------------------------------------

it_sh fields '
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
opts() { awk -v p="$1" "\$5 == p { print \$6 }" /proc/self/mountinfo; }
can() { "$@" 2>/dev/null && echo yes || echo no; }
echo "hostname=$(hostname)"
echo "domainname=$(cat /proc/sys/kernel/domainname)"
echo "cwd=$(pwd) $(stat -c %a .)"
echo "nofile=$(ulimit -Sn) $(ulimit -Hn)"
echo "oom=$(cat /proc/self/oom_score_adj)"
echo "umask=$(umask)"
echo "ids=$(status Uid | tr "\t" " ") $(status Gid | tr "\t" " ")"
echo "groups=$(status Groups)"
for c in Inh Prm Eff Bnd Amb; do echo "cap$c=$(status "Cap$c")"; done
echo "nnp=$(status NoNewPrivs)"
echo "home=$HOME"
echo "last=$TWICE"
echo "sysctl=$(cat /proc/sys/net/ipv4/ip_local_port_range | tr "\t" " ") $(cat /proc/sys/kernel/msgmax)"
echo "offsets=$(awk "{ print \$2 }" /proc/self/timens_offsets | tr "\n" " ")"
echo "machine=$(uname -m)"
echo "nice=$(awk "{ print \$19, \$41 }" /proc/self/stat)"
echo "ionice=$(ionice -p $$)"
echo "root=$(can touch /file)"
echo "volume=$(can touch /volume/file) $(opts /volume)"
echo "tmpfs=$(stat -c %a:%u /scratch) $(opts /scratch)"
echo "masked=$(wc -c </etc/passwd):$(ls /var | wc -l):$(can touch /var/file)"
echo "readonly=$(cat /volume2/file):$(can touch /volume2/file)"
echo "device=$(stat -c %t:%T:%a:%u:%g /dev/mine)"
echo "denied=$(can dd if=/dev/mine of=/dev/null count=1)"
echo "fifo=$(stat -c "%F %a" /dev/pipe)"
echo "links=$(readlink /dev/fd):$(readlink /dev/stdin):$(readlink /dev/ptmx)"
echo "lo=$(cat /sys/class/net/lo/flags)"
echo "shared=$(awk "\$5 == \"/volume\"" /proc/self/mountinfo | grep -c "master:\|shared:")"
echo "cgroup=$(cat /proc/self/cgroup | grep -vc ":/$")"
' '.hostname = "spec" | .domainname = "example.org" | .root.readonly = true |
.process.cwd = "/tmp/new/folder" | .process.noNewPrivileges = false |
.process.user = { uid: 1000, gid: 50, umask: 23, additionalGids: [7, 1000] } |
.process.env = ["PATH=/usr/bin:/bin", "TWICE=1", "TWICE=2"] |
.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }] |
.process.capabilities = { bounding: ["CAP_KILL", "CAP_CHOWN"], permitted: ["CAP_KILL"],
	inheritable: ["CAP_KILL"], effective: ["CAP_KILL"], ambient: ["CAP_KILL"] } |
.process.oomScoreAdj = 500 | .process.scheduler = { policy: "SCHED_BATCH", nice: 7 } |
.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 } |
.linux.namespaces += [{ type: "time" }] |
.linux.timeOffsets = { monotonic: { secs: 1000 }, boottime: { secs: 2000, nanosecs: 5 } } |
.linux.sysctl = { "net.ipv4.ip_local_port_range": "2000 3000", "kernel.msgmax": "4096" } |
.linux.personality = { domain: "LINUX32" } |
.linux.maskedPaths += ["/etc/passwd", "/var", "/not/there"] |
.linux.readonlyPaths += ["/volume2"] |
.linux.devices = [{ type: "c", path: "/dev/mine", major: 10, minor: 229, fileMode: 384,
	uid: 1000, gid: 50 }, { type: "p", path: "/dev/pipe", fileMode: 416 }] |
.mounts |= [{ destination: "/tmp", type: "tmpfs", options: ["mode=1777"] }] + . + [
	{ destination: "/volume", type: "bind", source: "volume",
	  options: ["rbind", "nosuid", "nodev", "noexec", "rslave"] },
	{ destination: "/volume2", type: "bind", source: "volume" },
	{ destination: "/scratch", type: "tmpfs", options: ["mode=701", "uid=1000", "noexec"] }]
'
tap_is "all fields at once" "$status:$err" "0:"
tap_is "hostname" "$(of hostname)" spec
tap_is "domainname" "$(of domainname)" example.org
tap_is "process.cwd is made" "$(of cwd)" "/tmp/new/folder 755"
tap_is "process.rlimits" "$(of nofile)" "100 200"
tap_is "process.oomScoreAdj" "$(of oom)" 500
tap_is "process.user.umask" "$(of umask)" 0027
tap_is "process.user" "$(of ids)" "1000 1000 1000 1000 50 50 50 50"
tap_like "process.user.additionalGids" "$(of groups)" "^7 1000 ?$"
for c in Inh Prm Eff Amb; do
	tap_is "process.capabilities: $c" "$(of cap$c)" 0000000000000020
done
tap_is "process.capabilities: Bnd" "$(of capBnd)" 0000000000000021
tap_is "process.noNewPrivileges: false" "$(of nnp)" 0
tap_is "HOME is of the image's passwd, or /" "$(of home)" /
tap_is "process.env: the last of a name counts" "$(of last)" 2
tap_is "linux.sysctl" "$(of sysctl)" "2000 3000 4096"
tap_is "linux.timeOffsets" "$(of offsets)" "1000 2000 "
tap_like "linux.personality" "$(of machine)" "^(i.86|armv[0-9]+l)$"
tap_is "process.scheduler: nice and SCHED_BATCH" "$(of nice)" "7 3"
tap_is "process.ioPriority" "$(of ionice)" "best-effort: prio 6"
tap_is "root.readonly" "$(of root)" no
tap_like "a bind mount's options" "$(of volume)" "^(yes|no) rw,nosuid,nodev,noexec"
tap_like "a tmpfs's options" "$(of tmpfs)" "^701:1000 rw,noexec"
tap_is "linux.maskedPaths: a file is empty, a folder is and stays so" "$(of masked)" 0:0:no
tap_is "linux.readonlyPaths" "$(of readonly)" volume:no
tap_is "linux.devices" "$(of device)" a:e5:600:1000:50
tap_is "linux.resources.devices: none but the default ones can be opened" "$(of denied)" no
tap_is "linux.devices: a fifo" "$(of fifo)" "fifo 640"
tap_is "the default links" "$(of links)" /proc/self/fd:/proc/self/fd/0:pts/ptmx
tap_is "the loopback device is up" "$(($(of lo) & 1))" 1
tap_is "the cgroup namespace hides where it is" "$(of cgroup)" 0

umask 077
it_sh umask 'umask; stat -c %a /made/for/cwd /made /point' '.process.cwd = "/made/for/cwd" |
	.mounts += [{ destination: "/point/below", type: "tmpfs" }]'
umask 022
tap_is "the caller's umask has no say in the container" "${out//$'\n'/ }" "0022 755 755 755"

# --- its cgroup --------------------------------------------------------------------------------

it_start limits '.linux.resources += { pids: { limit: 77 }, memory: { limit: 67108864 },
	cpu: { shares: 512, quota: 50000, period: 100000 } }'
tap_is "limits" "$status:$err" "0:"
tap_is "linux.resources.pids" "$(<"$(it_cgroup limits pids)/pids.max")" 77
if [ "$(it_cgroup_version)" = 2 ]; then
	tap_is "linux.resources.memory" "$(<"$(it_cgroup limits memory)/memory.max")" 67108864
	tap_is "linux.resources.cpu" "$(<"$(it_cgroup limits cpu)/cpu.max")" "50000 100000"
else
	tap_is "linux.resources.memory" \
		"$(<"$(it_cgroup limits memory)/memory.limit_in_bytes")" 67108864
	tap_is "linux.resources.cpu" "$(<"$(it_cgroup limits cpu)/cpu.cfs_quota_us")" 50000
fi
oci delete --force limits

# --- hooks -------------------------------------------------------------------------------------

# One that appends its name and the state it gets to a file; with another file for the kind that
# runs in the container's root.
it_bundle hooks "def hook(\$kind; \$file): [{ path: \"/bin/sh\", env: [\"PATH=/usr/bin:/bin\"],
	args: [\"sh\", \"-c\", \"{ printf '%s ' \$0; cat; echo; } >>\$1\", \$kind, \$file]}];
	.annotations = { \"org.example.a\": \"b\" } | .process.args = [\"sh\", \"-c\",
	\"grep -c ^startContainer /hooks >/seen\"] | .hooks = (reduce (\"poststop\", \"poststart\", \"createContainer\",
	\"createRuntime\", \"prestart\") as \$k ({}; .[\$k] = hook(\$k; \"$bundle/../hooks/rootfs/hooks\")))
	| .hooks.startContainer = hook(\"startContainer\"; \"/hooks\")"
it_try oci run --bundle "$bundle" hooks </dev/null
tap_is "hooks" "$status:$err" "0:"
log=$bundle/rootfs/hooks
tap_is "their order" "$(cut -d " " -f 1 "$log" | xargs)" \
	"prestart createRuntime createContainer startContainer poststart poststop"
tap_is "the program comes after startContainer" "$(<"$bundle/rootfs/seen")" 1
states=
for k in prestart createRuntime createContainer startContainer poststart poststop; do
	states+="$(sed -n "s/^$k //p" "$log" | jq -r --arg b "$bundle" '"\(.status):\(.id):\(
		.bundle == $b):\((.pid // 0) > 1):\(.annotations["org.example.a"])"') "
done
tap_is "what they get of the state" "$states" "creating:hooks:true:true:b creating:hooks:true:true:b \
creating:hooks:true:true:b created:hooks:true:true:b running:hooks:true:true:b \
stopped:hooks:true:false:b "

mkdir -m 777 "$it_tmp/rights"
# A startContainer hook is a program of the image: it has the rights that the container's own has.
for nnp in true false; do
	rights='grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):" /proc/self/status >/rights'
	it_sh rights "$rights/program" ".process.user = { uid: 1000, gid: 50, additionalGids: [7] }
		| .process.noNewPrivileges = $nnp
		| .linux.seccomp = { defaultAction: \"SCMP_ACT_ALLOW\",
			syscalls: [{ names: [\"swapon\"], action: \"SCMP_ACT_ERRNO\" }] }
		| .mounts += [{ destination: \"/rights\", source: \"$it_tmp/rights\", type: \"bind\" }]
		| .hooks.startContainer = [{ path: \"/bin/sh\", env: [\"PATH=/usr/bin:/bin\"],
			args: [\"sh\", \"-c\", $(jq -n --arg s "$rights/hook" '$s')] }]"
	tap_is "noNewPrivileges $nnp: the rights of a startContainer hook" \
		"$status:$err:$(<"$it_tmp/rights/hook")" "0::$(<"$it_tmp/rights/program")"
	tap_like "noNewPrivileges $nnp: are the container's" "$(xargs <"$it_tmp/rights/hook")" \
		"^Uid: 1000 .*Groups: 7 .*CapEff: 0+ CapBnd: 0+20000420 .*Seccomp: 2$"
	rm "$it_tmp/rights"/*
done

it_bundle hooks '.hooks.createRuntime = [{ path: "/bin/sleep", args: ["sleep", "100"], timeout: 1 }]'
it_try oci run --bundle "$bundle" hooks </dev/null
tap_like "a hook that takes longer than its timeout ends the create" "$status:$err" \
	"^1:.*createRuntime hook #0.*killed after 1000 ms"
tap_is "and nothing is left of it" "$(it_status hooks)" ""
it_bundle hooks ".hooks.poststart = [{ path: \"/bin/false\" }, { path: \"/bin/touch\",
	args: [\"touch\", \"$it_tmp/second\"] }]"
it_try oci run --bundle "$bundle" hooks </dev/null
tap_like "a poststart hook that fails is only warned of" "$status:$err" "^0:.*warning.*poststart"
tap_check "and the next one is run" test -e "$it_tmp/second"

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
s.settimeout(60)
print(s.recv(100).decode())'
ready='
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STATUS=x\nREADY=1", sys.argv[1])'
if command -v python3 >/dev/null; then
	it_bundle notify '.process.args = ["sh", "-c",
		"[ -S $NOTIFY_SOCKET ] && echo $NOTIFY_SOCKET; exec sleep 300"]'
	it_background python3 -c "$listen" "$it_tmp/manager" >"$it_tmp/heard"
	listener=$!
	it_wait 30 test -S "$it_tmp/manager"
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

it_bundle listen '.process.args = ["sh", "-c", "echo $LISTEN_FDS:$LISTEN_PID; cat <&3"]'
it_try env LISTEN_FDS=1 "$CAISSON_OCI" --root "$it_tmp/state" run --bundle "$bundle" listen \
	3<<<data </dev/null
tap_is "LISTEN_FDS gives the program its fds" "$out" "1:1
data"
it_try env LISTEN_FDS=1 LISTEN_PID=1 "$CAISSON_OCI" --root "$it_tmp/state" run \
	--bundle "$bundle" listen 3<<<data </dev/null
tap_is "but not those of another LISTEN_PID" "$out" ":"
it_bundle starts '.process.args = ["sleep", "300"]'
oci create --bundle "$bundle" starts </dev/null >/dev/null 2>&1
starts=()
for i in 1 2 3 4; do
	oci start starts 2>"$it_tmp/start$i" &
	starts+=($!)
done
n=0
for p in "${starts[@]}"; do
	wait "$p" && n=$((n + 1))
done
tap_is "one of four starts succeeds" $n 1
tap_is "the others say why" "$(cat "$it_tmp"/start? | grep -cE "is running")" 3
oci delete --force starts

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

# v1's rules are denied and allowed one by one, which is drawn out here
devices=/sys/fs/cgroup/devices
if [ ! -e $devices/devices.deny ]; then
	tap_skip "the rules for devices stand before init makes nodes" "no v1 devices hierarchy"
elif ! command -v strace >/dev/null; then
	tap_skip "the rules for devices stand before init makes nodes" "strace is not installed"
else
	it_bundle rules '.linux.devices = [{ type: "c", path: "/dev/thing", major: 1, minor: 3 }] |
		.process.args = ["sh", "-c", "[ -c /dev/thing ] && ! grep thing /proc/mounts"]'
	it_try timeout 60 strace -f -qq -o /dev/null -e trace=write -P $devices/"$it_cg"/rules/devices.deny \
		-e inject=write:delay_exit=500000 "$CAISSON_OCI" --root "$it_tmp/state" run \
		--bundle "$bundle" rules </dev/null
	tap_is "the rules for devices stand before init makes nodes" "$status $out$err" "0 "
fi

it_done
