#!/bin/bash
# The runtime is killed at each of its system calls in turn: what it leaves is described truthfully
# by state, removed by delete --force with all it had, and in nobody's way. The same for the
# processes it makes: when one of them is killed, the command itself fails and cleans up.
# CAISSON_CRASH_STEP=N tries only every Nth system call, as is done where it would take too long;
# CAISSON_CRASH_ONLY=REGEX only the points with such a name.
. "$(dirname "$0")/lib.sh"

crash=${top_builddir:-$it_here/../../build}/tests/it/crash
[ -x "$crash" ] || tap_skip_all "tests/it/crash is not built"
step=${CAISSON_CRASH_STEP:-1}
[ "${SANITIZE-}" != yes ] || step=$((step * 7))
[ -z "${CAISSON_LAB-}" ] || step=$((step * 40)) # emulated
report=$it_tmp/report
patience=2        # seconds after which what is under way must have ended
mark=86399.$$     # the argument of every sleep
states=$it_tmp/states
: >"$states"
case $(uname -m) in
x86_64) accept4=288 ;;
*) accept4=242 ;;
esac

# --- what there is -------------------------------------------------------------------------------

printf '%s\n' "$it_tmp/state" "$mark" >"$it_tmp/marks"
printf '%s\n' "$it_tmp/state" >"$it_tmp/mark-runtime"

# Into $pids: processes with one of the marks in that file among their arguments, each pid with a
# blank behind it. Zombies have no arguments.
find_pids() # FILE
{
	local f files

	mapfile -t files < <(grep -lzsF -f "$1" /proc/[0-9]*/cmdline)
	pids=
	for f in "${files[@]}"; do
		f=${f#/proc/}
		pids+="${f%/cmdline} "
	done
}

# Into $found: everything of container x that is there, a line each.
find_things()
{
	local d

	find_pids "$it_tmp/marks"
	found=${pids:+"processes $pids"$'\n'}
	for d in /sys/fs/cgroup/"$it_cg"/*/ /sys/fs/cgroup/*/"$it_cg"/*/; do
		[ ! -d "$d" ] || found+="cgroup $d"$'\n'
	done
	[[ $(</proc/self/mountinfo) != *" $it_tmp/"* ]] || found+="mount $(it_mounts)"$'\n'
	for d in "$it_tmp"/state/* "$it_tmp"/state/.[!.]* "$it_tmp"/state/.seccomp/.[!.]* \
		"$bundle"/.[!.]*; do
		case $d in
		*\** | */state/.seccomp) ;;
		*) found+="file $d"$'\n' ;;
		esac
	done
}

nothing()
{
	find_things
	[ -z "$found" ]
}

# What state says: $st ("none" if there is no container) and $pid.
look()
{
	local text

	if text=$(oci state x 2>"$it_tmp/err"); then
		echo "$text" >>"$states"
		[[ $text =~ \"status\":\ \"([a-z]+)\" ]] && st=${BASH_REMATCH[1]}
		[[ $text =~ \"pid\":\ ([0-9]+) ]] && pid=${BASH_REMATCH[1]}
	elif grep -q 'does not exist' "$it_tmp/err"; then
		st=none pid=0
	else
		st="error ($(<"$it_tmp/err"))" pid=0
	fi
}

# Is what state says so? The runtime has ended: nothing is on its way any more.
truthful()
{
	local now

	look
	find_pids "$it_tmp/marks"
	case $st in
	none) [ -z "$pids" ] && [ ! -e "$it_tmp/state/x/state.json" ] ;;
	stopped) [ "$pid:$pids" = 0: ] ;;
	created)
		read -r now _ 2>/dev/null <"/proc/$pid/syscall"
		[ "$pid $now" = "$pids$accept4" ]
		;;
	running)
		mapfile -d '' -t now 2>/dev/null <"/proc/$pid/cmdline"
		[ "${now[*]}" = "sleep $mark" ]
		;;
	*) false ;;
	esac
}

# --- one kill ------------------------------------------------------------------------------------

note() # TEXT
{
	bad+="call $n (number $nr): $1"$'\n'
}

