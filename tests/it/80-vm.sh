#!/bin/bash
# Machines boot Debian's cloud kernel, are seen in their jail, and end in every way there is. An
# emulated host does a part of it, for a boot takes many seconds there: 80-vmm.sh has the rest.
. "$(dirname "$0")/vmlib.sh"
some=
if [ -n "${CAISSON_LAB-}" ] && [ -z "${CAISSON_LAB_ALL-}" ]; then
	some=yes
fi

cpus=(1 2 4)
[ -z "$some" ] || cpus=(1)
for n in "${cpus[@]}"; do
	vm_run "exit$n" ".cpus = $n"
	tap_is "$n vCPUs: the guest's status arrives" \
		"$vm_status:$vm_reason:$(jq .status "$vm_tmp/result")" "0:exit:$n" || vm_tell
	tap_like "$n vCPUs: the guest sees them" "$(<"$vm_tmp/console")" "up with $n processors"
done
tap_like "the times of kernel and first process are told" \
	"$(jq -c .counters "$vm_tmp/result")" '"kernel_entry_us":[0-9]+,"user_space_us":[0-9]+'

# --- the power button
vm_start button
tap_check "it waits for its power button" vm_said "waits for the button" || vm_tell
tap_is "the button is pressed" "$(vm_ask '{"do":"power-button"}')" '{"ok":true}'
vm_wait 60
tap_is "it switches itself off when told" "$vm_status:$vm_reason" 0:power-off || vm_tell

if [ -n "$some" ]; then
	tap_skip "the jail, all other ends, entries and kernels" "an emulated host; CAISSON_LAB_ALL=1"
	tap_done
fi

# --- the jail and control, of one that stays
vm_start idle
tap_check "a machine idles" vm_said "guest: idles" || vm_tell
inner=$(pgrep -P "$vm_pid")
status=$(</proc/"$inner"/status)
tap_like "it is an unprivileged user" "$status" $'\nUid:\t65534\t65534\t65534\t65534\n'
tap_like "in no group but one" "$status" $'\nGroups:\t ?\n'
tap_like "without capabilities" "$status" \
	$'CapInh:\t0+\nCapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2'
