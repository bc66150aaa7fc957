#!/bin/bash
# docker, by dockerd --add-runtime.
. "$(dirname "$0")/lib.sh"
[ "${SANITIZE-}" != yes ] || tap_skip_all "of the clients, podman alone runs with sanitizers"
. "$(dirname "$0")/clients.sh"
client_enter dockerd docker containerd

export DOCKER_HOST=unix://$w/sock DOCKER_CONFIG=$w/config DOCKER_BUILDKIT=0
echo '{}' >"$w/daemon.json"
it_background dockerd --config-file "$w/daemon.json" --data-root "$w/data" --exec-root /run/docker \
	--pidfile "$w/pid" -H "$DOCKER_HOST" -G root --add-runtime "caisson=$runtime" \
	--default-runtime caisson --oom-score-adjust 0 --storage-driver overlay2 \
	--exec-opt native.cgroupdriver=cgroupfs --userland-proxy=false >"$w/log" 2>&1

dock()
{
	timeout -k 5 60 docker "$@"
}

# docker run --rm, without a network
run()
{
	dock run --rm --network none "$@" </dev/null
}

# docker run -d, quietly, without a network
start()
{
	dock run -d --network none "$@" </dev/null >/dev/null 2>"$w/start.err" ||
		tap_comment <"$w/start.err"
}

remove()
{
	dock rm -f "$@" >/dev/null
}

# A member of what inspect shows.
inspect() # CONTAINER FORMAT
{
	dock inspect -f "{{$2}}" "$1"
}

is() # CONTAINER FORMAT VALUE
{
	[ "$(inspect "$1" "$2")" = "$3" ]
}

if ! it_wait 30 dock version >/dev/null 2>&1 ||
	! dock import -c 'ENV PATH=/bin' "$w/rootfs.tar" bb >/dev/null; then
	tap_comment <"$w/log"
	echo "Bail out! dockerd does not start, or does not take the image"
	exit 1
fi

# --- run -----------------------------------------------------------------------------------------

client_gives "run: output and exit status" 7 out run bb sh -c 'echo out; echo err >&2; exit 7'
tap_is "run: the error output" "$err" err
# dockerd finds its exit status in the words of the runtime
client_fails "run: a program that is not in PATH" 127 \
	'OCI runtime create failed: .*exec: "nosuch": executable file not found in \$PATH: unknown' \
	run bb nosuch
client_fails "run: a program that is not there" 127 'exec: "/nosuch": .*no such file or directory' \
	run bb /nosuch
client_fails "run: a program that cannot be executed" 126 'exec: "/etc/passwd": permission denied' \
	run bb /etc/passwd
client_fails "run: a folder" 126 'exec: "/etc": is a directory' run bb /etc
client_fails "run: a volume of the wrong kind" 125 \
	'not a directory: unknown: Are you trying to mount a directory onto a file' \
	run -v "$w:/etc/passwd" bb true
client_gives "run -i" 0 typed dock run --rm -i --network none bb cat <<<typed
client_gives "run with environment, working folder, host name" 0 $'b\n/tmp\nbox' \
	run -e A=b -w /tmp -h box bb sh -c 'echo $A; pwd; hostname'
client_gives "run --user, --group-add" 0 'uid=1000(user) gid=50(staff) groups=50(staff),77' \
	run --user 1000:50 --group-add 77 bb id
tap_is "run -t: a terminal of its own, of the right size" \
	"$(client_terminal '' "docker run --rm -t --network none bb sh -c 'tty; $client_size'")" \
	'/dev/pts/0
40 100'

# --- a container's life --------------------------------------------------------------------------

start --name life -v "$w:/w" bb sh -c '
	trap "echo usr1" USR1; trap "echo term; exit 5" TERM; echo up
	while :; do echo tick >>/w/ticks; sleep 0.05; done'
it_wait 10 test -s "$w/ticks"
client_gives "the runtime is the one asked for" 0 caisson inspect life .HostConfig.Runtime
client_gives "exec: output and exit status" 3 in dock exec life sh -c 'echo in; exit 3'
client_gives "exec -i" 0 typed dock exec -i life cat <<<typed
client_gives "exec: environment, working folder, user" 0 'b
/tmp
uid=1000(user) gid=50(staff) groups=50(staff)' \
	dock exec -e A=b -w /tmp -u 1000:50 life sh -c 'echo $A; pwd; id'
