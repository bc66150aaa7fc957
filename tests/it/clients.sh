# What the tests of real clients (podman, containerd, dockerd) share. A test sources lib.sh and this
# file and calls client_enter first: it then runs inside a machine of its own, made of namespaces
# for process ids, mounts, network and cgroups, with folders to write to that are thrown away.
# Nothing a client does is seen outside, and with the test's first process every daemon and
# container ends.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what is for the test; what comes from lib.sh

# --- outside -----------------------------------------------------------------------------------

# Puts the calling process into a cgroup of the test's own in every hierarchy.
client_join_cgroups()
{
	local d f

	while read -r d; do
		mkdir "$d/$it_cg" || return
		for f in cpuset.cpus cpuset.mems; do
			[ ! -f "$d/$f" ] || cat "$d/$f" >"$d/$it_cg/$f" || return
		done
		echo "$BASHPID" >"$d/$it_cg/cgroup.procs" || return
	done < <(findmnt -rno TARGET -t cgroup,cgroup2)
}

# Runs the script once more, inside; its exit status is this one's.
client_reenter()
{
	local inside=(env "client_inside=1" "TMPDIR=$it_tmp" "CAISSON_OCI=$CAISSON_OCI" bash "$0")

	(
		client_join_cgroups && exec unshare --mount --propagation private --net --uts \
			--ipc --cgroup --pid --fork --kill-child --mount-proc "${inside[@]}"
	) &
	it_pids+=($!)
	wait $!
	exit
}

# --- inside ------------------------------------------------------------------------------------

# On cgroup v2 processes live in leaves only, also in the root of a namespace.
client_delegate_cgroup2()
{
	local c

	mkdir /sys/fs/cgroup/test && echo $$ >/sys/fs/cgroup/test/cgroup.procs || return
	for c in $(</sys/fs/cgroup/cgroup.controllers); do
		echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control || return
	done
}

# /sys/fs/cgroup with this cgroup namespace's part of every hierarchy, and nothing else: clients
# take any folder there for a controller.
client_mount_cgroups()
{
	local id names path d

	umount -R /sys/fs/cgroup
	if ! grep -qv '^0::' /proc/self/cgroup; then
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && client_delegate_cgroup2
		return
	fi
	mount -t tmpfs tmpfs /sys/fs/cgroup || return
	while IFS=: read -r id names path; do
		d=/sys/fs/cgroup/${names#name=}
		case $names in
		'') mkdir "${d}unified" && mount -t cgroup2 cgroup2 "${d}unified" ;;
		name=*) mkdir "$d" && mount -t cgroup -o "none,$names" cgroup "$d" ;;
		*) mkdir "$d" && mount -t cgroup -o "$names" cgroup "$d" ;;
		esac || return
	done </proc/self/cgroup
}

