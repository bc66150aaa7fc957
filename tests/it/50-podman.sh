#!/bin/bash
# podman with --runtime.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/clients.sh"
client_enter podman conmon

client_podman_conf "runtime_supports_json = [\"$(basename "$runtime")\"]" \
	'infra_image = "localhost/infra:latest"' "init_path = \"$(command -v catatonit)\""
printf 'containers:200000:65536\n' | tee /etc/subuid >/etc/subgid

pod()
{
	timeout -k 5 60 podman --runtime "$runtime" "$@"
}

# podman run --rm
run()
{
	pod run --rm "$@" </dev/null
}

# podman run -d, quietly
start()
{
	pod run -d "$@" </dev/null >/dev/null 2>"$w/start.err" || tap_comment <"$w/start.err"
}

# Has the container printed a line?
client_logged() # NAME LINE
{
	pod logs "$1" 2>/dev/null | grep -qx "$2"
}

it_try pod import -c 'ENV PATH=/bin' "$w/rootfs.tar" bb
if ! pod image exists bb ||
	! pod import -q -c 'CMD ["/bin/sleep", "1000"]' "$w/rootfs.tar" infra >/dev/null; then
	echo "Bail out! podman import: $err"
	exit 1
fi

# --- run -----------------------------------------------------------------------------------------

client_gives "run: output and exit status" 7 out run bb sh -c 'echo out; echo err >&2; exit 7'
tap_is "run: the error output" "$err" err
client_fails "run: a program that is not there" 127 'exec: "nosuch": executable file not found' \
	run bb nosuch
client_fails "run: a program that cannot be executed" 126 'exec: "/etc/passwd": permission denied' \
	run bb /etc/passwd
client_gives "run -i" 0 typed pod run --rm -i bb cat <<<typed
client_gives "run with environment, working folder, host name" 0 'b
/tmp
box' run -e A=b -w /tmp -h box bb sh -c 'echo $A; pwd; hostname'
client_gives "run --user, --group-add" 0 'uid=1000(user) gid=50(staff) groups=50(staff),77' \
	run --user 1000:50 --group-add 77 bb id
tap_is "run -t: a terminal of its own, of the right size" \
	"$(client_terminal '' "podman --runtime '$runtime' run --rm -t bb sh -c 'tty; $client_size'")" \
	'/dev/pts/0
40 100'

# What this process may have at most.
bounds=$(sed -n 's/CapBnd:\t//p' /proc/self/status)

# --- a container's life --------------------------------------------------------------------------

start --name life -v "$w:/w" bb sh -c '
	trap "echo usr1" USR1; trap "echo term; exit 5" TERM; echo up; echo down >&2
	while :; do echo tick >>/w/ticks; sleep 0.05; done'
it_wait 10 test -s "$w/ticks"
client_gives "the runtime is the one asked for" 0 "$runtime" pod inspect -f '{{.OCIRuntime}}' life
client_gives "logs" 0 up pod logs life
tap_is "logs: the error output" "$err" down
client_gives "exec: output and exit status" 3 in pod exec life sh -c 'echo in; exit 3'
client_gives "exec -i" 0 typed pod exec -i life cat <<<typed
client_gives "exec: environment, working folder, user" 0 'b
/tmp
uid=1000(user) gid=50(staff)' pod exec -e A=b -w /tmp -u 1000:50 life sh -c 'echo $A; pwd; id'
client_gives "exec --privileged" 0 "$bounds" pod exec --privileged life sed -n 's/CapEff:\t//p' \
	/proc/self/status
client_fails "exec: a program that is not there" 127 'executable file not found' \
	pod exec life nosuch
client_fails "exec: a program that cannot be executed" 126 'permission denied' \
	pod exec life /etc/passwd
pod exec -d life sh -c 'echo detached >/w/detached' >/dev/null
tap_check "exec -d" it_wait 10 grep -q detached "$w/detached"
tap_like "exec -t: a terminal, and what is typed there" \
	"$(client_terminal "$client_size; exit 4" \
		"podman --runtime '$runtime' exec -it life sh; echo status \$?")" \
	$'\n40 100\nstatus 4'
client_gives "top" 0 /sleep/ pod top life args
client_gives "stats" 0 "/^[12] [1-9][0-9.]*[kM]?B \//" \
	pod stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' life