client_gives "exec: a program that is not there" 126 '/executable file not found/' \
	dock exec life nosuch
client_gives "exec: a program that cannot be executed" 126 '/permission denied/' \
	dock exec life /etc/passwd
dock exec -d life sh -c 'echo detached >/w/detached'
tap_check "exec -d" it_wait 10 grep -q detached "$w/detached"
tap_like "exec -t: a terminal, and what is typed there" \
	"$(client_terminal "$client_size; exit 4" 'docker exec -it life sh; echo status $?')" \
	$'\n40 100\nstatus 4'
client_gives "top" 0 /sleep/ dock top life
client_gives "stats" 0 '/^[12] [1-9][0-9.]*[kKM]i?B/' \
	dock stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' life
echo outside >"$w/f"
dock cp -q "$w/f" life:/tmp/f
dock exec life sh -c 'echo inside >>/tmp/f'
dock cp -q life:/tmp/f "$w/back"
tap_is "cp, both ways" "$(<"$w/back")" $'outside\ninside'

dock pause life >/dev/null
client_gives "pause: the state" 0 paused inspect life .State.Status
tap_check "pause: nothing goes on" client_rests "$w/ticks"
dock unpause life >/dev/null
tap_check "unpause: it goes on" client_grows "$w/ticks"
dock kill -s USR1 life >/dev/null
logged()
{
	dock logs "$1" 2>/dev/null | grep -qx "$2"
}
tap_check "kill: the signal gets there" it_wait 10 logged life usr1
dock stop -t 20 life >/dev/null
client_gives "stop: TERM" 0 $'up\nusr1\nterm' dock logs life
client_gives "stop: the status it exits with" 0 'exited 5' \
	inspect life '.State.Status}} {{.State.ExitCode'
dock start life >/dev/null
client_gives "start again" 0 running inspect life .State.Status
dock restart -t 0 life >/dev/null
client_gives "restart" 0 running inspect life .State.Status
dock kill life >/dev/null
client_gives "kill without a signal's name" 0 137 dock wait life
remove life

start -it --name attach bb sh
tap_like "attach: what is typed, what comes back, the exit status" \
	"$(client_terminal "$client_size"'; echo $((3 + 4)); exit 6' \
		'docker attach attach; echo status $?')" \
	$'\n40 100\n7\nstatus 6'
remove attach

start --name health --health-cmd 'test -e /well' --health-interval 1s --health-retries 1 bb sleep 300
tap_check "health check: not healthy" it_wait 10 is health .State.Health.Status unhealthy
dock exec health touch /well
tap_check "health check: healthy" it_wait 10 is health .State.Health.Status healthy
remove health

# --- restart policy ------------------------------------------------------------------------------

start --name failing --restart on-failure:2 -v "$w:/w" bb sh -c 'echo run >>/w/failing; exit 5'
tap_check "restart policy: on-failure, so many times" it_wait 20 is failing \
	'.RestartCount}} {{.State.Status}} {{.State.ExitCode' '2 exited 5'
tap_is "restart policy: and it ran so many times" "$(wc -l <"$w/failing")" 3
start --name always --restart always bb sleep 300
pid=$(inspect always .State.Pid)
kill -9 "$pid"
tap_check "restart policy: always" it_wait 20 is always '.RestartCount}} {{.State.Status' '1 running'
tap_not "restart policy: it is another process" is always .State.Pid "$pid"
remove failing always

# --- network -------------------------------------------------------------------------------------

dock run -d --name web -p 18080:80 bb sh -c 'echo web >/index.html; exec httpd -f -p 80 -h /' \
	>/dev/null
address=$(inspect web .NetworkSettings.IPAddress)
fetch='until wget -qO- http://ADDRESS/; do sleep 0.1; done 2>/dev/null'
client_gives "bridge: from container to container" 0 web \
	dock run --rm bb sh -c "${fetch/ADDRESS/$address}"
