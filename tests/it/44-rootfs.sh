#!/bin/bash
# Root filesystems out of an image's layers: EROFS from a file or through a loop device, whiteouts
# and opaque folders between layers, folders that a layer only implies, a writable layer, a user
# namespace's ids, an upper that is never synced, and folders where EROFS cannot be mounted.
. "$(dirname "$0")/lib.sh"

build=${top_builddir:-$it_here/../../build}
caisson=$build/caisson
rootfs=$build/tests/it/rootfs
[ -x "$rootfs" ] || tap_skip_all "tests/it/rootfs is not built"
modprobe -a erofs loop overlay 2>/dev/null
grep -q erofs /proc/filesystems || tap_skip_all "this kernel has no EROFS"
work=$it_tmp/work
mnt=$it_tmp/mnt
mkdir "$work" "$mnt"
# an upper layer cannot be on an overlay, as a lab's root is
mount -t tmpfs work "$work" || { echo "Bail out! no tmpfs"; exit 1; }

ca() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 120 "$caisson" --root "$work/store" --state "$work/run" "$@"
}

# A docker archive of an image whose layers are tars: NAME TAR...
archive()
{
	local name=$1 dir=$work/archive t ids=() names=()

	shift
	mkdir -p "$dir"
	for t in "$@"; do
		cp "$t" "$dir/$(basename "$t")"
		ids+=("sha256:$(sha256sum <"$t" | cut -d' ' -f1)")
		names+=("$(basename "$t")")
	done
	printf '{"architecture":"%s","os":"linux","rootfs":{"type":"layers","diff_ids":%s}}' \
		amd64 "$(jq -nc '$ARGS.positional' --args "${ids[@]}")" >"$dir/config.json"
	jq -nc --arg n "$name" '[{Config: "config.json", RepoTags: [$n],
		Layers: $ARGS.positional}]' --args "${names[@]}" >"$dir/manifest.json"
	tar -C "$dir" -cf "$work/$name.tar" .
	rm -rf "$dir"
}

tree=$work/tree
mkdir -p "$tree"/{private/in,both,gone,opaque,etc}
echo low >"$tree/both/low"
echo low >"$tree/opaque/low"
echo low >"$tree/etc/file"
echo low >"$tree/gone/file"
chmod 0700 "$tree/private"
chmod 0751 "$tree"
chown 5:6 "$tree/private" "$tree/etc/file"
tar -C "$tree" -cf "$work/low.tar" .
rm -rf "$tree"
mkdir -p "$tree"/{both,opaque}
echo high >"$tree/both/high"
echo high >"$tree/opaque/high"
: >"$tree/.wh.gone"
: >"$tree/opaque/.wh..wh..opq"
tar -C "$tree" -cf "$work/high.tar" both opaque .wh.gone
mkdir -p "$tree/private/in"
echo implied >"$tree/private/in/file"
tar -C "$tree" -cf "$work/implied.tar" private/in/file
rm -rf "$tree"
mkdir "$tree"
: >"$tree/.wh..wh..opq"
echo new >"$tree/new"
tar -C "$tree" -cf "$work/all.tar" .wh..wh..opq new
rm -rf "$tree"
archive three "$work/low.tar" "$work/high.tar" "$work/implied.tar"
archive hidden "$work/low.tar" "$work/high.tar" "$work/all.tar"
it_try ca load -i "$work/three.tar"
tap_is "load three layers" "$status:$err" "0:"
it_try ca load -i "$work/hidden.tar"
tap_is "load a layer with an opaque root" "$status:$err" "0:"

layer_loops() # loop devices of our layers
{
	grep -ls "^$work/store/" /sys/block/loop*/loop/backing_file
}

no_loops()
{
	[ -z "$(layer_loops)" ]
}

# What three layers are together; the owner's ids are shifted by $1.
look() # SHIFT
{
	tap_is "both layers of a folder" "$(cd "$mnt/both" && echo *)" "high low"
	tap_is "a whiteout hides" "$(ls -d "$mnt/gone" 2>/dev/null)" ""
	tap_is "an opaque folder hides" "$(cd "$mnt/opaque" && echo *)" high
	tap_is "an implied folder looks as the layer below says" \
		"$(stat -c '%a %u:%g' "$mnt/private")" "700 $((5 + $1)):$((6 + $1))"
	tap_is "and has the new file" "$(cat "$mnt/private/in/file")" implied
	tap_is "the root itself" "$(stat -c '%a %u' "$mnt")" "751 $1"
}

