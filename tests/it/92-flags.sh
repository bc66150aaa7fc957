#!/bin/bash
# The flags of run: what each does, as it is seen inside.
# shellcheck disable=SC1091,SC2154 # what the files give
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

# A container without a network that runs a script to its end, in a cgroup of the test's.
f() # SCRIPT [OPTION...]
{
	local script=$1

	shift
	c run --rm --network none --cgroup-parent "/$it_cg" "$@" box sh -c "$script"
}

# The line of $out that begins so, without that.
said() # WORD
{
	sed -n "s/^$1: \{0,1\}//p" <<<"$out"
}

# Refused: 125, and the message says what.
no() # NAME PATTERN OPTION...
{
	local name=$1 pattern=$2

	shift 2
	f true "$@"
	if [ "$status" = 125 ] && grep -qE -- "$pattern" <<<"$err"; then
		tap_ok "refused: $name"
	else
		tap_not_ok "refused: $name" "$status: $err"
	fi
}

# One of the lines of $out.
line() # NAME LINE
{
	if grep -qxF -- "$2" <<<"$out"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "no line \"$2\" in: $out"
	fi
}

cg() # the script's text that prints a cgroup file: V1-FILE V2-FILE
{
	echo "cat /sys/fs/cgroup/$1 2>/dev/null || cat /sys/fs/cgroup/$2"
}

tap_comment <<<"what a container has that asks for nothing"
f 'echo "caps: $(grep CapBnd /proc/self/status)"; echo "inherited: $(grep CapInh /proc/self/status)"
	echo "filter: $(grep Seccomp: /proc/self/status)"; echo "pid: $$"
	unshare -n true 2>&1; mount -t tmpfs x /tmp 2>&1
	echo "sys: $(grep " /sys " /proc/mounts)"; echo x 2>/dev/null >/proc/sys/kernel/domainname ||
	echo "ro: proc/sys"; wc -c </proc/kcore; chroot / true && echo "chroot: yes"
	mknod /tmp/null c 1 3 && : >/tmp/null && echo "null: yes"
	mknod /tmp/mem c 1 1 && dd if=/tmp/mem count=1 2>&1 | head -1
	echo "path: $PATH"; echo "host: $HOSTNAME $(hostname)"; echo "home: $HOME"; ls /dev | tr "\n" " "'
tap_like "docker's fourteen capabilities" "$(said caps)" 00000000a80425fb
tap_like "nothing is inheritable" "$(said inherited)" 0000000000000000
tap_like "a filter of system calls" "$(said filter)" 2
tap_is "it is process 1" "$(said pid)" 1
tap_like "no namespaces, no mounts of its own" "$out" 'unshare.*not permitted'
tap_like "the same for mount" "$out" 'mount: permission denied'
tap_like "/sys is read-only" "$(said sys)" ' ro,'
tap_is "so is /proc/sys" "$(said ro)" proc/sys
tap_is "chroot, as capabilities say" "$(said chroot)" yes
tap_is "nodes can be made, and the harmless ones used" "$(said null)" yes
tap_like "others not" "$out" 'mem.*not permitted'
tap_like "HOSTNAME is the host's name, the short id" "$(said host)" '^([0-9a-f]{12}) \1$'
tap_is "HOME is root's" "$(said home)" /root

tap_comment <<<"the process"
printf '%s\n' '# a comment' FROM=file 'FILE=a b' OWN NONE >"$it_tmp/env"
printf 'l1=x\nl2\n' >"$it_tmp/labels"
OWN=mine f 'echo "id: $(id -u):$(id -g) $(id -G)"; echo "env: $FROM|$FILE|$OWN|$NONE|$E"; umask
	echo "pwd: $PWD"; echo "host: $(hostname)"; cat /proc/sys/kernel/domainname
	echo "nofile: $(ulimit -Sn) $(ulimit -Hn)"; echo "core: $(ulimit -c)"
	cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status
	echo "eff: $(grep CapEff /proc/self/status)"; ls -ld $PWD' \
	-u user:staff --group-add 7 --group-add root --env-file "$it_tmp/env" -e E=1 -e FROM=flag \
	-w /made/here -h web --domainname example --ulimit nofile=100:200 --ulimit core=0 \
	--oom-score-adj 300 --umask 0027 --security-opt no-new-privileges