echo outside >"$w/f"
pod cp "$w/f" life:/tmp/f
pod exec life sh -c 'echo inside >>/tmp/f'
pod cp life:/tmp/f "$w/back"
tap_is "cp, both ways" "$(<"$w/back")" $'outside\ninside'

pod pause life >/dev/null
client_gives "pause: the state" 0 paused pod inspect -f '{{.State.Status}}' life
tap_check "pause: nothing goes on" client_rests "$w/ticks"
pod unpause life >/dev/null
tap_check "unpause: it goes on" client_grows "$w/ticks"

pod kill -s USR1 life >/dev/null
tap_check "kill: the signal gets there" it_wait 10 client_logged life usr1
pod stop -t 20 life >/dev/null
client_gives "stop: TERM, and the status it exits with" 0 $'up\nusr1\nterm' pod logs life
client_gives "stop: the state" 0 'exited 5' \
	pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' life
pod start life >/dev/null
client_gives "start again" 0 running pod inspect -f '{{.State.Status}}' life
pod kill life >/dev/null
client_gives "kill without a signal's name" 0 137 pod wait life
pod restart life >/dev/null
client_gives "restart" 0 running pod inspect -f '{{.State.Status}}' life
pod exec life sh -c 'trap "" TERM; sleep 300' </dev/null >/dev/null 2>&1 &
pod rm -f -t 0 life >/dev/null
client_gives "rm -f of what runs" 0 '' pod ps -aq
wait $!

start --name deaf bb sh -c 'trap "" TERM; while :; do sleep 1; done'
pod stop -t 1 deaf >/dev/null 2>&1
client_gives "stop: KILL to who does not listen" 0 137 pod inspect -f '{{.State.ExitCode}}' deaf
pod rm deaf >/dev/null

pod run -dt -i --name attach bb sh </dev/null >/dev/null 2>&1
tap_like "attach: what is typed, and what comes back" \
	"$(client_terminal 'echo $((3 + 4)); exit 6' "podman --runtime '$runtime' attach attach")" \
	$'\n7'
client_gives "attach: the exit status" 0 6 pod wait attach
pod rm attach >/dev/null

start --name health --health-cmd 'test -e /well' --health-interval=disable --health-retries=1 \
	bb sleep 300
client_gives "health check: not healthy" 1 unhealthy pod healthcheck run health
pod exec health touch /well
client_gives "health check: healthy" 0 '' pod healthcheck run health
client_gives "health check: the state" 0 healthy pod inspect -f '{{.State.Health.Status}}' health

# --- sharing namespaces --------------------------------------------------------------------------

for ns in pid ipc net; do
	option=--$ns=container:health
	client_gives "run ${option/net/network}" 0 "$(pod exec health readlink /proc/1/ns/$ns)" \
		run "${option/net/network}" bb readlink /proc/self/ns/$ns
done
for ns in pid ipc net uts; do
	option=--$ns=host
	client_gives "run ${option/net/network}" 0 "$(readlink /proc/self/ns/$ns)" \
		run "${option/net/network}" bb readlink /proc/self/ns/$ns
done
client_gives "run --cgroupns=private" 0 / run --cgroupns=private bb \
	sh -c 'sed s/^.*:// /proc/self/cgroup | sort -u'
client_gives "run --cgroupns=host" 0 /libpod-/ run --cgroupns=host bb cat /proc/self/cgroup
pod rm -f -t 0 health >/dev/null

# --- pods ----------------------------------------------------------------------------------------

pod pod create --name pod >/dev/null
start --pod pod --name web bb sh -c 'echo web >/index.html; exec httpd -f -p 80 -h /'
fetch='until wget -qO- http://127.0.0.1/; do sleep 0.1; done 2>/dev/null'
client_gives "pod: two containers share a network" 0 web run --pod pod bb sh -c "$fetch"
client_gives "pod: and a host name" 0 pod run --pod pod bb hostname
pod pod pause pod >/dev/null
client_gives "pod pause" 0 $'Paused\nPaused' pod ps -a --format '{{.State}}'
pod pod unpause pod >/dev/null
pod pod stop -t 0 pod >/dev/null
client_gives "pod stop" 0 '' pod ps -q
pod pod start pod >/dev/null
client_gives "pod start" 0 web run --pod pod bb sh -c "$fetch"
pod pod rm -f -t 0 pod >/dev/null
client_gives "pod rm" 0 '' pod ps -aq

