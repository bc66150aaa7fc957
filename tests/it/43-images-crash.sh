#!/bin/bash
# The image commands are killed at system calls all along their way, and run into a full disk: the
# next command finds a consistent store, and the same command again succeeds.
# CAISSON_CRASH_POINTS=N: how many calls of each command are tried, "all" for every one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
[ "${SANITIZE-}" != yes ] || tap_skip_all "kills are swept without sanitizers"

crash=${top_builddir:-$it_here/../../build}/tests/it/crash
[ -x "$crash" ] || tap_skip_all "tests/it/crash is not built"
default=4
[ -z "${CAISSON_LAB-}" ] || default=1 # emulated
points=${CAISSON_CRASH_POINTS:-$default}
report=$it_tmp/report
# in memory: what is synced makes no difference to a process that is killed
work=$it_tmp/work
mkdir "$work"
mount -t tmpfs -o size=512m crash "$work" || { echo "Bail out! no tmpfs"; exit 1; }
store=$work/store

ca() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 120 "$CAISSON" --root "$store" --state "$work/run" "$@"
}

content()
{
	find "$store/images/blobs/sha256" "$store/images/layers" "$store/images/staging" \
		-mindepth 1 -maxdepth 1
}

it_rootfs
ca import "$it_tmp/rootfs" busy:1 >/dev/null
ca import "$it_tmp/rootfs/etc" small:1 >/dev/null
ca save -o "$work/both.tar" busy:1 small:1
reg=
if command -v docker-registry >/dev/null && img_registry plain; then
	ca push -q --tls-verify=false --registries-conf "$img_conf" busy:1 \
		"127.0.0.1:$reg/busy:1" >/dev/null || reg=
fi
ca rmi --all >/dev/null
cp -a "$store" "$work/empty"
ca load -q -i "$work/both.tar" >/dev/null
ca tag busy:1 busy:2
ca untag small:1
cp -a "$store" "$work/full"

# What is wrong with the store and with the command tried once more; nothing if all is well.
complaints() # COMMAND...
{
	local said

	said=$(ca images 2>&1 >/dev/null) || echo "images: $said"
	said=$(ca image verify 2>&1) || echo "verify: $said"
	# what was removed is not there a second time
	said=$(ca "$@" 2>&1) || [[ $said == *'is not here'* ]] || echo "again: $said"
	said=$(ca image verify 2>&1) || echo "verify again: $said"
	said=$(ca rmi --all 2>&1) || echo "rmi --all: $said"
	said=$(ca image prune --all 2>&1) || echo "prune: $said"
	content
}

# Kills the command at some calls from the first to the last.
try_crash() # NAME STORE COMMAND...
{
	local name=$1 from=$2 n calls step killed=0 bad=

	shift 2
	# starting programs takes its time there
	[[ -z ${CAISSON_LAB-} || $name =~ ^(load|pull|rmi|prune)$ ]] || return
	rm -rf "$store" && cp -a "$work/$from" "$store"
	"$crash" "$report" 1000000 "$CAISSON" --root "$store" --state "$work/run" "$@" \
		>/dev/null 2>&1
	read -r _ _ calls _ <"$report"
	step=1
	[ "$points" = all ] || step=$((calls / points + 1))
	for ((n = step / 2 + 1; n <= calls; n += step)); do
		rm -rf "$store" && cp -a "$work/$from" "$store"
		"$crash" "$report" "$n" "$CAISSON" --root "$store" --state "$work/run" "$@" \
			>/dev/null 2>&1
		[ "$(cut -d' ' -f1 "$report")" = killed ] && killed=$((killed + 1))
		said=$(complaints "$@")
		[ -z "$said" ] || bad+="at call $n: $said"$'\n'
	done
	echo "# $name: killed at $killed of $calls calls"
	tap_check "$name was killed" [ "$killed" -gt 0 ]
	tap_empty "$name: what it left is consistent, and it can be done again" "$bad"
}

try_crash load empty load -i "$work/both.tar"
try_crash import empty import "$it_tmp/rootfs" busy:3
try_crash "load over what is there" full load -i "$work/both.tar"
try_crash rmi full rmi busy:1 busy:2
try_crash tag full tag busy:1 more:1
try_crash untag full untag busy:1
try_crash prune full image prune --all
pull=(pull --tls-verify=false --registries-conf "$img_conf" "127.0.0.1:$reg/busy:1")
if [ -n "$reg" ]; then
	try_crash pull empty "${pull[@]}"
	try_crash "pull of what is there" full "${pull[@]}"
else
	tap_skip "pull" "docker-registry is not installed, or does not start"
fi

# --- a full disk ----------------------------------------------------------------------------------

# In a mount namespace of its own, on file systems of several sizes. Called by unshare below.
# shellcheck disable=SC2317
full_disk() # KILOBYTES COMMAND...
{
	local said size=$1

	shift
	mount -t tmpfs -o "size=${size}k" none "$store" || return
	if ca "$@" >"$work/out" 2>"$work/err"; then
		echo enough
	elif ! tail -n 1 "$work/err" | grep -qi 'no space left'; then
		cat "$work/err"
	fi
	said=$(ca image verify 2>&1) || echo "verify: $said"
	mount -o remount,size=64m "$store"
	said=$(complaints "$@")
	[ -z "$said" ] || echo "$said"
	umount "$store"
}
export -f full_disk ca complaints content
export store work CAISSON

try_full() # NAME KILOBYTES COMMAND...
{
	tap_empty "$1, a disk of $2 KiB is full: a line, a consistent store, and then it works" \
		"$(unshare -m --propagation private bash -c 'full_disk "$@"' full "${@:2}" 2>&1)"
}

rm -rf "$store" && mkdir "$store"
sizes=(40 400 1000 2300 3200)
[ -z "${CAISSON_LAB-}" ] || sizes=(400)
for size in "${sizes[@]}"; do
	try_full load "$size" load -i "$work/both.tar"
done
if [ -n "$reg" ]; then
	sizes=(60 800 2600)
	[ -z "${CAISSON_LAB-}" ] || sizes=(800)
	for size in "${sizes[@]}"; do
		try_full pull "$size" "${pull[@]}"
	done
fi
tap_is "a disk that is large enough is not" "$(unshare -m --propagation private \
	bash -c 'full_disk "$@"' full 20000 load -i "$work/both.tar" 2>&1)" enough
umount "$work"

it_done
