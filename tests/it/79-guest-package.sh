#!/bin/bash
# What machines start with: made of a kernel that is installed, of one that is handed over, made anew
# for another version. That the runtime makes it when it needs it is seen by 97-vm.sh.
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
for tool in cpio strip; do
	command -v $tool >/dev/null || tap_skip_all "$tool is not installed"
done
build=$(dirname "$CAISSON_OCI")
: "${CAISSON_GUEST_KERNEL:=$("$build/debian-kernel" "$build/unpack-kernel" \
	"${XDG_CACHE_HOME:-$HOME/.cache}/caisson/guest")}"
[ -n "$CAISSON_GUEST_KERNEL" ] || tap_skip_all "there is no guest kernel, and none can be downloaded"
export CAISSON_GUEST_KERNEL
version=$("$build/guest-init" --version)
tap_like "guest-init tells its version" "$version" '^caisson [0-9].*, protocol [0-9]+$'

# --- a kernel that is installed
root=$it_tmp/root
mkdir -p "$root/boot" "$root/lib/modules/9-amd64/kernel" "$root/lib/modules/10-amd64"
cp "$CAISSON_GUEST_KERNEL/bzImage" "$root/boot/vmlinuz-9-amd64"
: >"$root/boot/vmlinuz-10-amd64"
cp "$CAISSON_GUEST_KERNEL"/modules/*.ko "$root/lib/modules/9-amd64/kernel"
it_try "$build/debian-kernel" "$build/unpack-kernel" "$it_tmp/cache" "$root"
tap_is "an installed kernel, not one without modules" "$status $(cat "$out/release")" "0 9-amd64"
tap_check "its vmlinux" cmp "$out/vmlinux" "$CAISSON_GUEST_KERNEL/vmlinux"
tap_is "and modules, in their order" "$(cat "$out/modules/order")" \
	"$(cat "$CAISSON_GUEST_KERNEL/modules/order")"
rm -r "${root:?}/lib"
it_try "$build/debian-kernel" "$build/unpack-kernel" "$it_tmp/cache2" "$root"
tap_like "none" "$status $err" '^1 .*none is installed in '

# --- the package
guest=$it_tmp/guest
inode()
{
	stat -c %i "$guest/vmlinux"
}
it_try "$build/make-guest" --need "$guest"
tap_is "a package is made" "$status $(cat "$guest/version")" "0 $version"
tap_like "with guest-init and modules" "$(cpio -it <"$guest/initramfs" 2>/dev/null)" \
	$'\ninit\n.*modules/virtio_mmio.ko'
before=$(inode)
it_try "$build/make-guest" --need "$guest"
tap_is "it is not made again" "$status $(inode)" "0 $before"
echo "caisson 0, protocol 0" >"$guest/version"
it_try "$build/make-guest" --need "$guest"
tap_is "but for another version" "$status $(cat "$guest/version")" "0 $version"
echo "caisson 0, protocol 0" >"$guest/version"
before=$(inode)
"$build/make-guest" --need "$guest" &
first=$!
it_try "$build/make-guest" --need "$guest"
wait $first
tap_is "two at once: one makes it" \
	"$? $status $(cat "$guest/version") $(find "$it_tmp" -maxdepth 1 -name 'guest*' | wc -l)" \
	"0 0 $version 2"
tap_check "anew" test "$(inode)" != "$before"

it_done
