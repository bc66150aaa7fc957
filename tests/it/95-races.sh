#!/bin/bash
# Two commands at one container at once: what was reported done stays done, ps tells the truth and
# rm -f always wins. Who is slow is stopped by a signal, so that every race has one outcome.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
eng_image || { echo "Bail out! the image could not be made"; exit 1; }
base=(--root "$it_tmp/lib" --state "$it_tmp/run")

id_of() # NAME
{
	caisson inspect --format '{{.Id}}' "$1"
}
is() # NAME STATUS
{
	[ "$(caisson inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = "$2" ]
}
# Is the container's lock held?
locked() # ID
{
	! flock -n "$it_tmp/lib/containers/$1/lock" true
}
# A command in the background without a shell around it, in $pid.
bg() # COMMAND [ARGUMENT...]
{
	"$CAISSON" "${base[@]}" "$@" >"$it_tmp/bg.out" 2>"$it_tmp/bg.err" </dev/null 8<&- &
	pid=$!
	it_pids+=("$pid")
}
# How long a command takes, in ms: $took.
timed() # COMMAND [ARGUMENT...]
{
	local t0=$EPOCHREALTIME
	c "$@"
	took=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
}

# ------------------------------------------------------------------------------------------------
tap_comment <<<"rm -f wins"
caisson create --name a --network none box true >/dev/null
id=$(id_of a)
mkfifo "$it_tmp/fifo"
exec 9<>"$it_tmp/fifo"
"$CAISSON" "${base[@]}" cp - a:/data <&9 2>/dev/null 9>&- & # nobody writes
pid=$!
it_wait 20 locked "$id"
timed rm -f a
tap_is "a cp that does not end does not keep it" "$status $err" \
	"0 caisson: warning: the lock of container ${id:0:12}: process $pid (caisson) had it and did not let go: killed"
tap_check "for a few seconds at most ($took ms)" test "$took" -lt 8000
kill "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
tap_is "the cp ends" "$?" 137
exec 9<&-
c ps -aq
tap_is "and it is gone" "$out" ""

# A start that waits for its volume has the container, and nothing of it runs.
slow_start() # NAME
{
	exec 8<"$it_tmp/lib/volumes/vol"
	flock 8
	"$CAISSON" "${base[@]}" start "$1" >/dev/null 2>&1 8<&- &
	pid=$!
	it_wait 20 is "$1" starting
}
caisson volume create vol >/dev/null
for how in slow stopped; do
	caisson create --name a --network none -v vol:/v box sleep 300 >/dev/null
	slow_start a
	[ $how = slow ] || kill -STOP "$pid"
	timed rm -f a
	exec 8<&-
	tap_is "a start that is $how does not keep it" "$status" 0
	tap_check "for a few seconds at most ($took ms)" test "$took" -lt 8000
	wait "$pid" 2>/dev/null
	c ps -aq
	tap_is "and it is gone" "$out" ""
done
caisson create --name a --network none box sleep 300 >/dev/null
exec 8<"$it_tmp/lib/containers/$(id_of a)/lock"
flock 8
"$CAISSON" "${base[@]}" start a >/dev/null 2>&1 8<&- &
pid=$!
it_wait 20 grep -q "^73 " "/proc/$pid/syscall" # flock(2)
"$CAISSON" "${base[@]}" rm -f a >"$it_tmp/rm.out" 2>&1 8<&- &
rm=$!
sleep 0.5
flock -u 8
exec 8<&-
wait "$rm"
tap_is "a start that comes between does not save it" "$? $(<"$it_tmp/rm.out")" "0 a"
wait "$pid"
c ps -aq
tap_is "and it is gone" "$out" ""

# ------------------------------------------------------------------------------------------------
tap_comment <<<"what comes during a start"
for cmd in "kill" "stop -s KILL -t 60"; do
	caisson create --name a --network none -v vol:/v box sleep 300 >/dev/null
	slow_start a
	# shellcheck disable=SC2086 # words
	bg $cmd a
	killer=$pid
	sleep 0.3
	SECONDS=0
	exec 8<&-
	wait "$killer"
	tap_is "$cmd waits for it" "$? $(<"$it_tmp/bg.err")" "0 "
	it_wait 20 is a exited
	tap_is "and then ends it" "$(caisson inspect -f '{{.State.ExitCode}}' a)" 137
	tap_check "at once" test $SECONDS -lt 20
	caisson rm -f a >/dev/null
done

eng_done