cat >"$w/pod.yaml" <<END
apiVersion: v1
kind: Pod
metadata: { name: kube }
spec:
  containers:
  - name: box
    image: localhost/bb:latest
    imagePullPolicy: Never
    command: ["sh", "-c", "id -u; touch /x; sleep 300"]
    securityContext: { readOnlyRootFilesystem: true, runAsUser: 1000 }
END
pod play kube "$w/pod.yaml" >/dev/null
it_wait 10 client_logged kube-box 1000
client_gives "play kube" 0 1000 pod logs kube-box
tap_like "play kube: a read-only root" "$err" 'Read-only file system'
pod play kube --down "$w/pod.yaml" >/dev/null
client_gives "play kube --down" 0 '' pod ps -aq

# --- network -------------------------------------------------------------------------------------

if [ ! -x /usr/lib/podman/netavark ]; then
	tap_skip "bridge network" "netavark is not installed"
else
	start --name web --network bridge -p 18080:80 bb \
		sh -c 'echo web >/index.html; exec httpd -f -p 80 -h /'
	address=$(pod inspect -f '{{.NetworkSettings.IPAddress}}' web)
	client_gives "bridge: from container to container" 0 web run --network bridge bb \
		sh -c "${fetch/127.0.0.1/$address}"
	client_gives "bridge: a published port" 0 /web/ client_fetch 127.0.0.1 18080
	client_gives "bridge: its address is the interface's" 0 "/inet ${address//./[.]}/" \
		pod exec web ip -o -4 addr show eth0
	pod rm -f -t 0 web >/dev/null
	if [ ! -x /usr/lib/podman/aardvark-dns ]; then
		tap_skip "bridge: names" "aardvark-dns is not installed"
	else
		pod network create net >/dev/null 2>&1
		start --name named --network net bb sleep 300
		address=$(pod inspect -f '{{.NetworkSettings.Networks.net.IPAddress}}' named)
		client_gives "bridge: names" 0 "/Address: ${address//./[.]}/" \
			run --network net bb nslookup named
		pod rm -f -t 0 named >/dev/null
		pod network rm net >/dev/null
	fi
fi

# --- rights --------------------------------------------------------------------------------------

caps='grep CapEff /proc/self/status | tr -d "\t"; chown 1:1 /tmp'
client_gives "--cap-drop all" 1 CapEff:0000000000000000 run --cap-drop all bb sh -c "$caps"
client_gives "--cap-drop all --cap-add" 0 CapEff:0000000000000001 \
	run --cap-drop all --cap-add chown bb sh -c "$caps"
client_gives "--cap-add" 0 '/[^,]*NOARP/' run --cap-add net_admin bb \
	sh -c 'ip link set lo arp off && ip link show lo'
client_gives "--privileged" 0 "$bounds" run --privileged bb sed -n 's/CapBnd:\t//p' /proc/self/status
client_gives "--read-only" 1 $'tmp\nrun' run --read-only bb \
	sh -c 'touch /tmp/x && echo tmp; touch /run/x && echo run; touch /x'
tap_like "--read-only: why" "$err" 'Read-only file system'
client_gives "--security-opt no-new-privileges" 0 1 run --security-opt no-new-privileges bb \
	sed -n 's/NoNewPrivs:\t//p' /proc/self/status
client_gives "seccomp: the default profile" 0 2 run bb sed -n 's/Seccomp:\t//p' /proc/self/status
client_fails "seccomp: what it refuses" 1 'not permitted' run bb unshare -u true
client_gives "seccomp=unconfined" 0 0 run --security-opt seccomp=unconfined bb \
	sed -n 's/Seccomp:\t//p' /proc/self/status
