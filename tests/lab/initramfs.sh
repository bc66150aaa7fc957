#!/usr/bin/env bash
# initramfs.sh KERNEL: prints the path of the lab's initramfs for the kernel in that folder (see
# kernel.sh): busybox, the modules that reach the root, initramfs-init. Made when one of them is
# new; several may run at the same time.
set -euo pipefail

kernel=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
busybox=$(command -v busybox)
readonly kernel here busybox
umask 022

# Each module once, what it needs before it.
modules()
{
	local module

	for module in virtio_pci 9p 9pnet_virtio overlay; do
		modprobe -d "$kernel" -S "$(<"$kernel/release")" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

build()
{
	local tmp path

	tmp=$(mktemp -d "$kernel/new.XXXXXX")
	# shellcheck disable=SC2064 # this very folder
	trap "rm -rf -- '$tmp'" EXIT
	mkdir -p "$tmp/root/"{bin,dev,modules,proc,lower,top,root,exchange}
	cp -- "$busybox" "$tmp/root/bin/busybox"
	cp -- "$here/initramfs-init" "$tmp/root/init"
	chmod 755 "$tmp/root/init" "$tmp/root/bin/busybox"
	while IFS= read -r path; do
		cp -- "$path" "$tmp/root/modules/"
		printf '%s\n' "${path##*/}" >>"$tmp/root/modules/order"
	done < <(modules)
	[ -s "$tmp/root/modules/order" ]
	(cd "$tmp/root" && find . | cpio -o -H newc --quiet -R 0:0) >"$tmp/initramfs"
	mv -- "$tmp/initramfs" "$1"
}

digest=$(cat -- "$here/initramfs.sh" "$here/initramfs-init" "$busybox" | sha256sum)
out=$kernel/initramfs-${digest:0:16}
[ -s "$out" ] || build "$out"
printf '%s\n' "$out"