client_gives "bridge: a published port" 0 /web/ client_fetch "$address" 80
client_gives "--network container:" 0 web \
	dock run --rm --network container:web bb sh -c "${fetch/ADDRESS/127.0.0.1}"
dock network create net >/dev/null
dock network connect net web
client_gives "a network of one's own, with names" 0 \
	"/Address: $(inspect web .NetworkSettings.Networks.net.IPAddress)/" \
	dock run --rm --network net bb nslookup -type=a web
remove web
dock network rm net >/dev/null

# --- what a spec can ask -------------------------------------------------------------------------

rights='sed -n "s/CapEff:\t//p; s/Seccomp:\t//p; s/NoNewPrivs:\t//p" /proc/self/status'
client_gives "--cap-drop, --cap-add, no-new-privileges, default seccomp" 0 \
	$'0000000000000001\n1\n2' run --cap-drop all --cap-add chown \
	--security-opt no-new-privileges bb sh -c "$rights"
client_gives "seccomp=unconfined" 0 $'00000000a80425fb\n0\n0' \
	run --security-opt seccomp=unconfined bb sh -c "$rights"
echo '{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
	{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] }' >"$w/seccomp"
client_fails "seccomp: a profile of one's own" 1 'Operation not' \
	run --security-opt "seccomp=$w/seccomp" bb mkdir /x
client_gives "--privileged" 0 0 run --privileged bb \
	sh -c 'grep -c " /proc/sys " /proc/mounts; mount -t tmpfs tmpfs /tmp'
client_gives "--read-only, --tmpfs" 1 tmp run --read-only --tmpfs /t bb \
	sh -c 'touch /t/x && echo tmp; touch /x'
client_gives "--ulimit, --sysctl, --umask of the image" 0 $'100\n1' run --ulimit nofile=100:200 \
	--sysctl net.ipv4.ip_forward=1 bb sh -c 'ulimit -n; cat /proc/sys/net/ipv4/ip_forward'
client_gives "--device" 0 'crw-rw-rw- 1:5' run --device /dev/zero:/dev/nought bb \
	stat -c '%A %t:%T' /dev/nought
client_gives "--pid container:, --ipc host" 0 "$(readlink /proc/self/ns/ipc)" \
	run --ipc host bb readlink /proc/self/ns/ipc
client_gives "--cgroupns private" 0 / run --cgroupns private bb \
	sh -c 'sed s/^.*:// /proc/self/cgroup | sort -u'
start --name limits --memory 40m --cpus 0.5 --pids-limit 30 bb sleep 300
limit() # V1-FILE V2-FILE
{
	cat /sys/fs/cgroup/*/docker/*/"$1" /sys/fs/cgroup/docker/*/"$2" 2>/dev/null | tail -n 1
}
client_gives "--memory" 0 41943040 limit memory.limit_in_bytes memory.max
client_gives "--cpus" 0 /50000/ limit cpu.cfs_quota_us cpu.max
client_gives "--pids-limit" 0 30 limit pids.max pids.max
dock update --memory 30m --memory-swap 30m --cpus 0.25 limits >/dev/null
client_gives "update: memory" 0 31457280 limit memory.limit_in_bytes memory.max
client_gives "update: cpus" 0 /25000/ limit cpu.cfs_quota_us cpu.max
remove limits
start --name oom --memory 20m --memory-swap 20m bb \
	sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1'
tap_check "who takes more memory is killed" it_wait 10 is oom .State.ExitCode 137
remove oom
printf 'FROM bb\nRUN echo built >/b\nCMD cat /b\n' >"$w/Dockerfile"
mkdir "$w/context"
dock build --network none -t built -f "$w/Dockerfile" "$w/context" >"$w/build.log" 2>&1 ||
	tap_comment <"$w/build.log"
client_gives "build" 0 built run built

pids=()
for i in 1 2 3 4 5 6; do
	run bb echo "$i" >"$w/many.$i" &
	pids+=($!)
done
wait "${pids[@]}"
tap_is "six at once" "$(cat "$w"/many.* | tr '\n' ' ')" "1 2 3 4 5 6 "

# --- the end -------------------------------------------------------------------------------------

client_gives "nothing is left of them for docker" 0 '' dock ps -aq
kill "${it_pids[@]}" 2>/dev/null
client_done
