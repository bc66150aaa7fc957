#!/bin/bash
# What can go wrong with a machine: its kernel, its agent, its monitor, its keeper, its memory, its
# streams. The command line returns with a documented status and says what happened; nothing stays.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
. "$(dirname "$0")/vmpackage.sh"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

# Starts the machine "m" and tells its processes: $keeper, $monitor, $vmm.
machine()
{
	caisson run -d --vm --network none --name m box sleep 1000 >/dev/null
	keeper=$(caisson inspect m --format '{{.State.Pid}}')
	monitor=$(caisson inspect m --format '{{.State.MonitorPid}}')
	vmm=$(pgrep -P "$keeper" -x vmm)
}
# Ends and removes it, whatever state it is in.
gone()
{
	vm rm -f m
	tap_is "rm -f" "$status" 0
	tap_empty "nothing of it is left" "$(pgrep -x vmm; pgrep -x vmm-fs; pgrep -x caisson-vm)"
}

tap_comment <<<"the guest's kernel and the agent"
# An initramfs that is not ours: this is its /init.
initramfs() # COMMAND
{
	rm -rf "$it_tmp/ini" && mkdir -p "$it_tmp/ini/bin"
	cp "$(command -v busybox)" "$it_tmp/ini/bin/busybox"
	printf '#!/bin/busybox sh\n%s\n' "$1" >"$it_tmp/ini/init" && chmod +x "$it_tmp/ini/init"
	(cd "$it_tmp/ini" && find . | cpio -o -H newc 2>/dev/null) >"$it_tmp/initrd"
}
given=(--kernel "$CAISSON_GUEST/vmlinux" --initrd "$it_tmp/initrd"
	--append "$(<"$CAISSON_GUEST/cmdline")")
initramfs 'exit 3'
vm run --rm --vm --network none "${given[@]}" box true
tap_like "an agent that ends is a panic: 125, with the kernel's words" "$status $err" \
	'^125 .*its machine has ended: panic: .*Attempted to kill init'
initramfs 'exec /bin/busybox sleep 10000'
# a shell's background job does not hear INT
python3 - "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" run --rm --vm --network none \
	"${given[@]}" box true >"$it_tmp/hung" 2>&1 <<'PY' &
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
p = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
open("/dev/stdout", "w").write("pid %d\n" % p.pid)
print("status", p.wait())
PY
hung=$!
it_wait 60 eval 'pgrep -x vmm >/dev/null'
kill -INT "$(awk '/^pid/ { print $2 }' "$it_tmp/hung")"
wait "$hung"
tap_like "one that says nothing: Ctrl-C ends the run" "$(<"$it_tmp/hung")" 'status -2$'
vm ps -aq
tap_is "and nothing stays of it" "$out$(pgrep -x vmm; pgrep -x caisson-vm)" ""

tap_comment <<<"memory"
vm run --vm --network none --memory 100m --name m box sh -c 'tail /dev/zero; echo it was $?'
tap_like "a program that takes it all is killed, the machine stays" "$status $out" '^(137 |0 it was 137)'
vm inspect m --format '{{.State.OOMKilled}}'
tap_is "and that is recorded" "$out" true
gone

tap_comment <<<"streams and processes"
vm run --rm --vm --network none box sh -c 'yes flood | head -c 30000000'
tap_is "a flood on stdout arrives, all of it" "$status $(printf '%s\n' "$out" | cksum)" \
	"0 $(yes flood | head -c 30000000 | cksum)"
machine
for n in {1..50}; do
	caisson exec m echo "$n" >"$it_tmp/storm.$n" 2>&1 </dev/null &
	it_pids+=($!)
done
for n in "${it_pids[@]}"; do
	wait "$n"
done
tap_is "fifty exec at once" "$(cat "$it_tmp"/storm.* | sort -n | tr '\n' ' ')" "$(seq -s ' ' 50) "
mkfifo "$it_tmp/fifo"
caisson exec m cat /dev/zero >"$it_tmp/fifo" 2>/dev/null &
it_pids+=($!)
exec 8<"$it_tmp/fifo" # nobody reads it
vm exec m echo still
tap_is "who does not read an exec's flood keeps no other one" "$out" still
exec 8<&-
gone

tap_comment <<<"processes of the host's"
machine
kill -STOP "$vmm" "$(pgrep -P "$vmm" -x vmm)" # the jail, and the machine in it
vm ps --format '{{.Names}} {{.Status}}'
tap_like "a machine that does not answer: ps" "$out" '^m Up'
vm top m
tap_like "top gives up" "$status $err" '^125 .*its machine does not answer'
vm stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}}' m
tap_is "stats does not make figures up" "$out" "m -- -- / --"
vm exec m true
tap_like "so does exec" "$status $err" '^125 .*its machine does not answer'
vm stop -t 2 m
tap_is "stop ends it" "$status" 0
vm inspect m --format '{{.State.Status}} {{.State.ExitCode}}'
tap_is "and that is noted" "$out" "exited 137"
gone
machine
kill -STOP "$keeper"
vm exec m true
tap_like "a keeper that does not answer" "$status $err" '^125 .*does not answer'
gone
machine
kill -KILL "$vmm"
vm wait m
tap_is "a machine that is killed: 125" "$out" 125
gone
machine
kill -KILL "$monitor"
it_wait 60 eval '! kill -0 "$vmm" 2>/dev/null'
vm ps -a --format '{{.Names}} {{.Status}}'
tap_like "its monitor is killed: ps tells, the machine has ended" "$out" '^m (Exited|Dead)'
gone

tap_comment <<<"disks"
mkdir "$it_tmp/small"
mount -t tmpfs -o size=4m "$it_tmp" "$it_tmp/small"
vm run --rm --vm --network none -v "$it_tmp/small:/mnt" box sh -c \
	'dd if=/dev/zero of=/mnt/f bs=64k count=200 2>&1; echo "status $?"; rm /mnt/f; echo ok >/mnt/g && cat /mnt/g'
tap_like "a full disk of the host's is the program's to deal with" "$out" \
	$'No space left on device\n(.*\n)*status 1\nok$'
umount "$it_tmp/small"
eng_done
