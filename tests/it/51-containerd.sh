#!/bin/bash
# containerd, by ctr run --runc-binary.
. "$(dirname "$0")/lib.sh"
[ "${SANITIZE-}" != yes ] || tap_skip_all "of the clients, podman alone runs with sanitizers"
. "$(dirname "$0")/clients.sh"
client_enter containerd ctr containerd-shim-runc-v2

cat >"$w/config.toml" <<END
version = 2
root = "$w/root"
state = "$w/state"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$w/sock"
END

ctr_()
{
	timeout -k 5 60 ctr -a "$w/sock" "$@" </dev/null
}

# ctr run [OPTION...] ID COMMAND...
image=localhost/bb:1
run()
{
	local options=()

	while [[ $1 = -* ]]; do
		options+=("$1")
		shift
	done
	ctr_ run --runc-binary "$runtime" "${options[@]}" "$image" "$@"
}

daemon()
{
	it_background containerd -c "$w/config.toml" >>"$w/log" 2>&1
	containerd=${it_pids[-1]}
	it_wait 20 ctr_ version >/dev/null 2>&1
}

# RUNNING, PAUSED, STOPPED
state() # ID
{
	ctr_ task ls | awk -v id="$1" '$1 == id { print $3 }'
}

is_state() # ID STATE
{
	[ "$(state "$1")" = "$2" ]
}

pid() # ID
{
	ctr_ task ls | awk -v id="$1" '$1 == id { print $2 }'
}

remove() # ID
{
	ctr_ task rm -f "$1" >/dev/null 2>&1
	ctr_ container rm "$1"
}

# The image, as docker save writes one.
archive()
{
	local sum

	mkdir "$w/archive" && cp "$w/rootfs.tar" "$w/archive/layer.tar"
	sum=$(sha256sum <"$w/rootfs.tar")
	jq -n --arg sum "sha256:${sum%% *}" '{ architecture: "amd64", os: "linux",
		config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
		rootfs: { type: "layers", diff_ids: [$sum] } }' >"$w/archive/config.json"
	jq -n --arg image "$image" '[{ Config: "config.json", RepoTags: [$image],
		Layers: ["layer.tar"] }]' >"$w/archive/manifest.json"
	tar -C "$w/archive" -cf "$w/image.tar" manifest.json config.json layer.tar
}

if ! daemon || ! archive || ! ctr_ image import "$w/image.tar" >/dev/null; then
	tap_comment <"$w/log"
	echo "Bail out! containerd does not start, or does not take the image"
	exit 1
fi

# --- run -----------------------------------------------------------------------------------------

client_gives "run: output and exit status" 7 out run --rm id sh -c 'echo out; echo err >&2; exit 7'
tap_is "run: the error output" "$err" err
client_fails "run: a program that is not there" 1 \
	'OCI runtime create failed: .*exec: "nosuch": executable file not found in \$PATH: unknown' \
	run --rm id nosuch
client_fails "run: a program that cannot be executed" 1 'exec: "/etc/passwd": permission denied' \
	run --rm id /etc/passwd
client_fails "run: a config that is wrong" 1 '/mnt.*: no such file or directory' \
	run --rm --mount=type=bind,src=/nosuch,dst=/mnt,options=rbind id true
client_gives "run with environment, working folder" 0 $'b\n/tmp' run --rm --env=A=b --cwd=/tmp id \
	sh -c 'echo $A; pwd'
tap_is "run -t: a terminal of its own, of the right size" "$(client_terminal '' \
	"ctr -a $w/sock run --rm -t --runc-binary '$runtime' $image id sh -c 'tty; $client_size'")" \
	'/dev/pts/0
40 100'

# --- a task's life -------------------------------------------------------------------------------

run -d --mount=type=bind,src="$w",dst=/w,options=rbind life sh -c '
	trap "echo usr1 >>/w/signals" USR1; trap "exit 5" TERM
	while :; do echo tick >>/w/ticks; sleep 0.05; done'
it_wait 10 test -s "$w/ticks"
client_gives "run -d" 0 RUNNING state life
tap_is "its process is the runtime's" \
	"$("$runtime" --root /run/containerd/runc/default state life | jq -r '"\(.status) \(.pid)"')" \
	"running $(pid life)"
client_gives "exec: output and exit status" 3 in ctr_ task exec --exec-id x life \
	sh -c 'echo in; exit 3'
client_fails "exec: a program that is not there" 1 'executable file not found' \
	ctr_ task exec --exec-id x life nosuch
ctr_ task exec --exec-id x -d life sh -c 'echo detached >/w/detached; sleep 300'
tap_check "exec -d" it_wait 10 grep -q detached "$w/detached"
client_gives "ps tells who is who" 0 "/$(pid life) .*ExecID:x/" ctr_ task ps life
ctr_ task kill --exec-id x -s KILL life
tap_check "kill --exec-id ends that one only" it_wait 10 test "$(ctr_ task ps life | grep -c ExecID)" = 0
client_gives "and the task goes on" 0 RUNNING state life
client_gives "metrics" 0 /pids.current/ ctr_ task metrics life
ctr_ task pause life
client_gives "pause: the state" 0 PAUSED state life
tap_check "pause: nothing goes on" client_rests "$w/ticks"
ctr_ task resume life
client_gives "resume: the state" 0 RUNNING state life
tap_check "resume: it goes on" client_grows "$w/ticks"
ctr_ task kill -s USR1 life
tap_check "kill: the signal gets there" it_wait 10 grep -q usr1 "$w/signals"

