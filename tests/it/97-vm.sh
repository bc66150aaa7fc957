#!/bin/bash
# Containers in machines of their own, --isolation=vm: what a person types, and the OCI runtime.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"

if ! grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo || [ ! -e /dev/kvm ]; then
	tap_skip_all "/dev/kvm that runs Linux is not here; the lab has it"
fi
command -v cpio >/dev/null || tap_skip_all "cpio is not installed"
build=$(dirname "$CAISSON_OCI")
unset CAISSON_GUEST
if [ -z "${CAISSON_GUEST_KERNEL-}" ]; then
	CAISSON_GUEST_KERNEL=$("$build/debian-kernel" "$build/unpack-kernel" \
		"${XDG_CACHE_HOME:-$HOME/.cache}/caisson/guest") ||
		tap_skip_all "there is no guest kernel, and none can be downloaded"
fi
export CAISSON_GUEST_KERNEL
mount -t tmpfs guest /var/lib || exit # nobody else sees it; the guest package goes there
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

# A machine that is emulated takes its time.
vm() # COMMAND [ARGUMENT...]
{
	it_try caisson "$@" </dev/null
}

tap_comment <<<"run"
CAISSON_GUEST_KERNEL=/nowhere vm run --rm --vm --network none box true
tap_like "a guest package that cannot be made" "$status $err" \
	'^125 .*make the guest package by .*make-guest: .*/nowhere'
vm run --rm --vm --network none box true
tap_is "one is made by the first that needs it" "$status $(cat /var/lib/caisson/guest/version)" \
	"0 $("$build/guest-init" --version)"
export CAISSON_GUEST=/var/lib/caisson/guest
vm run --rm --vm --network none box sh -c 'echo out; echo err >&2; uname -r; exit 7'
tap_is "what it prints, from a kernel of its own" "$out" $'out\n'"$(<"$CAISSON_GUEST_KERNEL/release")"
tap_is "its stderr" "$err" err
tap_is "its exit status" "$status" 7
it_try sh -c "echo from-stdin | timeout 120 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
	run -i --rm --vm --network none -m 100m -u user -w /tmp box \
	sh -c 'cat; id -un; pwd; cat /sys/fs/cgroup/memory.max'"
tap_is "-i, -u, -w, -m" "$out" $'from-stdin\nuser\n/tmp\n104857600'
vm run --rm --vm --network none -v "$it_tmp/home:/mnt:ro" -v vol:/data box sh -c 'touch /mnt/x
	cat /data/seed; echo kept >/data/kept; sh -c "kill -9 \$\$"; exit $?'
tap_like "a read-only volume" "$err" "touch: /mnt/x: Read-only file system"
tap_is "a volume is filled from the image" "$out" hello
tap_is "ended by a signal: 128 + n" "$status" 137
vm run --rm --network none -v vol:/data box cat /data/kept
tap_is "a volume keeps what was written, for containers of both kinds" "$out" kept
vm run --rm --vm --network none box no-such-program
tap_is "no such program: 127" "$status" 127
tap_like "and it says so" "$err" no-such-program

tap_comment <<<"detached"
mkdir "$it_tmp/ticks"
ticks()
{
	stat -c %s "$it_tmp/ticks/t"
}
vm run -d --vm --network none --name m -e A=1 -v "$it_tmp/ticks:/ticks" box sh -c '
	trap "echo bye; exit 3" TERM; echo up
	while :; do echo >>/ticks/t; sleep 0.2; done'
tap_is "run -d" "$status" 0
vm exec -e B=2 m sh -c 'echo $A$B; cat /proc/1/comm; exit 4'
tap_is "exec: its output" "$out" $'12\nsh'
tap_is "and its status" "$status" 4
it_try sh -c "head -c 300000 /dev/zero | timeout 120 '$CAISSON' --root '$it_tmp/lib' \
	--state '$it_tmp/run' exec -i m sh -c 'cat | wc -c; cat /nowhere'"
tap_is "exec -i: all of a long input arrives" "$out" 300000
tap_like "and stderr comes apart" "$err" nowhere
vm exec -t m sh -c 'test -t 0 && tty'
tap_like "exec -t: a terminal" "$out" /dev/pts/0
vm exec m no-such-program
tap_is "exec: no such program: 127" "$status" 127
vm ps --format '{{.Names}} {{.Status}}'
tap_like "ps" "$out" '^m Up'
vm inspect m --format '{{.Isolation}}'
tap_like "inspect" "$out" '^vm$'
vm logs m
tap_is "logs" "$out" up
vm pause m
tap_is "pause" "$status" 0
vm ps --format '{{.Names}} {{.Status}}'
tap_like "ps shows it" "$out" '^m Up .*\(Paused\)$'
vm exec m true
tap_like "exec in it is refused" "$status $err" "^125 .*m is paused"
vm top m
tap_like "nothing of it can be asked" "$status $err" "^125 .*paused: unpause it"
vm stats --no-stream --format '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}' m
tap_is "stats does not make figures up" "$status $out" "0 -- -- / -- --"
stopped=$(ticks)
sleep 3
tap_is "nothing in it runs" "$(ticks)" "$stopped"
vm unpause m
tap_is "unpause" "$status" 0
tap_check "and it runs on" it_wait 60 eval '[ "$(ticks)" -gt "$stopped" ]'
vm update --pids-limit 50 --memory 64m m
tap_is "update" "$status" 0
vm exec m sh -c 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max'
tap_is "its limits are others" "$out" $'50\n67108864'
vm update --memory 64g m
tap_like "more than the machine has is refused" "$status $err" \
	"^125 .*memory: the machine has 512 MiB"