# Makes a folder one that can be written to without a trace.
client_overlay() # FOLDER
{
	local o=/run/overlay${1//\//-}

	mkdir -p "$o/upper" "$o/work" && mount -t overlay \
		-o "lowerdir=$1,upperdir=$o/upper,workdir=$o/work" overlay "$1"
}

client_make_machine()
{
	client_mount_cgroups &&
		mount -t tmpfs -o mode=755 tmpfs /run &&
		mount -t tmpfs -o mode=1777 tmpfs /dev/shm &&
		client_overlay /etc && client_overlay /var/lib &&
		rm -rf /etc/containers /etc/cni /etc/docker /etc/containerd &&
		mkdir -p /run/lock /run/w /etc/containers &&
		ip link set lo up
}

# The runtime as clients are to call it, in $runtime.
client_runtime()
{
	runtime=$(realpath "$(command -v "$CAISSON_OCI")")
	if [ "${SANITIZE-}" = yes ]; then # clients clean the environment
		printf '#!/bin/sh\nASAN_OPTIONS=detect_leaks=0 exec "%s" "$@"\n' "$runtime" \
			>"$w/caisson-oci"
		chmod +x "$w/caisson-oci"
		runtime=$w/caisson-oci
	fi
}

# Goes inside, unless a program is missing. Sets $w, a folder on a tmpfs, with the image's root file
# system in $w/rootfs.tar, and $runtime.
client_enter() # PROGRAM...
{
	local p

	for p in unshare findmnt script "$@"; do
		command -v "$p" >/dev/null || tap_skip_all "$p is not installed"
	done
	if [ -n "${CAISSON_LAB-}" ] && [ -z "${CAISSON_LAB_CLIENTS-}" ]; then
		tap_skip_all "slow on an emulated host; CAISSON_LAB_CLIENTS=1 runs it there too"
	fi
	[ -n "${client_inside-}" ] || client_reenter
	unset client_inside
	if ! client_make_machine; then
		echo "Bail out! could not make the machine that the client is to run in"
		exit 1
	fi
	w=/run/w
	client_runtime
	it_rootfs
	tar -C "$it_tmp/rootfs" -cf "$w/rootfs.tar" .
	cd "$w" || exit 1 # conmon leaves a file where it is
}

# --- points ------------------------------------------------------------------------------------

# One point: the command ends with that status, and its stdout is that text, or matches that
# /regular expression/.
client_gives() # NAME STATUS TEXT COMMAND...
{
	local name=$1 want=$2 text=$3

	shift 3
	it_try "$@"
	case $text in
	/*/) [[ $status = "$want" && $out =~ ${text:1:-1} ]] ;;
	*) [ "$status:$out" = "$want:$text" ] ;;
	esac && tap_ok "$name" && return
	tap_not_ok "$name" "status $status, wanted $want
stdout '$out'
wanted '$text'
stderr '$err'"
}

# One point: the command fails with that status and stderr matches.
client_fails() # NAME STATUS REGEX COMMAND...
{
	it_try "${@:4}"
	if [[ $status = "$2" && $err =~ $3 ]]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "status $status, wanted $2
stderr '$err'
wanted a match of '$3'"
	fi
}

# Runs a shell command in a terminal of 40 lines and 100 columns and types TEXT there.
client_terminal() # TEXT SHELL-COMMAND
{
	{ sleep 0.5; [ -z "$1" ] || echo "$1"; sleep 0.5; } |
		timeout -k 5 60 script -qec "stty rows 40 cols 100; $2" /dev/null | tr -d '\r'
}

# For the shell in a container: waits until its terminal has got the size of client_terminal's.
client_size='for i in $(seq 50); do [ "$(stty size 2>&1)" != "40 100" ] || break; sleep 0.1; done
stty size'

# Prints what a web server answers.
client_fetch() # ADDRESS PORT
{
	exec 3<>"/dev/tcp/$1/$2" || return
	printf 'GET / HTTP/1.0\r\n\r\n' >&3
	timeout 10 cat <&3
	exec 3>&-
}

client_is_larger() # FILE SIZE
{
	[ "$(stat -c %s "$1")" -gt "$2" ]
}

# Does a file grow? Waits for it.
client_grows() # FILE
{
	it_wait 10 client_is_larger "$1" "$(stat -c %s "$1")"
}

# Does a file that would grow every moment stay as it is for a while?
client_rests() # FILE
{
	local before

	before=$(stat -c %s "$1")
	sleep 0.5
	[ "$(stat -c %s "$1")" = "$before" ]
}

# One point: the command fails.
tap_not() # NAME COMMAND...
{
	local name=$1

	shift
	if "$@"; then
		tap_not_ok "$name" "$*"
	else
		tap_ok "$name"
	fi
}

# --- the end -----------------------------------------------------------------------------------

# What containers left: processes, the runtime's states, cgroups (but the clients' own).
client_left()
{
	ps -eo pid=,args= | awk -v self="$0" '$1 != 1 && index($0, self) == 0 && !/ (ps|awk) /'
	find /run -name state.json -not -path "$w/*"
	find /sys/fs/cgroup -mindepth 2 -type d -regex '.*[0-9a-f]\{64\}.*\|.*/default/.*'
}

client_nothing_left()
{
	[ -z "$(client_left)" ]
}

# Ends the test, whose client has removed its containers and ended.
client_done()
{
	it_wait 10 client_nothing_left
	tap_empty "nothing is left of the containers" "$(client_left)"
	tap_done
}

# Files that podman reads, with more lines of its [engine] if need be.
client_podman_conf() # [ENGINE-LINE...]
{
	{
		printf '[containers]\nnetns = "none"\nlog_driver = "k8s-file"\ndefault_ulimits = []\n'
		printf '[engine]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\n'
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '[network]\nnetwork_backend = "netavark"\n'
	} >/etc/containers/containers.conf
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
		"$w/graph" "$w/run" >/etc/containers/storage.conf
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' >/etc/containers/policy.json
}
