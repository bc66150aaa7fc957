#!/usr/bin/env bash
# Every virtio device of a machine, driven by Linux's own driver, which moves data and checks it.
# The guest's side is tests/guest/devices.c.
[ "${1-}" = inner ] || exec unshare -n bash "$0" inner
. "$(dirname "$0")/vmlib.sh"
command -v ip >/dev/null || tap_skip_all "iproute2 is not installed"
[ -e /dev/net/tun ] || modprobe tun 2>/dev/null || tap_skip_all "there is no /dev/net/tun"
ip link set lo up

# The pattern that tests/guest/devices.c makes of a seed.
python3 - "$vm_tmp/pmem" <<'END'
import sys

word, out = 7, bytearray()
for _ in range(65536 // 8):
    word = (word * 6364136223846793005 + 1442695040888963407) % 2**64
    out += word.to_bytes(8, "little")
open(sys.argv[1], "wb").write(bytes(out) + bytes(2 * 1024 * 1024 - 65536))
END
mkdir "$vm_tmp/work"
chmod 755 "$vm_tmp" "$vm_tmp/work"
echo hello >"$vm_tmp/work/from-host"

# How much is moved: little where all is emulated. There, too, TCP takes the line for a slow one, which
# needs small segments.
vm_patience=300
if [ -n "${CAISSON_LONG-}" ]; then
	vm_sizes=' steps=5000 stream=1073741824' vm_patience=3000
elif [ -n "${CAISSON_LAB-}" ]; then
	vm_sizes=' steps=60 stream=262144'
fi
if [ -n "${CAISSON_LAB-}" ]; then
	vm_sizes+=' segments=44'
	echo 44 >/proc/sys/net/ipv4/tcp_min_tso_segs
fi

# Starts a machine with all devices: fds from 14 on are theirs.
devices='.devices = [ { type: "blk", fd: 14 }, { type: "pmem", fd: 15 }, { type: "vsock", cid: 3,
	fd: 16 }, { type: "fs", tag: "work", root: 17 }, { type: "console", out: 18 },
	{ type: "net", fd: 19, mac: "02:00:00:00:00:02" }, { type: "rng" },
	{ type: "balloon", pages: 8192 } ]'
vm_devices() # LIST [JQ-FILTER]
{
	vm_config "devices:$1${vm_sizes-}" "$devices | ${2:-.}"
	rm -f "$vm_tmp/control" "$vm_tmp/result"
	truncate -s 0 "$vm_tmp/disk"
	truncate -s 8M "$vm_tmp/disk"
	exec 10<"$vm_kernel" 11<"$vm_tmp/initramfs" 12>"$vm_tmp/result" 14<>"$vm_tmp/disk" \
		15<"$vm_tmp/pmem" 17<"$vm_tmp/work" 18>"$vm_tmp/hvc" 20<>"${vm_vhost:-/dev/null}"
	python3 "$vm_here/vmpeer.py" 19 16 "$(command -v python3)" "$vm_here/vm.py" serve \
		"$vm_tmp/control" 13 "$vm_build/vmm" "$vm_tmp/config" \
		>"$vm_tmp/console" 2>"$vm_tmp/err" </dev/null &
	vm_pid=$!
	exec 10<&- 11<&- 12>&- 14<&- 15<&- 17<&- 18>&- 20>&-
}

# KiB of private memory of processes beside the guest's, which is one of the mappings of a memfd.
private() # FOLDER-IN-PROC...
{
	awk '/^[0-9a-f]+-[0-9a-f]+ / { guest = $6 ~ /memfd/ }
		/^Private_(Clean|Dirty):/ && !guest { sum += $2 }
		END { print sum + 0 }' "${@/%//smaps}"
}