kill -9 "$containerd"
wait "$containerd" 2>/dev/null
daemon
client_gives "containerd is started again: the task runs" 0 RUNNING state life
client_gives "and takes an exec" 0 again ctr_ task exec --exec-id y life echo again

ctr_ task kill life
tap_check "kill: TERM" it_wait 10 is_state life STOPPED
it_try ctr_ task rm life
tap_like "and the status it exits with" "$err" 'exit code 5'
ctr_ container rm life

run -d all sh -c 'sleep 300 & sleep 300 & trap "" TERM; while :; do sleep 1; done'
ctr_ task exec --exec-id x -d all sleep 300
ctr_ task kill --all -s KILL all
tap_check "kill --all" it_wait 10 is_state all STOPPED
client_fails "and the status" 0 'exit code 137' ctr_ task rm all
ctr_ container rm all

run -d shim sleep 300
pid=$(pid shim)
kill -9 "$(ps -o ppid= -p "$pid")"
tap_check "the shim is killed: containerd ends the task by the runtime" \
	it_wait 10 test ! -d "/proc/$pid"
remove shim

# --- what a spec can ask -------------------------------------------------------------------------

rights='sed -n "s/CapEff:\t//p; s/Seccomp:\t//p; s/NoNewPrivs:\t//p" /proc/self/status'
bounds=$(sed -n 's/CapBnd:\t//p' /proc/self/status)
client_gives "--cap-drop, --seccomp" 0 $'00000000a80425fa\n1\n2' \
	run --rm --cap-drop=CAP_CHOWN --seccomp id sh -c "$rights"
client_gives "--privileged, --allow-new-privs" 0 "$bounds"$'\n0\n0' \
	run --rm --privileged --allow-new-privs id sh -c "$rights"
echo '{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
	{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] }' >"$w/seccomp"
client_fails "--seccomp-profile" 1 'Operation not supported' \
	run --rm --seccomp --seccomp-profile="$w/seccomp" id mkdir /x
client_fails "--read-only" 1 'Read-only file system' run --rm --read-only id touch /x
client_gives "--uidmap" 0 '0 100000 1000 0' \
	run --rm --uidmap=0:100000:1000 --gidmap=0:100000:1000 id \
	sh -c 'echo $(cat /proc/self/uid_map) $(id -u)'
client_gives "--net-host" 0 "$(readlink /proc/self/ns/net)" \
	run --rm --net-host id readlink /proc/self/ns/net
run -d --memory-limit=20971520 --cpu-quota=50000 --cpu-period=100000 limits sleep 300
limit() # V1-FILE V2-FILE
{
	cat /sys/fs/cgroup/*/default/limits/"$1" /sys/fs/cgroup/default/limits/"$2" 2>/dev/null |
		tail -n 1
}
client_gives "--memory-limit" 0 20971520 limit memory.limit_in_bytes memory.max
client_gives "--cpu-quota" 0 /50000/ limit cpu.cfs_quota_us cpu.max
it_background ctr_ events >"$w/events" 2>&1
# Does `ctr events` hear what happens by now?
listens()
{
	ctr_ task exec --exec-id heard limits true >/dev/null 2>&1
	grep -q /tasks/exec "$w/events"
}
it_wait 20 listens
ctr_ task exec --exec-id x limits sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1' \
	>/dev/null 2>&1
tap_check "who takes more is killed, and containerd told" it_wait 10 grep -q /tasks/oom "$w/events"
client_gives "--with-ns" 0 "$(readlink "/proc/$(pid limits)/ns/ipc")" \
	run --rm --with-ns="ipc:/proc/$(pid limits)/ns/ipc" id readlink /proc/self/ns/ipc
remove limits
if [ -x /usr/lib/cni/bridge ]; then
	mkdir -p /etc/cni/net.d
	echo '{ "cniVersion": "0.4.0", "name": "net", "type": "bridge", "bridge": "br",
		"ipam": { "type": "host-local", "subnet": "10.9.0.0/24" } }' >/etc/cni/net.d/net.conf
	client_gives "--cni" 0 '/inet 10[.]9[.]0[.]/' run --rm --cni id ip -o -4 addr show eth0
else
	tap_skip "--cni" "containernetworking-plugins is not installed"
fi

pids=()
for i in 1 2 3 4 5 6; do
	run --rm "many$i" echo "$i" >"$w/many.$i" &
	pids+=($!)
done
wait "${pids[@]}"
tap_is "six at once" "$(cat "$w"/many.* | tr '\n' ' ')" "1 2 3 4 5 6 "

# --- the end -------------------------------------------------------------------------------------

client_gives "nothing is left of them for containerd" 0 '' ctr_ container ls -q
kill "${it_pids[@]}" 2>/dev/null
client_done