tap_is "-u USER:GROUP, --group-add" "$(said id)" "1000:50 50 0 7"
tap_is "-e over --env-file over the image" "$(said env)" "flag|a b|mine||1"
tap_is "-w makes the folder" "$(said pwd)" /made/here
tap_is "-h" "$(said host)" web
line "--domainname" example
tap_is "--ulimit" "$(said nofile) $(said core)" "100 200 0"
line "--oom-score-adj" 300
line "--umask" 0027
tap_like "--security-opt no-new-privileges" "$out" 'NoNewPrivs:.*1'
tap_like "a user's program has no capabilities" "$(said eff)" 0000000000000000
f 'id -u; id -g; echo $HOME' -u 4242:4343
tap_is "-u by numbers that are in no file" "$out" $'4242\n4343\n/'
no "an unknown user" 'no user "nobody".*number' -u nobody
no "an unknown group" 'no group' -u root:none
no "a pattern of variables" 'pattern' -e 'A*'
no "a bad limit" '--ulimit nofile=2:1' --ulimit nofile=2:1
c create --name labelled --label-file "$it_tmp/labels" -l l1=over --annotation note=1 box
c inspect labelled
tap_is "--label-file, -l, and the image's" \
	"$(jq -c '.[0].Config.Labels' <<<"$out")" '{"l1":"over","l2":"","made":"test"}'

tap_comment <<<"capabilities and security"
f 'grep CapEff /proc/self/status' --cap-drop ALL --cap-add net_raw --cap-add CAP_KILL
tap_like "--cap-drop ALL, --cap-add" "$out" 0000000000002020
f 'grep CapEff /proc/self/status; unshare -n true && echo unshared' --cap-add SYS_ADMIN
tap_like "a capability brings its system calls" "$out" unshared
f 'grep Seccomp: /proc/self/status; unshare -U true && echo unshared' \
	--security-opt seccomp=unconfined
tap_like "seccomp=unconfined" "$out" 'Seccomp:.*0'
cat >"$it_tmp/profile.json" <<'END'
{ "defaultAction": "SCMP_ACT_ALLOW",
  "archMap": [ { "architecture": "SCMP_ARCH_X86_64", "subArchitectures": [ "SCMP_ARCH_X86" ] },
	       { "architecture": "SCMP_ARCH_AARCH64" } ],
  "syscalls": [
	{ "names": [ "mkdir", "mkdirat" ], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 },
	{ "names": [ "symlink", "symlinkat" ], "action": "SCMP_ACT_ERRNO",
	  "includes": { "caps": [ "CAP_SYS_ADMIN" ] } } ] }
END
f 'mkdir /tmp/x; ln -s a /tmp/y && echo linked' --security-opt "seccomp=$it_tmp/profile.json"
tap_like "seccomp=FILE, docker's format" "$err" 'No space left'
tap_is "a rule for another capability does not count" "$out" linked
f 'cat /proc/cpuinfo | wc -c; wc -c </proc/timer_list' \
	--security-opt mask=/proc/cpuinfo --security-opt unmask=/proc/timer_list
tap_is "mask=" "${out%%$'\n'*}" 0
f 'grep -cE " /proc/(sys|kcore|keys) " /proc/mounts' --security-opt systempaths=unconfined
tap_is "systempaths=unconfined" "$out" 0
f 'grep Seccomp: /proc/self/status; grep " /sys " /proc/mounts; ls /dev | wc -l
	grep -c " /proc/sys " /proc/mounts; [ -e /dev/ptmx ] && [ -e /dev/pts ] && echo terminals' \
	--privileged
tap_like "--privileged: no filter" "$out" 'Seccomp:.*0'
tap_like "/sys can be written" "$out" ' rw,'
tap_like "and it has its own terminals" "$out" terminals
no "an unknown option" 'security-opt frob' --security-opt frob
no "an unknown capability" 'cap-add FROB' --cap-add FROB