# KiB of memory that the monitor has, the guest's among it, as often as can be seen, into
# $vm_tmp/rss; and, when the guest has used every device, what private() says into $vm_tmp/private.
vm_watch_memory()
{
	local inner='' all

	: >"$vm_tmp/rss"
	while kill -0 "$vm_pid" 2>/dev/null; do
		inner=${inner:-$(pgrep -P "$vm_pid" -x vmm)}
		awk '/^VmRSS:/ { print $2 }' "/proc/$inner/status" >>"$vm_tmp/rss" 2>/dev/null
		if [ ! -e "$vm_tmp/private" ] && grep -q "guest: balloon: ok" "$vm_tmp/console"; then
			mapfile -t all < <(echo "$vm_pid"; pgrep -P "$vm_pid" 'vmm')
			private "${all[@]/#//proc/}" >"$vm_tmp/private"
		fi
		sleep 0.3
	done
}

list=${CAISSON_VM_DEVICES:-blk,rng,pmem,vsock,fs,console,net,balloon,reporting}
vm_devices "$list" '.cpus = 2 | .memory = 268435456'
vm_watch_memory &
watch=$!
vm_wait "$vm_patience"
wait "$watch"
tap_is "the machine ends by itself" "$vm_status:$vm_reason:$(jq .status "$vm_tmp/result")" \
	"0:exit:0" || vm_tell
for name in ${list//,/ }; do
	tap_check "$name: $(sed -n "s/^guest: $name: ok, \([0-9]* ms\).*/\1/p" "$vm_tmp/console")" \
		grep -q "^guest: $name: ok" "$vm_tmp/console"
done
for way in vsock-out vsock-in net-out net-in; do
	[[ ,$list, == *,${way%-*},* ]] || continue
	tap_check "$way: $(sed -n "s/^guest: $way: \(.* s\).*/\1/p" "$vm_tmp/console"), each byte is right" \
		grep -q "^guest: $way: " "$vm_tmp/console"
done
tap_is "no device is broken" "$(jq '[.counters.devices[].broken] | add' "$vm_tmp/result")" 0
balloon='.counters.devices.balloon0'
tap_check "the balloon took 32 MiB" \
	jq -e "$balloon.bytes_inflated >= 33554432" "$vm_tmp/result"
tap_check "free memory was told of" jq -e "$balloon.bytes_reported >= 16777216" "$vm_tmp/result"
most=$(sort -n "$vm_tmp/rss" | tail -n 1) last=$(tail -n 3 "$vm_tmp/rss" | head -n 1)
tap_check "and the host has it back: $most KiB at most, $last KiB at the end" \
	test $((most - last)) -gt 16384
private=$(<"$vm_tmp/private")
tap_check "with all devices, $private KiB are the monitor's own: at most 3 MiB" test "$private" -le 3072
tap_like "what the console said" "$(<"$vm_tmp/hvc")" "through the virtio console"
tap_check "the folder has what the guest made" test -p "$vm_tmp/work/dir/fifo"
tap_is "and its modes" "$(stat -c %a "$vm_tmp/work/dir/moved")" 604
tap_check "the disk has been written" bash -c "cmp -s $vm_tmp/disk <(head -c 8M /dev/zero); [ \$? = 1 ]"

# --- the network by the host's kernel
vm_vhost=/dev/vhost-net
if [ -n "${CAISSON_LAB-}" ] && [ -z "${CAISSON_LAB_ALL-}" ]; then
	tap_skip "vhost-net" "an emulated host; CAISSON_LAB_ALL=1"
elif [ ! -e $vm_vhost ]; then
	tap_skip "vhost-net" "there is no $vm_vhost"
else
	vm_devices net '.devices = [ .devices[5] | .vhost = 20 ]'
	vm_wait 300
	tap_is "vhost-net: the machine ends by itself" \
		"$vm_status:$vm_reason:$(jq .status "$vm_tmp/result")" "0:exit:0" || vm_tell
	tap_check "vhost-net: $(sed -n "s/^guest: net: ok, //p" "$vm_tmp/console")" \
		grep -q "^guest: net: ok" "$vm_tmp/console"
fi
tap_done
