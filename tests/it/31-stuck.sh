#!/bin/bash
# A set-up that hangs in a hook can be ended: by delete --force, by a signal, by the runtime's death.
. "$(dirname "$0")/lib.sh"

command -v pgrep >/dev/null || tap_skip_all "pgrep is not installed"

# Bundle ID with a hook of that kind that hangs. Sets $naps, by which find_hook knows it.
stuck() # KIND ID
{
	naps=$((${naps:-$((1000000000 + $$ * 100))} + 1))
	it_bundle "$2" ".process.args = [\"sleep\", \"300\"] | .hooks.$1 = [{ path: \"/bin/sh\",
		args: [\"sh\", \"-c\", \"exec sleep $naps\"] }]"
}

# Waits until the hook hangs. Sets $hook_pid.
find_hook()
{
	it_wait 30 pgrep -f -x "sleep $naps" >/dev/null
	hook_pid=$(pgrep -f -x "sleep $naps")
}

# Starts the runtime behind, and waits until its hook hangs. Sets $runtime and $hook_pid.
hang() # KIND ID COMMAND [OPTION...]
{
	local kind=$1 id=$2

	shift 2
	stuck "$kind" "$id"
	"$CAISSON_OCI" --root "$it_tmp/state" "$@" --bundle "$bundle" "$id" </dev/null \
		>"$it_tmp/$id.log" 2>&1 &
	runtime=$!
	it_pids+=("$runtime")
	find_hook
}

gone() # PID
{
	! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"
}

ended() # PID: sets $status
{
	it_wait 20 gone "$1"
	status=0
	wait "$1" 2>/dev/null || status=$?
}

# --- delete --force -------------------------------------------------------------------------------

for command in create 'run --detach' run; do
	id=${command%% *}${#command}
	# shellcheck disable=SC2086 # two words
	hang createRuntime "$id" $command
	it_try oci kill "$id" KILL
	tap_like "$command hangs in a hook: kill says what helps" "$status:$err" \
		"^1:.*not running: container $id is creating .delete --force"
	it_try oci delete --force "$id"
	tap_is "delete --force ends it" "$status:$out$err" "0:"
	ended "$runtime"
	tap_unlike "$command fails" "$status" '^0$'
	tap_check "the hook ended with it" it_wait 10 gone "$hook_pid"
	tap_is "the container is gone" "$(it_status "$id")" ""
done

hang createRuntime killed create
kill -9 "$runtime"
wait "$runtime" 2>/dev/null
tap_check "create is killed: its hook ends with it" it_wait 10 gone "$hook_pid"
it_try oci delete --force killed
tap_is "delete --force takes down what is left" "$status:$err" "0:"

stuck poststop slow
oci create --bundle "$bundle" slow </dev/null >"$it_tmp/log" 2>&1
"$CAISSON_OCI" --root "$it_tmp/state" delete slow >/dev/null 2>&1 &
deleter=$!
it_pids+=("$deleter")
find_hook
it_try oci delete --force slow
tap_like "another delete hangs in it: the next one says who, and what to do" "$status:$err" \
	'^1:.*container slow is being deleted by process [0-9]+, .*end that process'
tap_is "and it is right" "$(sed -E 's/.*by process ([0-9]+),.*/\1/' <<<"$err")" "$deleter"
kill "$deleter"
tap_check "the hook ends with that process" it_wait 10 gone "$hook_pid"
wait "$deleter" 2>/dev/null
jq 'del(.hooks)' "$it_tmp/state/slow/config.json" >"$it_tmp/config" &&
	cp "$it_tmp/config" "$it_tmp/state/slow/config.json"
it_try oci delete --force slow
tap_is "and the container can be deleted" "$status:$err" "0:"

# --- signals while an attended run sets up --------------------------------------------------------

for signal in TERM INT HUP QUIT; do
	kind=createRuntime
	case $signal in
	INT) kind=createContainer ;;
	HUP) kind=startContainer ;;
	*) ;;
	esac
	hang $kind "sig$signal" run
	kill -s "$signal" "$runtime"
	ended "$runtime"
	tap_is "run hangs in a $kind hook: $signal ends it" "$status" \
		$((128 + $(kill -l "$signal")))
	tap_check "the hook is gone" it_wait 10 gone "$hook_pid"
	tap_is "the container is gone" "$(it_status "sig$signal")" ""
done

hang poststart after run
kill -s TERM "$runtime"
tap_check "run hangs in a poststart hook: TERM ends the hook" it_wait 10 gone "$hook_pid"
oci kill after KILL
ended "$runtime"
tap_is "and goes on to the program, whose status is run's" "$status" 137

it_done