tap_comment <<<"devices"
f 'ls -l /dev/mine; echo x >/dev/mine && echo written; cat </dev/mine && echo read' \
	--device /dev/zero:/dev/other:r --device /dev/null:/dev/mine:w
tap_like "--device HOST:INSIDE" "$out" '1, +3'
if [ -d /dev/net ]; then
	f 'mknod /tmp/tun c 10 200; : </tmp/tun && echo opened; : >>/tmp/tun && echo written' \
		--device-cgroup-rule 'c 10:200 rm'
	tap_is "--device-cgroup-rule" "$out" opened
	f 'ls /dev/net' --device /dev/net
	tap_like "--device with a folder" "$out" tun
else
	tap_skip "--device-cgroup-rule" "no /dev/net here"
	tap_skip "--device with a folder" "no /dev/net here"
fi
no "a file" 'no device' --device /etc/passwd
no "a device that is not there" 'No such file|no such file' --device /dev/no-such
gpus()
{
	local how want

	# shellcheck disable=SC2016 # for jq
	cat >"$it_tmp/gpus.sh" <<'END'
mount -t tmpfs none /run && mkdir -p /run/cdi /run/lock
jq -n '{ cdiVersion: "0.6.0", kind: "nvidia.com/gpu", devices: [ ["0", "1", "2", "GPU-ab", "all"][] |
	{ name: ., containerEdits: { env: ["GPU_" + sub("-"; "_") + "=1"] } } ] }' >/run/cdi/nvidia.json
"$@"
END
	while read -r how want; do
		it_try unshare -m timeout 60 bash "$it_tmp/gpus.sh" "$CAISSON" --root "$it_tmp/lib" \
			--state "$it_tmp/run" run --rm --network none --gpus "$how" box \
			sh -c 'env | sed -n "s/^GPU_\(.*\)=1/\1/p" | sort | paste -s -d " "' </dev/null
		tap_is "--gpus $how" "$out$err" "$want"
	done <<'END'