vm exec m cat /sys/fs/cgroup/memory.max
tap_is "and changes nothing" "$out" 67108864
echo "from the host" >"$it_tmp/put"
vm cp "$it_tmp/put" m:/tmp/put
vm exec m cat /tmp/put
tap_is "cp, to it" "$out" "from the host"
vm cp m:/www/index.html "$it_tmp/got"
tap_is "and from it" "$(cat "$it_tmp/got")" page
vm cp m:/../../../etc/debian_version "$it_tmp/host"
tap_is "but not from the host" "$status $([ -e "$it_tmp/host" ] && echo there)" "125 "
vm run --rm --network none --pid container:m box true
tap_like "its namespaces are not shared" "$err" "runs in a machine"
vm top m
tap_like "top" "$out" 'root +[0-9]+ .* [0-9:]+ sh -c '
vm top m -o pid
tap_like "ps's options are refused, by name" "$err" 'options of ps.*not with isolation "vm"'
vm stop -t 100 m
tap_is "stop" "$status" 0
vm logs m
tap_is "it was told to end" "$out" $'up\nbye'
vm inspect m --format '{{.State.ExitCode}}'
tap_is "and its status is kept" "$out" 3
vm start m
tap_is "start again" "$status" 0
vm pause m
tap_is "pause it" "$status" 0
vm kill m
vm wait m
tap_is "kill, of a paused one" "$out" 137
vm rm m
tap_is "rm" "$status" 0

yes | caisson run -i --rm --vm --network none --name m box sh -c 'trap "exit 3" TERM; echo up
	while :; do sleep 0.2; done' >"$it_tmp/fed" 2>&1 &
fed=$!
it_wait 100 grep -q up "$it_tmp/fed"
vm stop -t 100 m
status=0
wait "$fed" || status=$?
tap_is "one that does not read its stdin is told to end" "$status" 3

vm run --vm --network none --name o -m 32m box tail /dev/zero
tap_is "out of memory in the machine: 137" "$status" 137
vm inspect o --format '{{.State.OOMKilled}}'
tap_is "and it is recorded" "$out" true
vm rm o

tap_comment <<<"networks"
caisson run -d --name web box httpd -f -h /www >/dev/null
vm run --rm --vm box sh -c 'wget -qO- http://web/; ip -o -4 addr show eth0 | wc -l; hostname -i'
tap_like "a machine on the default network reaches a member by its name" "$out" '^page'
vm run -d --vm --name site -p 8099:80 --network-alias pages box httpd -f -h /www
tap_is "one with a published port" "$status" 0
port() { wget -qO- http://127.0.0.1:8099/ 2>/dev/null; }
answers() { [ "$(port)" = page ]; }
it_wait 20 answers
tap_is "the port leads into it" "$(port)" page
vm exec web wget -qO- http://pages/
tap_is "and members find it by its alias" "$out" page
vm rm -f site web
tap_is "rm -f" "$status" 0

vm check
tap_like "check runs one" "$out" 'PASS run: machine'

tap_comment <<<"what goes wrong"
vm run -d --vm --network none --name m box sleep 1000
pid=$(caisson inspect m --format '{{.State.Pid}}')
monitor=$(pgrep -P "$pid" -x vmm)
kill -KILL "$monitor"
vm wait m
tap_is "the monitor is killed: 125" "$out" 125
vm logs m
tap_like "and the log says it" "$out$err" "its machine has ended"
vm rm m
vm run -d --vm --network none --name m box sleep 1000
kill -KILL "$(caisson inspect m --format '{{.State.Pid}}')"
vm wait m
tap_is "the keeper is killed: 137" "$out" 137
vm rm m
tap_is "and rm finds nothing in its way" "$status" 0
given=(--kernel "$CAISSON_GUEST/vmlinux" --initrd "$CAISSON_GUEST/initramfs"
	--append "$(<"$CAISSON_GUEST/cmdline") loglevel=6 said=this")
CAISSON_GUEST=/nowhere vm run --name b --vm --network none "${given[@]}" box cat /proc/cmdline
tap_like "--kernel, --initrd, --append, without a package" "$out" ' said=this'
vm logs --boot b
tap_like "logs --boot: what the kernel said" "$out" 'Linux version [0-9]'
vm logs --boot -f b
tap_like "and no other option with it" "$status $err" '^125 .*option --boot'
vm rm b
vm create --network none "${given[@]}" box
tap_like "they are of a machine" "$status $err" '^125 .*--append are of a machine: --vm'
vm create --network none --name b box
vm logs --boot b
tap_like "and so is that log" "$status $err" '^125 .*b is not in a machine'
vm rm b
CAISSON_GUEST=/nowhere vm run --rm --vm --network none box true
tap_is "no guest package: 125" "$status" 125
tap_like "it says what makes one" "$err" make-guest
: >"$it_tmp/empty"
mkdir "$it_tmp/bad"
cp "$CAISSON_GUEST/cmdline" "$CAISSON_GUEST/initramfs" "$it_tmp/bad"
cp "$it_tmp/empty" "$it_tmp/bad/vmlinux"
CAISSON_GUEST=$it_tmp/bad vm run --rm --vm --network none box true
tap_is "a kernel that is none: 125" "$status" 125
tap_like "the monitor says why" "$err" "its machine has ended: .*kernel"
vm run --rm --vm --network host box true
tap_like "the host's network is refused, by name" "$err" "option --network: not with isolation"
vm run --rm --vm --network none --pid host box true
tap_like "and what is the host's kernel's" "$err" "option --pid: not with isolation"
tap_empty "no process of a machine is left" \
	"$(pgrep -x vmm; pgrep -x vmm-fs; pgrep -x caisson-vm)"
eng_done
