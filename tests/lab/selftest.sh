#!/bin/bash
# The lab keeps its promises. Run on the machine itself; boots it a dozen times.
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/caisson-labtest.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# What run itself makes goes here, so that leftovers are seen.
mkdir "$tmp/runs"
cd "$tmp" || exit 1

# $out, $err, $status as the lab gave them.
lab() # ARGUMENT...
{
	TMPDIR=$tmp/runs "$here/run" --boot-timeout 280 "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(tr -d '\0' <"$tmp/out")
	err=$(<"$tmp/err")
}

lab true
[ "$status" != 120 ] || tap_skip_all "$err"
tap_is "a command that says nothing" "$status:$out:$err" "0::"

# --- the command line, without a boot -------------------------------------------------------------

lab
tap_like "no command is wrong usage" "$status:$err" '^2:lab: no command'
lab --smp many true
tap_like "a number that is none" "$status:$err" "^2:lab: --smp wants a number"
lab --cgroup v3 true
tap_like "a cgroup mode that is none" "$status:$err" '^2:lab: --cgroup is'
lab --help
tap_like "--help" "$status:$out" '^0:Usage: tests/lab/run'
# Every program but two that the lab needs.
mkdir "$tmp/few"
ln -s /usr/bin/* "$tmp/few/"
rm -f "$tmp/few/qemu-system-x86_64" "$tmp/few/cpio"
it=$(PATH=$tmp/few "$here/run" true 2>&1)
tap_like "what is missing is named, with the command that installs it" "$?:$it" \
	'^120:lab: missing: .*; apt-get install --no-install-recommends cpio qemu-system-x86$'

# --- streams, status, environment -----------------------------------------------------------------

head -c 5000000 /dev/urandom >"$tmp/big"
lab sh -c "cat big; echo aside >&2; exit 37"
tap_check "5 MB of any bytes come through whole" cmp "$tmp/big" "$tmp/out"
tap_is "so do the other stream and the status" "$status:$err" "37:aside"

lab sh -c 'kill -9 $$'
tap_is "a signal is 128 and its number" "$status" 137
lab nosuchcommand
tap_like "a command that is not there" "$status:$err" '^127:.*nosuchcommand'

mkdir "$tmp/share, 'd" "$tmp/ro"
export HANDED="over there" HIDDEN=1
head -c 300000 /dev/urandom >"$tmp/in"
# shellcheck disable=SC2016 # for the inner shell
lab --stdin --share "$tmp/share, 'd" --env HANDED --env "SET=a'b c" --env NOT_SET_HERE -- \
	bash -c 'pwd; echo "$HANDED:$SET:${HIDDEN-}:${NOT_SET_HERE-}"; cat >"$1/in"
		sleep 1000 & touch ro/x "$2"' x "$tmp/share, 'd" "/etc/caisson-lab-$$" <"$tmp/in"
tap_is "environment, current folder; what it leaves running ends with it" "$status:$out" \
	"0:$tmp
over there:a'b c::"
tap_check "standard input and a shared folder" cmp "$tmp/in" "$tmp/share, 'd/in"
tap_is "nothing else of the host is written" \
	"$(find "$tmp/ro" /etc/caisson-lab-$$ -mindepth 1 2>/dev/null; ls -d /etc/caisson-lab-* 2>/dev/null)" ""

# --- limits, deaths -------------------------------------------------------------------------------

lab --timeout 3 sh -c 'echo begun; sleep 1000'
tap_like "the time limit" "$status:$out:$err" '^124:begun:lab: time limit'
lab --timeout 60 sh -c 'echo begun; sleep 1; echo c >/proc/sysrq-trigger'
tap_like "a kernel that dies" "$status:$out:$err" '^122:begun:lab: died .*Kernel panic'
lab --append rdinit=/none true
tap_like "a kernel that does not boot" "$status:$err" '^121:lab: did not boot.*panic'

TMPDIR=$tmp/runs "$here/run" sh -c 'echo begun; sleep 1000' >"$tmp/out" 2>"$tmp/err" &
run=$!
while kill -0 $run && ! grep -q begun "$tmp/out"; do
	sleep 0.2
done
children=$(pgrep -P $run -d ' ')
kill -TERM $run
wait $run
tap_is "a signal ends it" "$?:$(<"$tmp/err")" "143:"
tap_like "QEMU and the forwarders were there" "$children" '[0-9]+ [0-9]+ [0-9]+'
# shellcheck disable=SC2086 # several pids
tap_is "and are gone" "$(ps -o pid= -p "${children// /,}")" ""

# --- what is inside -------------------------------------------------------------------------------

# A name and a value a line.
cat >"$tmp/inside" <<'IN'
echo "kernel $(uname -r | sed 's/[0-9.]*-[0-9]*-/X-/') $(hostname)"
echo "user $(id -u)"
echo "cpus $(nproc)"
echo "kvm $(perl -e 'open(F, "+<", "/dev/kvm") or die; print ioctl(F, 0xae00, 0), ":",
	ioctl(F, 0xae01, 0) > 2 ? "vm" : $!')"
echo "cgroup $(stat -f -c %T /sys/fs/cgroup)"
echo "controllers $(cat /sys/fs/cgroup/cgroup.subtree_control)"
mkdir -p /sys/fs/cgroup/t && echo "pids.max $(cat /sys/fs/cgroup/t/pids.max)"
echo "apparmor $(cat /sys/module/apparmor/parameters/enabled)"
[ -d /sys/kernel/security/apparmor ] && echo profiles
for m in vhost_net vhost_vsock loop erofs overlay fuse tun veth bridge nf_tables; do
	modprobe $m || echo "no $m"
done
for d in kvm net/tun fuse loop-control vhost-net vhost-vsock pts/ptmx; do
	[ -c /dev/$d ] || echo "no /dev/$d"
done
[ -b /dev/loop0 ] || echo "no loop devices"
echo "lo $(ip -br address show lo | tr -s ' ' | sed 's, $,,')"
for d in /dev/pts /dev/shm /dev/mqueue /sys/fs/bpf /sys/kernel/security "$TMPDIR"; do
	echo "$d $(stat -f -c %T $d)"
done
echo "memory $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1000 / 1000))"
mkdir "$TMPDIR"/{l,u,w,m} && mount -t overlay -o "lowerdir=$TMPDIR/l,upperdir=$TMPDIR/u,workdir=$TMPDIR/w" \
	o "$TMPDIR/m" && echo overlay
IN
lab --apparmor --smp 2 --mem 2200 bash "$tmp/inside"
tap_is "status, nothing to complain about" "$status:$err" "0:"
tap_is "cgroup v2, KVM, AppArmor, modules, file systems, devices" "$out" \
	"kernel X-amd64 lab
user 0
cpus 2
kvm 12:vm
cgroup cgroup2fs
controllers cpuset cpu io memory hugetlb pids rdma misc
pids.max max
apparmor Y
profiles
lo lo UNKNOWN 127.0.0.1/8 ::1/128
/dev/pts devpts
/dev/shm tmpfs
/dev/mqueue mqueue
/sys/fs/bpf bpf_fs
/sys/kernel/security securityfs
/run/tmp tmpfs
memory 2
overlay"

# Two at once: a cgroup layout each.
TMPDIR=$tmp/runs "$here/run" --cgroup v1 cat /proc/self/cgroup \
	/sys/module/apparmor/parameters/enabled >"$tmp/v1" 2>&1 &
lab --cgroup hybrid grep -E '^[0-9]*:(|memory|name=systemd):' /proc/self/cgroup
wait $!
tap_is "cgroup v1, no AppArmor unless asked for" "$?:$(cut -d : -f 2- "$tmp/v1" | LC_ALL=C sort | tr '\n' ' ')" \
	"0:N $(printf '%s:/ ' blkio cpu,cpuacct cpuset devices freezer hugetlb memory name=systemd \
		net_cls,net_prio perf_event pids rdma)"
tap_is "hybrid, beside it" "$status:$(cut -d : -f 2- <<<"$out" | LC_ALL=C sort | tr '\n' ' ')" \
	"0::/ memory:/ name=systemd:/ "

# Instructions are the clock: the same loop takes the same time twice.
# shellcheck disable=SC2016
lab --icount bash -c 'for n in 1 2 3; do
	s=$EPOCHREALTIME; for ((i = 0; i < 20000; i++)); do :; done; e=$EPOCHREALTIME
	echo $((10#${e/./} - 10#${s/./})); done'
mapfile -t t <<<"$out"
tap_check "--icount: a loop takes the same time each time, to 5 %" \
	test "$status" = 0 -a $(((t[2] - t[1]) * 20)) -lt "${t[1]:-0}" -a $(((t[1] - t[2]) * 20)) -lt "${t[1]:-0}"
tap_comment <<<"microseconds: ${t[*]}"

tap_is "no temporary file is left" "$(ls "$tmp/runs")" ""
tap_done