all all
2 0 1
device=1 1
"device=0,GPU-ab" 0 GPU_ab
END
}
if [[ $(readlink -f "$it_tmp") = /run/* ]]; then
	tap_skip "a device of CDI" "/run is in use for the test itself"
elif [ ! -e /etc/cdi ]; then
	# the host's folder is in a mount namespace of the test's own
	cat >"$it_tmp/cdi.sh" <<'END'
mount -t tmpfs none /run && mkdir -p /run/cdi /run/lock
cat >/run/cdi/test.json <<'JSON'
{ "cdiVersion": "0.6.0", "kind": "example.com/thing", "containerEdits": { "env": [ "ALL=1" ] },
  "devices": [ { "name": "one", "containerEdits": {
	"env": [ "ONE=1" ],
	"deviceNodes": [ { "path": "/dev/thing", "hostPath": "/dev/null" } ],
	"mounts": [ { "hostPath": "/etc/hostname", "containerPath": "/thing/file",
		      "options": [ "ro", "nosuid" ] } ] } } ] }
JSON
"$@"
END
	it_try unshare -m timeout 60 bash "$it_tmp/cdi.sh" "$CAISSON" --root "$it_tmp/lib" \
		--state "$it_tmp/run" run --rm --network none --device example.com/thing=one box \
		sh -c 'ls -l /dev/thing; echo $ALL$ONE; cat /thing/file' </dev/null
	if [ "$status" = 125 ] && [ "$(readlink -f /var/run)" != /run ]; then
		tap_skip "a device of CDI" "/var/run is not /run here"
	else
		tap_like "a device of CDI" "$out$err" '1, +3(.|\s)*11'
		gpus # of nvidia-ctk's form
	fi
else
	tap_skip "a device of CDI" "/etc/cdi is the host's own"
fi
no "an unknown CDI device" 'no file' --device example.com/thing=none
no "a GPU that no file has" 'CDI device nvidia.com/gpu=GPU-none: no file' --gpus device=GPU-none
c create --name gpus --network none --gpus all box
c start gpus
tap_like "create --gpus: start tells it" "$status $err" '^125 .*nvidia.com/gpu=all'
no "no number of GPUs" 'option --gpus: "0" is not all' --gpus 0
no "what CDI cannot say" 'option --gpus: "device=0,capabilities=compute" is not' --gpus device=0,capabilities=compute

tap_comment <<<"mounts"
mkdir -p "$it_tmp/host/sub"
echo text >"$it_tmp/host/file"
mount -t tmpfs none "$it_tmp/host/sub"
echo below >"$it_tmp/host/sub/file"
f 'cat /a/file /a/sub/file; touch /a/x /a/sub/x; ls /b/sub; cat /c; ls -d /made' \
	-v "$it_tmp/host:/a:ro" \
	--mount "type=bind,src=$it_tmp/host,dst=/b,bind-nonrecursive,ro" \
	--mount "type=bind,\"source=$it_tmp/host/file\",target=/c,readonly" \
	-v "$it_tmp/host/new:/made"
tap_is "-v and --mount, also of files" "$out" $'text\nbelow\ntext\n/made'
tap_like ":ro" "$err" '/a/x: Read-only'
tap_like "also what is mounted below" "$err" '/a/sub/x: Read-only'
tap_check "-v makes a missing folder" test -d "$it_tmp/host/new"
no "--mount does not" 'no such|No such' --mount "type=bind,src=$it_tmp/host/none,dst=/x"
umount "$it_tmp/host/sub"
f 'grep -E " /(t|u|dev/shm) " /proc/mounts; touch /t/x' \
	--tmpfs /t:size=1m,mode=700,exec --mount type=tmpfs,dst=/u,tmpfs-size=2m,ro --shm-size 3m
tap_like "--tmpfs with options" "$out" '/t tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700'
tap_like "--mount type=tmpfs" "$out" '/u tmpfs ro,nosuid,nodev,noexec.*size=2048k'
tap_like "--shm-size" "$out" '/dev/shm .*size=3072k'
f 'touch /x; touch /data/x /dev/shm/x /t/x && echo written' --read-only -v flagvol:/data --tmpfs /t
tap_is "--read-only: volumes and tmpfs are not" "$out" written
f 'cat /data/seed; ls /data' -v flagvol:/data
tap_is "a volume keeps what was written" "$out" $'hello\nseed\nx'
f 'ls /data' -v flagempty:/data:nocopy
tap_is "nocopy" "$out" ""
c volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,mode=750 special
f 'grep " /data " /proc/mounts' -v special:/data
tap_like "a volume with options" "$out" '/data tmpfs .*size=1024k,mode=750'
c create --name holder -v flagvol:/data box
c volume rm flagvol
tap_like "a volume in use is not removed" "$status $err" '125 .*holder'
c rm holder labelled
c volume rm flagvol flagempty special
tap_is "one that nobody uses is" "$status" 0
f 'touch /data/x' -v /data
c volume ls -q
tap_is "an anonymous one goes with --rm" "$out" ""
no "two mounts on one place" 'two mounts' -v /tmp:/a -v /var:/a
no "an option that is not there" '"U" is not there' -v /tmp:/a:U

tap_comment <<<"namespaces"
f 'echo "pids: $(ls -d /proc/[0-9]* | wc -l)"; hostname' --pid host --uts host
tap_is "--uts host" "$(tail -n 1 <<<"$out")" "$(hostname)"
tap_check "--pid host" test "$(said pids)" -gt 2
f 'ls /dev/shm' --ipc host
tap_is "--ipc host" "$status" 0
f 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni
	cat /proc/sys/net/ipv4/ip_unprivileged_port_start' \
	--sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmni=99
tap_is "--sysctl, and ports for everybody" "$out" $'1\n99\n0'
no "the host's sysctl" 'whole host' --sysctl kernel.panic=1
c run --rm --network host --sysctl net.ipv4.ip_forward=1 box true
tap_like "refused: the host network's sysctl" "$status $err" '125 .*would change the host'

tap_comment <<<"user namespaces"
if unshare -U true 2>/dev/null; then
	chmod 711 "$it_tmp" # the container's root has to pass
	f 'cat /proc/self/uid_map; stat -c %u /bin/busybox /data/seed /etc/hosts; touch /x /data/x && id -u' \
		--uidmap 0:100000:65536 -v /data
	if [[ $err = *"cannot"* || $err = *"map the ids"* ]]; then
		tap_skip "--uidmap: its files are its own" "${err##*: }"
	else
		tap_is "--uidmap: its files are its own" "$(tr -s ' \n' ' ' <<<"$out")" \
			" 0 100000 65536 0 0 0 0 "
	fi
	c create --name auto1 --userns auto box
	c create --name auto2 --userns auto box
	tap_is "--userns auto: ids of their own" "$(jq -r '.uidmap[]?' \
		"$it_tmp"/lib/containers/*/record.json | grep -c '^0:[0-9]*:65536$')" 2
	c rm auto1 auto2
else
	tap_skip "--uidmap: its files are its own" "no user namespaces here"
	tap_skip "--userns auto: ids of their own" "no user namespaces here"
fi
no "a bad mapping" 'CONTAINER-ID:HOST-ID:SIZE' --uidmap 0:1

tap_comment <<<"hosts and names"
f 'cat /etc/hosts; cat /etc/resolv.conf; cat /etc/hostname' -h web --add-host a:192.0.2.1 \
	--add-host b:2001:db8::1 --dns 192.0.2.53 --dns-search x.example --dns-option ndots:3
tap_like "--add-host" "$out" $'192.0.2.1\ta'
tap_like "also of IPv6" "$out" $'2001:db8::1\tb'
tap_like "--dns, --dns-search, --dns-option" "$(tr '\n' ' ' <<<"$out")" \
	'nameserver 192.0.2.53 search x.example options ndots:3 web'

tap_comment <<<"resources"
f "$(cg memory/memory.limit_in_bytes memory.max); $(cg memory/memory.soft_limit_in_bytes memory.low)
	$(cg cpu/cpu.cfs_quota_us cpu.max); $(cg cpuset/cpuset.cpus cpuset.cpus); $(cg pids/pids.max pids.max)" \
	-m 64m --memory-reservation 32m --cpus 0.5 --cpuset-cpus 0 --pids-limit 50
tap_like "-m, --memory-reservation, --cpus, --cpuset-cpus, --pids-limit" "$(tr '\n' ' ' <<<"$out")" \
	'^67108864 33554432 50000( 100000)? 0 50 $'
f "$(cg pids/pids.max pids.max)"
tap_is "2048 processes unless more are asked for" "$out" 2048
no "too little memory" '--memory' -m 1m
no "two ways to say a quota" '--cpus' --cpus 1 --cpu-quota 1000

tap_comment <<<"--init and --systemd"
if [ "${SANITIZE-}" = yes ]; then
	tap_skip "--init" "with sanitizers it is not static, and they are not inside"
else
	f 'cat /proc/1/comm; (sleep 0 &); sleep 0.2; ps | grep -c "\[sleep\]"; exit 9' --init
	tap_like "--init: process 1 is the small init" "$out" 'caisson-init'
	tap_is "and its status is the program's" "$status" 9
fi
f 'grep -E " /(run|run/lock|tmp) tmpfs" /proc/mounts | wc -l; echo $container
	for d in /sys/fs/cgroup/pids /sys/fs/cgroup; do [ -e $d/cgroup.procs ] && break; done
	mkdir $d/mine && rmdir $d/mine && echo cgroups' --systemd
tap_is "--systemd: tmpfs, its name, its own cgroups" "$out" $'3\ncaisson\ncgroups'
c create --name sys --systemd box
c inspect sys
tap_is "it is stopped by SIGRTMIN+3" "$(jq -r '.[0].Config.StopSignal' <<<"$out")" SIGRTMIN+3
eng_done