cat >"$w/seccomp.json" <<END
{ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
  "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] }
END
client_fails "seccomp: a profile of one's own" 1 'Operation not supported' \
	run --security-opt "seccomp=$w/seccomp.json" bb mkdir /tmp/x
client_gives "--security-opt mask= and unmask=" 0 0 run --security-opt mask=/proc/version \
	--security-opt unmask=/proc/sys bb sh -c 'wc -c </proc/version; ! grep -q " /proc/sys " /proc/mounts'

# --- user namespaces -----------------------------------------------------------------------------

mkdir "$w/v"
client_gives "--uidmap: ids inside" 0 '0 100000 1000 0' run --uidmap 0:100000:1000 -v "$w/v:/v:U" \
	bb sh -c 'echo $(cat /proc/self/uid_map) $(id -u); touch /v/mine'
tap_is "--uidmap: ids outside; -v :U" "$(stat -c '%u %g' "$w/v/mine")" "100000 100000"
client_gives "--uidmap: its root rules its own network" 0 /NOARP/ \
	run --uidmap 0:100000:1000 --cap-add net_admin bb \
	sh -c 'ip link set lo arp off && ip link show lo'
client_gives "--userns=auto" 0 '0 200000 2000' run --userns=auto:size=2000 bb \
	sh -c 'echo $(cat /proc/self/uid_map)'
install -D -o 5 -g 5 /dev/null "$w/idmap/5"
client_gives "-v :idmap" 0 5:5 run --uidmap 0:100000:1000 -v "$w/idmap:/v:idmap" bb \
	sh -c 'stat -c %u:%g /v/5; touch /v/new'
tap_is "-v :idmap: what is made there" "$(stat -c %u:%g "$w/idmap/new")" 0:0

# --- files ---------------------------------------------------------------------------------------

mkdir -p "$w/v/sub"
mount -t tmpfs tmpfs "$w/v/sub"
touch "$w/v/sub/there"
client_gives "-v: can be written to, mounts below come with it" 0 there run -v "$w/v:/v" bb \
	sh -c 'echo x >/v/written; ls /v/sub'
client_gives "-v :ro" 0 'x' run -v "$w/v:/v:ro" bb sh -c 'touch /v/x 2>/dev/null; cat /v/written'
tap_not "-v :ro: nothing is written" test -e "$w/v/x"
client_gives "--mount bind-nonrecursive" 0 '' \
	run --mount "type=bind,src=$w/v,dst=/v,bind-nonrecursive=true" bb ls /v/sub
client_gives "-v :O: what is written is thrown away" 0 over run -v "$w/v:/v:O" bb \
	sh -c 'echo over >/v/written; cat /v/written'
tap_is "-v :O: and seen nowhere else" "$(<"$w/v/written")" x
umount "$w/v/sub"
client_fails "-v: a file over a folder" 126 'mount|director' run -v "$w/f:/tmp" bb true
client_gives "--tmpfs" 0 '/size=1024k,mode=700.*drwx------/' run --tmpfs /t:size=1m,mode=700 bb \
	sh -c 'grep " /t " /proc/mounts; ls -ld /t'
client_gives "--shm-size" 0 1024 run --shm-size 1m bb sh -c 'df /dev/shm | awk "END { print \$2 }"'
client_gives "--rootfs" 0 rootfs run --rootfs "$it_tmp/rootfs" sh -c 'echo rootfs'
client_gives "--device" 0 'crw-rw-rw- 1:5 0' run --device /dev/zero:/dev/nought bb \
	sh -c 'echo $(stat -c "%A %t:%T" /dev/nought) $(head -c 1 /dev/nought | od -An -tu1)'
node='mknod /node c 1 2 && cat /node'
client_fails "devices: others are refused" 1 'not permitted' run --cap-add mknod bb sh -c "$node"
client_fails "--device-cgroup-rule" 1 'No such device' \
	run --cap-add mknod --device-cgroup-rule 'c 1:2 r' bb sh -c "$node"

# --- limits --------------------------------------------------------------------------------------

client_gives "--ulimit" 0 $'100\n200' run --ulimit nofile=100:200 bb sh -c 'ulimit -n; ulimit -Hn'
client_gives "--sysctl" 0 $'65536\n1' run --sysctl kernel.msgmax=65536 \
	--sysctl net.ipv4.ip_forward=1 bb \
	cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward
client_gives "--oom-score-adj" 0 500 run --oom-score-adj 500 bb cat /proc/self/oom_score_adj
client_gives "--umask" 0 0077 run --umask 077 bb sh -c umask
client_fails "--pids-limit" 2 "can't fork" \
	run --pids-limit 3 bb sh -c 'sleep 1 & sleep 1 & sleep 1 & wait'
client_gives "--memory: who takes more is killed" 137 '' run --memory 20m --memory-swap 20m bb \
	sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1'
start --name limits --memory 40m --cpus 0.5 --cpu-shares 300 bb sleep 300
limit() # V1-FILE V2-FILE
{
	cat /sys/fs/cgroup/*/libpod_parent/libpod-*/"$1" \
		/sys/fs/cgroup/libpod_parent/libpod-*/"$2" 2>/dev/null | tail -n 1
}
client_gives "--memory" 0 /41943040/ limit memory.limit_in_bytes memory.max
client_gives "--cpus" 0 /50000/ limit cpu.cfs_quota_us cpu.max
pod update --memory 30m --cpus 0.25 limits >/dev/null
client_gives "update: memory" 0 /31457280/ limit memory.limit_in_bytes memory.max
client_gives "update: cpus" 0 /25000/ limit cpu.cfs_quota_us cpu.max
pod rm -f -t 0 limits >/dev/null

# --- the rest ------------------------------------------------------------------------------------

if command -v catatonit >/dev/null; then
	client_gives "--init" 0 /podman-init/ run --init bb sh -c 'tr "\0" " " </proc/1/cmdline'
else
	tap_skip "--init" "catatonit is not installed"
fi
client_gives "--preserve-fds" 0 handed run --preserve-fds 1 bb sh -c 'cat <&3' 3<<<handed
client_gives "LISTEN_FDS" 0 $'1 1\nhanded' env LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "$@"' sh \
	podman --runtime "$runtime" run --rm bb \
	sh -c 'echo $LISTEN_FDS $LISTEN_PID; cat <&3' 3<<<handed
if [ -x /usr/bin/python3 ]; then
	client_gives "--sdnotify=container" 0 '/^0 .*MAINPID=[0-9]+ .*READY=1$/' \
		timeout -k 5 60 /usr/bin/python3 "$it_here/notify.py" manage "$w/notify" \
		podman --runtime "$runtime" run -d --name notify --sdnotify=container \
		-v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro bb \
		/usr/bin/python3 -c "$(<"$it_here/notify.py")" say
	pod rm -f -t 0 notify >/dev/null
else
	tap_skip "--sdnotify=container" "python3 is not installed"
fi
mkdir "$w/hooks"
cat >"$w/hook" <<END
read -r state
state=\${state#*'"status":"'}
echo "\$1 \${state%%\"*}" >>"$w/hooked"
END
for stage in prestart createRuntime createContainer startContainer poststart poststop; do
	cat >"$w/hooks/$stage.json" <<-END
	{ "version": "1.0.0", "when": { "always": true }, "stages": ["$stage"],
	  "hook": { "path": "/bin/sh", "args": ["sh", "$w/hook", "$stage"] } }
	END
done
pod --hooks-dir "$w/hooks" run --rm -v "$w:$w" bb true </dev/null
tap_is "hooks: each at its time" "$(<"$w/hooked")" 'prestart creating
createRuntime creating
createContainer creating
startContainer created
poststart running
poststop stopped'

printf 'FROM bb\nRUN echo built >/b\nRUN chmod 666 /b\nUSER user\nRUN id -u >>/b\nCMD cat /b\n' \
	>"$w/Dockerfile"
pod build --network none -t built -f "$w/Dockerfile" "$w" >"$w/build.log" 2>&1 ||
	tap_comment <"$w/build.log"
client_gives "build" 0 $'built\n1000' run built
if command -v buildah >/dev/null; then
	box=$(buildah from --pull-never bb)
	client_gives "buildah run" 0 'in a build' \
		buildah run --runtime "$runtime" --network none "$box" echo in a build
	buildah rm "$box" >/dev/null
else
	tap_skip "buildah run" "buildah is not installed"
fi

pids=()
for i in 1 2 3 4 5 6; do
	run bb echo "$i" >"$w/many.$i" &
	pids+=($!)
done
wait "${pids[@]}"
tap_is "six at once" "$(cat "$w"/many.* | tr '\n' ' ')" "1 2 3 4 5 6 "

client_gives "nothing is left of them for podman" 0 '' pod ps -aq
client_done
