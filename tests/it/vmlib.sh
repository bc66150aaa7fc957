# What tests of the virtual machine monitor share, on top of tests/tap.sh: kernels, an initramfs, and
# machines. They run where /dev/kvm runs Linux: on a machine with KVM of its own, or in the lab.
# shellcheck shell=bash
# shellcheck disable=SC2034 # results are for the test

vm_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm_build=${top_builddir:-$vm_here/../../build}
. "$vm_here/../tap.sh"

if ! grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo || [ ! -e /dev/kvm ]; then
	tap_skip_all "/dev/kvm that runs Linux is not here; the lab has it"
fi
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
for vm_tool in cpio jq python3; do
	command -v "$vm_tool" >/dev/null || tap_skip_all "$vm_tool is not installed"
done
for vm_file in vmm unpack-kernel tests/guest/init; do
	[ -x "$vm_build/$vm_file" ] || {
		echo "Bail out! $vm_build/$vm_file is not there: build first"
		exit 1
	}
done

# The kernel's folder: given (the lab has no network), or the cache's.
: "${CAISSON_GUEST_KERNEL:=}"
if [ -z "$CAISSON_GUEST_KERNEL" ]; then
	CAISSON_GUEST_KERNEL=$("$vm_here/../../kvm/guest/debian-kernel" "$vm_build/unpack-kernel" \
		"${XDG_CACHE_HOME:-$HOME/.cache}/caisson/guest") ||
		tap_skip_all "there is no guest kernel, and none can be downloaded"
fi

vm_tmp=$(mktemp -d "${TMPDIR:-/tmp}/caisson-vm.XXXXXX")
vm_pid=''
trap vm_cleanup EXIT
trap 'exit 1' INT TERM HUP

# A subshell that is killed as soon as it is there still has this shell's traps.
vm_cleanup()
{
	[ "$BASHPID" = $$ ] || return
	[ -z "$vm_pid" ] || kill -KILL "$vm_pid" 2>/dev/null
	wait 2>/dev/null
	rm -rf -- "$vm_tmp"
}

# Copies, since the lab's root is a slow one.
vm_kernel=$vm_tmp/vmlinux
vm_initramfs=$vm_tmp/initramfs
cp "$CAISSON_GUEST_KERNEL/vmlinux" "$vm_kernel"
"$vm_here/../../kvm/guest/initramfs" "$vm_build/tests/guest/init" "$vm_initramfs" \
	"$CAISSON_GUEST_KERNEL/modules"
vm_cmdline="console=ttyS0 quiet loglevel=1 panic=-1 $(<"$CAISSON_GUEST_KERNEL/cmdline")"

# The config of a machine that does WHAT (see tests/guest/init.c), changed by a jq filter. Its fds are
# 10 the kernel, 11 the initramfs, 12 the result, 13 the control socket.
vm_config() # WHAT [JQ-FILTER]
{
	jq -n --arg cmdline "$vm_cmdline guest=$1" '{ version: 1, cpus: 1, memory: 134217728,
		kernel: { fd: 10, cmdline: $cmdline }, initramfs: [ 11 ], serial: { out: 1 },
		control: 13, result: 12 } | '"${2:-.}" >"$vm_tmp/config"
}

# Starts it in the background: $vm_pid, its console in $vm_tmp/console.
vm_start() # WHAT [JQ-FILTER]
{
	vm_config "$@"
	rm -f "$vm_tmp/control" "$vm_tmp/result"
	exec 10<"$vm_kernel" 11<"$vm_initramfs" 12>"$vm_tmp/result"
	python3 "$vm_here/vm.py" serve "$vm_tmp/control" 13 "$vm_build/vmm" "$vm_tmp/config" \
		>"$vm_tmp/console" 2>"$vm_tmp/err" </dev/null &
	vm_pid=$!
	exec 10<&- 11<&- 12>&-
}

# Waits for its end, at most so long; $vm_status, and $vm_reason and $vm_text of the result.
vm_wait() # SECONDS
{
	local end=$((SECONDS + $1))

	# by the clock: where all is emulated, a guest that turns round leaves this loop little
	while ((SECONDS < end)) && kill -0 "$vm_pid" 2>/dev/null; do
		sleep 0.25
	done
	((SECONDS < end)) || kill -KILL "$vm_pid" 2>/dev/null
	vm_status=0
	wait "$vm_pid" 2>/dev/null || vm_status=$?
	vm_pid=''
	vm_reason=$(jq -r .reason "$vm_tmp/result")
	vm_text=$(jq -r .text "$vm_tmp/result")
}

vm_run() # WHAT [JQ-FILTER]
{
	vm_start "$@"
	vm_wait 200
}

# Waits until the guest has said that line.
vm_said() # TEXT
{
	local end=$((SECONDS + 120))

	while ((SECONDS < end)); do
		grep -qF -- "$1" "$vm_tmp/console" && return
		kill -0 "$vm_pid" 2>/dev/null || return
		sleep 0.1
	done
	return 1
}

vm_ask() # REQUEST...
{
	python3 "$vm_here/vm.py" ask "$vm_tmp/control" "$@"
}

# All that is known of a machine that went wrong.
vm_tell()
{
	tail -n 30 "$vm_tmp/console" | tr -d '\r' | tap_comment
	cat "$vm_tmp/err" "$vm_tmp/result" 2>/dev/null | tap_comment
}
