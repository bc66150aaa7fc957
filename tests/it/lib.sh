# What integration tests share. A test sources this file, makes bundles, runs the runtime through
# oci or it_sh, states its points with tap_* and ends with it_done. Whatever it made is gone
# afterwards, also when it dies: see it_cleanup.
# shellcheck shell=bash
# shellcheck disable=SC2034 # results are for the test

it_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$it_here/../tap.sh"

# The runtime under test; another one (runc) can be put in its place to try a test itself.
: "${CAISSON_OCI:=${top_builddir:-$it_here/../../build}/caisson-oci}"

[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v jq >/dev/null || tap_skip_all "jq is not installed"
if [ ! -x "$(command -v "$CAISSON_OCI")" ]; then
	echo "Bail out! $CAISSON_OCI is not there: build first, or set CAISSON_OCI"
	exit 1
fi

# A process that changes its namespaces cannot be traced by LeakSanitizer.
if [ "${SANITIZE-}" = yes ]; then
	export ASAN_OPTIONS=detect_leaks=0
fi

it_tmp=$(mktemp -d "${TMPDIR:-/tmp}/caisson-it.XXXXXX")
it_cg=caisson-it-$$
it_pids=()
it_netns=()
out='' err='' status=0

# --- the runtime -------------------------------------------------------------------------------

# The runtime with a state root of the test's own; a command that hangs is ended.
oci() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 60 "$CAISSON_OCI" --root "$it_tmp/state" "$@"
}

# Any command; its stdout, stderr and exit status are in $out, $err and $status. By files: a pipe
# would stay open as long as a detached container lives.
it_try() # COMMAND [ARGUMENT...]
{
	status=0
	"$@" >"$it_tmp/out" 2>"$it_tmp/err" || status=$?
	out=$(<"$it_tmp/out")
	err=$(<"$it_tmp/err")
}

# A bundle for container ID, in $bundle: a root filesystem of its own and tests/it/config.json
# changed by a jq filter.
it_bundle() # ID [JQ-FILTER]
{
	bundle=$it_tmp/bundle/$1
	it_rootfs
	mkdir -p "$bundle"
	[ -d "$bundle/rootfs" ] || cp -a "$it_tmp/rootfs" "$bundle/rootfs"
	jq --arg cg "/$it_cg/$1" ".linux.cgroupsPath = \$cg | ${2:-.}" \
		"$it_here/config.json" >"$bundle/config.json"
}

# Runs a shell script in a new container to its end, as it_try does.
it_sh() # ID SCRIPT [JQ-FILTER]
{
	it_bundle "$1" ".process.args = [\"sh\", \"-c\", $(jq -n --arg s "$2" '$s')] | ${3:-.}"
	it_try oci run --bundle "$bundle" "$1" </dev/null
}

# Starts a container that sleeps, unless the filter says otherwise. Its output and the runtime's go
# to $bundle/log (a pipe would stay open as long as the container lives); $status is as in it_try.
it_start() # ID [JQ-FILTER]
{
	it_bundle "$1" ".process.args = [\"sleep\", \"300\"] | ${2:-.}"
	status=0
	oci run --detach --bundle "$bundle" "$1" </dev/null >"$bundle/log" 2>&1 || status=$?
	err=$(<"$bundle/log")
}

# "created", "running", "stopped"; nothing when there is no such container.
it_status() # ID
{
	oci state "$1" 2>/dev/null | jq -r .status
}

it_pid() # ID: the host's pid of a container's first process
{
	oci state "$1" | jq -r .pid
}

# Polls until the command succeeds; fails after so many seconds.
it_wait() # SECONDS COMMAND [ARGUMENT...]
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

it_has_status() # ID STATUS
{
	[ "$(it_status "$1")" = "$2" ]
}

# --- the host ----------------------------------------------------------------------------------

# A root filesystem of Debian's static busybox in $it_tmp/rootfs.
it_rootfs()
{
	local r=$it_tmp/rootfs busybox

	[ -d "$r" ] && return
	busybox=$(command -v busybox)
	mkdir -p "$r"/{usr/bin,dev,etc,proc,root,run,sys,tmp,var}
	ln -s usr/bin "$r/bin"
	cp "$busybox" "$r/usr/bin/busybox"
	"$busybox" --install -s "$r/usr/bin"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$r/etc/passwd"
	printf 'root:x:0:\nstaff:x:50:user\nuser:x:1000:\n' >"$r/etc/group"
}

# "2" when cgroup v2 is the only one, else "1" (also for a v2 tree beside v1).
it_cgroup_version()
{
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		echo 2
	else
		echo 1
	fi
}

# The folder of a container's cgroup: of the v1 controller, or of v2.
it_cgroup() # ID CONTROLLER
{
	if [ "$(it_cgroup_version)" = 2 ]; then
		echo "/sys/fs/cgroup/$it_cg/$1"
	else
		echo "/sys/fs/cgroup/$2/$it_cg/$1"
	fi
}

# Every cgroup folder of this test, the deepest first.
it_cgroups()
{
	find /sys/fs/cgroup -maxdepth 2 -name "$it_cg" -prune 2>/dev/null | while read -r d; do
		find "$d" -depth -type d
	done
}

# Mounts below the test's folder, the newest first.
it_mounts()
{
	awk -v d="$it_tmp/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | tac
}

# A network namespace that goes with the test, named NAME for this test only.
it_netns_add() # NAME; sets $netns to its path
{
	ip netns add "$it_cg-$1" || return
	it_netns+=("$it_cg-$1")
	netns=/run/netns/$it_cg-$1
}

# A process in the background that is killed with the test.
it_background() # COMMAND [ARGUMENT...]
{
	"$@" &
	it_pids+=($!)
}

# --- the end -----------------------------------------------------------------------------------

# Removes every container of the test, by the runtime itself.
it_delete_all()
{
	local d

	for d in "$it_tmp"/state/*/; do
		[ -d "$d" ] && oci delete --force "$(basename "$d")" >/dev/null 2>&1
	done
}

# Ends the test. The last point: once its containers are deleted nothing of them is left.
it_done()
{
	local left

	it_delete_all
	left=$(it_mounts; it_cgroups | grep "/$it_cg/")
	[ -d "$it_tmp/state" ] && left+=$(find "$it_tmp/state" -mindepth 1 -maxdepth 1 -name '[!.]*')
	tap_empty "nothing is left of the containers" "$left"
	tap_done
}

# Runs at exit, whatever happened; quiet, because it only finishes what a failure left.
it_cleanup()
{
	local p d

	it_delete_all
	for p in "${it_pids[@]}" $(it_cgroups | while read -r d; do
		cat "$d/cgroup.procs" 2>/dev/null
	done | sort -u); do
		kill -9 "$p" 2>/dev/null
	done
	for d in "${it_netns[@]}"; do
		ip netns del "$d"
	done
	it_mounts | while read -r d; do
		umount -l "$d"
	done
	it_cgroups | while read -r d; do
		rmdir "$d" 2>/dev/null || { sleep 0.2 && rmdir "$d"; }
	done
	rm -rf --one-file-system "$it_tmp"
}
trap it_cleanup EXIT
trap 'exit 129' HUP INT TERM