threads=$(grep -L $'^Seccomp:\t2' /proc/"$inner"/task/*/status)
tap_empty "each thread has a filter of system calls" "$threads"
for ns in user mnt pid ipc net uts cgroup; do
	tap_check "it has a $ns namespace of its own" test \
		"$(readlink /proc/"$inner"/ns/$ns)" != "$(readlink /proc/self/ns/$ns)"
done
tap_empty "its root is empty" "$(ls -A /proc/"$inner"/root/)"
tap_check "and cannot be written to" bash -c "! touch /proc/$inner/root/x 2>/dev/null"
tap_like "no core file, few fds" "$(</proc/"$inner"/limits)" \
	'Max core file size +0 +0 .*Max processes +0 +0 .*Max open files +1024 +1024 '
tap_is "state" "$(vm_ask '{"do":"state"}')" '{"ok":true,"state":"running"}'
tap_is "pause and resume" "$(vm_ask '{"do":"pause"}' '{"do":"state"}' '{"do":"resume"}' '{"do":"state"}')" \
	'{"ok":true}
{"ok":true,"state":"paused"}
{"ok":true}
{"ok":true,"state":"running"}'
tap_like "counters" "$(vm_ask '{"do":"counters"}')" '"ok":true,"counters":.*"exits":."pio":[1-9]'
tap_like "a bad request" "$(vm_ask '{"do":"dance"}')" '"ok":false,"error":'
tap_is "stop" "$(vm_ask '{"do":"stop"}')" '{"ok":true}'
vm_wait 30
tap_is "it is stopped" "$vm_status:$vm_reason" 0:stopped

# --- ends
vm_run panic
tap_is "a panic is noticed" "$vm_status:$vm_reason" 3:panic || vm_tell
tap_like "and its message told" "$vm_text" "Kernel panic - not syncing: sysrq"

vm_run hang '.hang_seconds = 2 | .cpus = 2'
tap_is "a hang is noticed" "$vm_status:$vm_reason" 5:hang || vm_tell
vm_run poweroff
tap_is "it switches itself off" "$vm_status:$vm_reason" 0:power-off || vm_tell
vm_run reset
tap_is "it wants a reset" "$vm_status:$vm_reason" 0:reset || vm_tell
vm_cmdline+=' reboot=t' vm_run reset
tap_is "a triple fault is noticed" "$vm_status:$vm_reason" 4:triple-fault || vm_tell
vm_start idle
tap_check "one more idles" vm_said "guest: idles"
kill -TERM "$vm_pid"
vm_wait 30
tap_is "SIGTERM ends it" "$vm_status:$vm_reason" 0:stopped
vm_start idle
tap_check "and another" vm_said "guest: idles"
inner=$(pgrep -P "$vm_pid")
kill -KILL "$vm_pid"
vm_wait 30
for ((i = 0; i < 100; i++)); do
	kill -0 "$inner" 2>/dev/null || break
	sleep 0.1
done
tap_check "killed, nothing of it is left" bash -c "! kill -0 $inner 2>/dev/null"

# --- other entries
vm_run exit5 '.kernel.entry = "linux64"'
tap_is "the 64-bit entry of an ELF file" "$vm_status:$vm_reason" 0:exit || vm_tell
vm_kernel=$CAISSON_GUEST_KERNEL/bzImage
vm_run exit5
tap_is "a bzImage" "$vm_status:$vm_reason" 0:exit || vm_tell

# --- the tailored kernel: no ACPI, no modules
vm_kernel=$vm_tmp/vmlinux
kernels=("true:$vm_kernel:$vm_initramfs:$vm_cmdline")
tailored=${XDG_CACHE_HOME:-$HOME/.cache}/caisson/guest-tailored
if [ -s "$tailored/current" ]; then
	tailored+=/$(<"$tailored/current")
	vm_kernel=$vm_tmp/tailored
	vm_initramfs=$vm_tmp/initramfs-tailored
	vm_cmdline="console=ttyS0 quiet loglevel=1 panic=-1 reboot=k $(<"$tailored/cmdline")"
	cp "$tailored/vmlinux" "$vm_kernel"
	"$vm_here/../../kvm/guest/initramfs" "$vm_build/tests/guest/init" "$vm_initramfs"
	kernels+=("false:$vm_kernel:$vm_initramfs:$vm_cmdline")
	for n in 1 2 4; do
		vm_run "exit$n" ".cpus = $n | .acpi = false"
		tap_is "tailored, $n vCPUs: the guest's status arrives" \
			"$vm_status:$vm_reason:$(jq .status "$vm_tmp/result")" "0:exit:$n" || vm_tell
		tap_like "tailored, $n vCPUs: the guest sees them" "$(<"$vm_tmp/console")" \
			"up with $n processors"
	done
	vm_run reset '.acpi = false'
	tap_is "tailored: it wants a reset" "$vm_status:$vm_reason" 0:reset || vm_tell
	vm_run panic '.acpi = false'
	tap_is "tailored: a panic is noticed" "$vm_status:$vm_reason" 3:panic || vm_tell
else
	tap_skip "the tailored kernel" "it is not built: make guest-kernel"
fi

# --- 50 in a row, of both kernels in turns
if [ -z "${CAISSON_LONG-}" ]; then
	tap_skip "50 boots in a row" "minutes; set CAISSON_LONG=1"
else
	failed=0
	for ((i = 0; i < 50; i++)); do
		IFS=: read -r acpi vm_kernel vm_initramfs vm_cmdline <<<"${kernels[i % ${#kernels[@]}]}"
		vm_run "exit$i" ".cpus = $((1 << i % 3)) | .acpi = $acpi"
		[ "$vm_reason:$(jq .status "$vm_tmp/result")" = "exit:$i" ] || {
			failed=$((failed + 1))
			vm_tell
		}
	done
	tap_is "50 boots in a row of ${#kernels[@]} kernels, failures" "$failed" 0
fi
tap_done