# Polls until it is so, for as long as may be needed.
soon() # COMMAND...
{
	"$@" || it_wait "$patience" "$@"
}

check_truth()
{
	soon truthful && return
	find_things
	note "state says $st, pid $pid, but there is: $found"
}

# "created" is true only if it can be started.
check_start()
{
	[ "$st" = created ] || return
	oci start x >"$it_tmp/log" 2>&1 && soon truthful && [ "$st" = running ] ||
		note "created, but start gave: $(<"$it_tmp/log"), then it was $st"
}

check_delete()
{
	local log

	log=$(oci delete --force x 2>&1) || note "delete --force failed: $log"
}

check_nothing()
{
	nothing && return
	note "left: $found"
	rm -f "$bundle"/.[!.]*
}

check_again()
{
	local log=$it_tmp/log

	oci create --bundle "$bundle" x </dev/null >"$log" 2>&1 ||
		note "the next create failed: $(<"$log")"
	oci delete --force x >"$log" 2>&1 || note "the next delete failed: $(<"$log")"
}

# --- sweeps --------------------------------------------------------------------------------------

# On a slow machine only every Nth call is tried from some second on.
hurry() # SECOND N
{
	[ $SECONDS -gt "$1" ] && [ "$step" -lt "$2" ] || return
	echo "# slow: from here on only one of $2 calls"
	step=$2
}

# Makes every point of one command: $1 prepares for it, $2 looks at what the kill left.
sweep() # NAME BEFORE AFTER [--children] COMMAND [ARGUMENT...]
{
	local name=$1 before=$2 after=$3 mode=()

	shift 3
	[[ $name =~ ${CAISSON_CRASH_ONLY-} ]] || return 0
	[ "$1" != --children ] || { mode=("$1") && shift; }
	bad='' what='' nr='' n=1
	for (( ; ; n += step)); do
		hurry 60 10
		hurry 110 60
		"$before"
		: >"$report"
		timeout -k 5 30 "$crash" "${mode[@]}" "$report" "$n" "$CAISSON_OCI" \
			--root "$it_tmp/state" "$@" </dev/null >"$it_tmp/log" 2>&1
		read -r what code calls nr <"$report" || {
			note "the command hung"
			break
		}
		"$after"
		[ "$what" = killed ] || break
		[ "$(grep -c . <<<"$bad")" -lt 10 ] || break
	done
	[ "$what:$code" = ended:0 ] || note "it did not come to its end: $(<"$it_tmp/log")"
	tap_empty "$name, killed at any of its ${calls:-?} system calls" "$bad"
	oci delete --force x 2>/dev/null
}

nothing_before()
{
	:
}

