#!/usr/bin/env bash
# kernel.sh CACHE: prints the folder of the lab's kernel, Debian's newest, which it downloads and
# unpacks below CACHE when it is not there: image, release, lib/modules/RELEASE. Nothing is
# installed. Several may run at the same time.
set -euo pipefail

cache=$1
readonly cache
umask 022

# The kernel as QEMU boots it fastest: the ELF file inside the bzImage, which then need not unpack
# itself (3.5 s under emulation). The fields are those of the x86 boot protocol's header. An image
# packed in an unknown way is left as it is.
extract_image()
{
	local image=$1 out=$2 sects offset length unpack

	sects=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
	offset=$(od -An -tu4 -j $((0x248)) -N 4 "$image")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$image")
	offset=$(((sects + 1) * 512 + offset))
	case $(od -An -tx1 -j "$offset" -N 4 "$image" | tr -d ' ') in
	fd377a58) unpack=xz ;;
	28b52ffd) unpack=zstd ;;
	1f8b*) unpack=gzip ;;
	*) unpack='' ;;
	esac
	if [ -n "$unpack" ] && command -v "$unpack" >/dev/null; then
		# The last four bytes of the payload are its unpacked size.
		dd if="$image" bs=1M iflag=skip_bytes,count_bytes skip="$offset" \
			count=$((length - 4)) status=none | "$unpack" -dc >"$out"
	else
		cp -- "$image" "$out"
	fi
}

# Leaves out the modules that nothing in a virtual machine without hardware can want: two thirds.
unpack()
{
	local deb=$1 dir=$2 release

	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$dir" --exclude='*/kernel/sound' --exclude='*/drivers/gpu' \
			--exclude='*/drivers/media' --exclude='*/drivers/net/wireless' \
			--exclude='*/drivers/infiniband' --exclude='*/drivers/staging' \
			--exclude='*/drivers/scsi' --exclude='*/net/ethernet' --exclude='./usr/share'
	release=$(cd "$dir/boot" && echo vmlinuz-*)
	release=${release#vmlinuz-}
	# Debian 13 has them in /usr/lib.
	[ -d "$dir/lib/modules" ] || mv -- "$dir/usr/lib" "$dir/lib"
	depmod -b "$dir" "$release"
	extract_image "$dir/boot/vmlinuz-$release" "$dir/image"
	printf '%s\n' "$release" >"$dir/release"
	rm -rf -- "${dir:?}/boot" "${dir:?}/usr"
}

download()
{
	local package=$1 name=$2 tmp

	tmp=$(mktemp -d "$cache/new.XXXXXX")
	# shellcheck disable=SC2064 # this very folder
	trap "rm -rf -- '$tmp'" EXIT
	echo "lab: downloading $package" >&2
	mkdir "$tmp/deb" "$tmp/kernel"
	(cd "$tmp/deb" && apt-get -qq download "$package" 2>"$tmp/log") || {
		echo "lab: cannot download $package; apt-get update may help:" >&2
		cat "$tmp/log" >&2
		return 1
	}
	unpack "$tmp"/deb/*.deb "$tmp/kernel" >&2
	chmod 755 "$tmp/kernel"
	mv -T -- "$tmp/kernel" "$cache/$name"
}

# "PACKAGE VERSION" of the newest kernel that apt knows.
newest()
{
	local package

	package=$(apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1)
	[ -n "$package" ] || return 1
	apt-cache show --no-all-versions "$package" |
		sed -n "s/^Version: \(.*\)/$package \1/p"
}

# CACHE/current names the folder; younger than apt's lists it is believed without asking apt,
# which takes a second.
is_current()
{
	[ -s "$cache/current" ] && [ -d "$cache/$(<"$cache/current")" ] &&
		! [ /var/lib/apt/lists -nt "$cache/current" ]
}

mkdir -p -- "$cache"
if ! is_current; then
	exec {lock}>"$cache/lock"
	flock "$lock"
fi
if ! is_current; then
	if read -r package version < <(newest); then
		name=${package}_$version
		[ -d "$cache/$name" ] || download "$package" "$name"
		printf '%s\n' "$name" >"$cache/current.new"
		mv -- "$cache/current.new" "$cache/current"
	elif ! [ -s "$cache/current" ]; then
		echo "lab: apt knows no linux-image-amd64: needs Debian's package lists (apt-get update)" >&2
		exit 1
	fi
fi
printf '%s\n' "$(cd -- "$cache" && pwd)/$(<"$cache/current")"
