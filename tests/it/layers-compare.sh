#!/bin/bash
# Layers as caisson stores them equal, file by file with all metadata, what umoci and bsdtar unpack;
# fsck.erofs is content with each and the kernel mounts each.
. "$(dirname "$0")/lib.sh"

layer=${top_builddir:-$it_here/../../build}/tests/it/layer
for tool in python3 bsdtar umoci fsck.erofs; do
	command -v $tool >/dev/null || tap_skip_all "$tool is not installed"
done
[ -x "$layer" ] || tap_skip_all "tests/it/layer is not built"
modprobe erofs 2>/dev/null
grep -q erofs /proc/filesystems || tap_skip_all "this kernel has no EROFS"

# All of it in memory where that keeps user.* attributes (Linux 6.6): a disk takes minutes.
work=$it_tmp/work
mkdir "$work"
if mount -t tmpfs -o mode=0755 layers "$work" &&
	! python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.x", b"y")' "$work" 2>/dev/null; then
	umount "$work"
fi
store=$work/store
tars=$work/tars
mnt=$work/mnt
mkdir "$store" "$store.fs" "$tars" "$mnt"
python3 "$it_here/layers.py" make "$tars"

# In the lab starting programs is slow and tmpfs keeps no user.* attributes: there each layer is
# checked and mounted, and here compared as well.
lab=${CAISSON_LAB-}
[ -n "$lab" ] || umoci raw unpack --image "$tars/layout:t" "$work/umoci" >/dev/null 2>&1

# What the tar is by each tool that understands it as we do; differences are in $out.
it_compare() # NAME ID
{
	local trees=() tools

	tools=$(cat "$tars/$1.tools")
	case $tools in *u*)
		trees+=("umoci=$work/umoci")
	esac
	case $tools in *b*)
		rm -rf "$work/bsdtar"
		mkdir "$work/bsdtar"
		bsdtar --numeric-owner --acls --xattrs --fflags -xpf "$tars/$1.tar" \
			-C "$work/bsdtar" 2>/dev/null
		trees+=("bsdtar=$work/bsdtar")
	esac
	"$layer" -f "$store.fs" <"$tars/$1.tar" >/dev/null
	trees+=("folder=$store.fs/layers/$2/fs")
	it_try python3 "$it_here/layers.py" compare "$1" "$store/layers/$2/implied" "$mnt" \
		"${trees[@]}"
	compared=${trees[*]%%=*}
}

n=0
for tar in "$tars"/*.tar; do
	name=$(basename "$tar" .tar)
	n=$((n + 1))
	it_try "$layer" "$store" <"$tar"
	tap_is "$name: stored" "$status:$err" "0:"
	id=$out
	img=$store/layers/$id/layer.erofs
	tap_check "$name: fsck.erofs is content" fsck.erofs "$img"
	it_try mount -t erofs -o ro,loop "$img" "$mnt"
	tap_is "$name: the kernel mounts it" "$status:$err" "0:"
	if [ -n "$lab" ]; then
		tap_check "$name: all of it can be read" tar -cf /dev/null -C "$mnt" .
	else
		it_compare "$name" "$id"
		tap_like "$name: it can be compared" "$out" '^ours: '
		tap_empty "$name: the same by $compared" "$(tail -n +2 <<<"$out")$err"
	fi
	it_try umount "$mnt"
	rm -rf --one-file-system "$store.fs/layers"
done
tap_check "these were at least 30 layers" test "$n" -ge 30
rm -rf --one-file-system "${work:?}"/*
umount "$work" 2>/dev/null
it_done