it_try "$rootfs" "$work/store/images" three "$mnt"
tap_is "mounted read-only" "$status:$err" "0:"
look 0
tap_like "it cannot be written to" "$(touch "$mnt/x" 2>&1)" 'Read-only'
# a kernel before 6.12 cannot mount files, and a newer one none of tmpfs
tap_is "the layers are on loop devices" "$(layer_loops | wc -l)" 4
umount "$mnt"
it_wait 10 no_loops
tap_empty "which go with the mount" "$(layer_loops)"
ca image prune >/dev/null
it_try "$rootfs" "$work/store/images" three "$mnt"
tap_is "the layer for implied folders survives image prune" \
	"$status:$(stat -c '%a %u:%g' "$mnt/private")" "0:700 5:6"
umount "$mnt"
it_try "$rootfs" "$work/store/images" hidden "$mnt"
tap_is "an opaque root hides every layer below" "$(cd "$mnt" && ls -A)" new
umount "$mnt"

# --- a writable layer -----------------------------------------------------------------------------

mkdir "$work/up"
it_try "$rootfs" -w "$work/up" "$work/store/images" three "$mnt"
tap_is "mounted with a writable layer" "$status:$err" "0:"
look 0
echo changed >"$mnt/etc/file"
rm -r "$mnt/both"
mkdir "$mnt/both"
chmod 0500 "$mnt/private"
umount "$mnt"
tap_is "the upper folder is the image's root" "$(stat -c '%a %u' "$work/up/upper")" "751 0"
tap_is "and has what was changed" "$(cat "$work/up/upper/etc/file")" changed
it_try "$rootfs" -w "$work/up" "$work/store/images" three "$mnt"
tap_is "mounted again it is as it was left" \
	"$(cat "$mnt/etc/file"):$(ls "$mnt/both"):$(stat -c %a "$mnt/private")" "changed::500"
umount "$mnt"
tap_empty "the store is as it was" "$(ca image verify 2>&1)"

mkdir "$work/vol"
it_try "$rootfs" -v -w "$work/vol" "$work/store/images" three "$mnt"
tap_is "mounted without syncs" "$status:$err" "0:"
tap_like "the kernel knows" "$(grep " $mnt " /proc/self/mountinfo)" 'volatile'
echo x >"$mnt/x"
umount "$mnt"
it_try "$rootfs" -v -w "$work/vol" "$work/store/images" three "$mnt"
tap_is "a second time it is refused, in one line" "$status:$(wc -l <<<"$err")" "1:1"

# --- a user namespace -----------------------------------------------------------------------------

unshare -U sleep 300 &
it_pids+=($!)
user=$!
other_userns()
{
	[ "$(readlink "/proc/$user/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}
it_wait 10 other_userns
chmod 0755 "$it_tmp"
echo "0 100000 65536" >"/proc/$user/uid_map"
echo "0 100000 65536" >"/proc/$user/gid_map"
it_try "$rootfs" -u "$user" "$work/store/images" three "$mnt"
tap_is "mounted with the ids of a user namespace" "$status:$err" "0:"
look 100000
umount "$mnt"
mkdir -m 0755 "$work/mapped"
it_try "$rootfs" -u "$user" -w "$work/mapped" "$work/store/images" three "$mnt"
tap_is "and writable" "$status:$err" "0:"
look 100000
# as root of that namespace
it_try nsenter -t "$user" -U -S 0 -G 0 sh -c "cat $mnt/private/in/file && echo more >$mnt/etc/more"
tap_is "its root may" "$status:$out:$(stat -c %u "$work/mapped/upper/etc/more")" "0:implied:100000"
umount "$mnt"

# --- without EROFS --------------------------------------------------------------------------------

# Who is root of a user namespace only can mount overlays and no EROFS: layers are folders then.
cat >"$work/inside" <<END
"$caisson" --root $work/store2 --state $work/run2 load -q -i $work/three.tar &&
	"$rootfs" $work/store2/images three $mnt &&
	cat $mnt/private/in/file && (cd $mnt/opaque && echo *) && ls -d $mnt/gone
ls -d $work/store2/images/layers/*/*
END
mkdir "$work/store2" "$work/run2"
chown 100000:100000 "$work/store2" "$work/run2"
if python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.x", b"y")' "$work/up" 2>/dev/null; then
	it_try nsenter -t "$user" -U -S 0 -G 0 unshare -m sh "$work/inside"
	tap_like "where EROFS cannot be mounted" "$out:$err" $'implied\nhigh\n'
	tap_is "layers are folders" "$(grep -c '/fs$' <<<"$out")" 4
	tap_empty "not one a file" "$(grep erofs <<<"$out")"
else
	tap_skip "layers as folders" "this kernel's tmpfs keeps no user.* attributes"
fi

umount "$work"
it_done