# So that create makes also the cgroups above the container's.
no_parents()
{
	rmdir /sys/fs/cgroup/"$it_cg" /sys/fs/cgroup/*/"$it_cg" 2>/dev/null
}

created_before()
{
	oci create --bundle "$bundle" x </dev/null >"$it_tmp/log" 2>&1 ||
		note "create: $(<"$it_tmp/log")"
}

running_before()
{
	oci run --detach --bundle "$bundle" x </dev/null >"$it_tmp/log" 2>&1 ||
		note "run: $(<"$it_tmp/log")"
}

settled_after()
{
	check_truth
	check_start
	check_delete
	check_nothing
}

settled_after_create()
{
	settled_after
	check_again
}

# Without waiting for what the runtime's death has set going.
deleted_at_once_after()
{
	check_delete
	soon nothing || check_nothing
	check_again
}

# A command whose child is killed cleans up itself, if it fails.
child_killed_after()
{
	[ "$code" = 0 ] || check_nothing
	check_truth
	check_delete
	check_nothing
}

running_once()
{
	[ -d "$it_tmp/state/x" ] || running_before
}

none_of_runtime()
{
	find_pids "$it_tmp/mark-runtime"
	[ -z "$pids" ]
}

# The container goes on, and what exec was killed with is not left in it half made.
exec_after()
{
	soon none_of_runtime || note "exec left $pids"
	truthful && [ "$st" = running ] || note "the container is $st"
	[ "$what" = killed ] || {
		check_delete
		check_nothing
	}
}

it_bundle x ".process.args = [\"sleep\", \"$mark\"]"
mkdir "$it_tmp/state"
sweep "create" no_parents settled_after_create create --bundle "$bundle" x
sweep "create, then delete at once" nothing_before deleted_at_once_after create \
	--bundle "$bundle" --pid-file "$bundle/pid" x
sweep "run --detach" nothing_before settled_after_create run --detach --bundle "$bundle" x
sweep "start" created_before settled_after start x
sweep "exec" running_once exec_after exec x true
sweep "exec --detach" running_once exec_after exec --detach x sleep "$mark"
sweep "delete of a created one" created_before settled_after delete x
sweep "delete --force" running_before settled_after delete --force x
sweep "create: its init" nothing_before child_killed_after --children create --bundle "$bundle" x
sweep "exec: its processes" running_once exec_after --children exec x true

# With all that makes more processes, files, or steps: a stage that joins namespaces, a user
# namespace, a filter and its cache, a hook, a pid file.
it_netns_add net || echo "Bail out! no network namespace"
it_bundle x ".process.args = [\"sleep\", \"$mark\"]
	| .linux.namespaces |= map(if .type == \"network\" then .path = \"$netns\" else . end)
	| .linux.namespaces += [{ type: \"user\" }]
	| .mounts |= map(select(.type != \"sysfs\"))
	| .linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
	| .linux.gidMappings = .linux.uidMappings
	| .linux.seccomp = { defaultAction: \"SCMP_ACT_ALLOW\",
		syscalls: [{ names: [\"swapon\"], action: \"SCMP_ACT_ERRNO\" }] }
	| .hooks.createRuntime = [{ path: \"/bin/true\" }]
	| .mounts += [{ destination: \"/idmapped\", type: \"bind\", source: \"$it_tmp/idmapped\",
		uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
		gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] }]"
mkdir -p "$it_tmp/idmapped"
idmapped=yes
it_try oci create --bundle "$bundle" x </dev/null
if [[ $err == *'cannot idmap its file system'* ]]; then
	idmapped=
	echo "# without the idmapped mount: this kernel cannot idmap $(stat -f -c %T "$it_tmp")"
	jq 'del(.mounts[] | select(.destination == "/idmapped"))' "$bundle/config.json" \
		>"$it_tmp/config.json" && mv "$it_tmp/config.json" "$bundle/config.json"
fi
oci delete --force x 2>/dev/null
no_cache()
{
	rm -rf "$it_tmp/state/.seccomp"
}
all=(--bundle "$bundle" --pid-file "$bundle/pid" x)
sweep "create with more" no_cache settled_after_create create "${all[@]}"
sweep "create with more: its processes" no_cache child_killed_after --children create "${all[@]}"

# The child that keeps a user namespace for the idmapped mount, slow to begin, does not outlive the
# runtime, and with it the lock.
slow_child()
{
	timeout -k 1 20 strace -f -qq -o /dev/null -e trace=prctl,pidfd_send_signal \
		-e inject=prctl:delay_enter=500000 -e inject=pidfd_send_signal:signal=SIGKILL \
		"$CAISSON_OCI" --root "$it_tmp/state" create "${all[@]}" </dev/null >"$it_tmp/log" 2>&1
	[ $? = 137 ] && it_wait 5 no_runtime # strace ends as the runtime did
}
no_runtime()
{
	find_pids "$it_tmp/mark-runtime"
	[ -z "$pids" ]
}
if ! command -v strace >/dev/null; then
	tap_skip "killed beside a slow child" "strace is not installed"
elif [ -z "$idmapped" ]; then
	tap_skip "killed beside a slow child" "only an idmapped mount needs such a child"
elif [ "${SANITIZE-}" = yes ]; then
	tap_skip "killed beside a slow child" "the sanitizers make calls of their own"
else
	tap_check "killed beside a slow child" slow_child
	tap_check "and what is left can be deleted" timeout 5 "$CAISSON_OCI" \
		--root "$it_tmp/state" delete --force x
	tap_check "nothing is left" it_wait 5 nothing
fi

tap_check "whatever state said was JSON" jq -es 'all(type == "object")' "$states"
it_done
