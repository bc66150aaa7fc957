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
tap_like "a cp that does not end does not keep it" "$status $err" \
	"^0 caisson: warning: the lock of container ${id:0:12}: process $pid \(caisson\) had it and did not let go: killed"
tap_check "for a few seconds at most ($took ms)" test "$took" -lt 8000
kill "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
tap_is "the cp ends" "$?" 137
exec 9<&-
c ps -aq
tap_is "and it is gone" "$out" ""

# A hook that takes its time is not in the way of a signal; the seconds tell this hook from others.
if [[ $(readlink -f "$it_tmp") = /run/* ]]; then
	tap_skip "a signal during a start that hangs" "/run is in use for the test itself"
else
	cat >"$it_tmp/slow.json" <<-END
		{ "cdiVersion": "0.6.0", "kind": "test/slow", "devices": [ { "name": "start", "containerEdits": {
			"hooks": [ { "hookName": "createRuntime", "path": "$(command -v sleep)",
				"args": [ "sleep", "300.$$" ] } ] } } ] }
	END
	mount -t tmpfs none /run && mkdir -p /run/cdi /run/lock && cp "$it_tmp/slow.json" /run/cdi
	hooks()
	{
		pgrep -f "^sleep 300\\.$$\$"
	}
	for sig in HUP TERM; do # a background job does not hear INT
		bg run --rm --name a --network none --device test/slow=start box true
		it_wait 20 hooks >/dev/null
		kill -$sig "$pid"
		wait "$pid"
		tap_is "SIG$sig ends a run whose start does not come to its end" "$?" $((128 + $(kill -l $sig)))
		c ps -aq
		tap_is "and nothing stays of it" "$out$(hooks)" ""
	done
	umount /run
fi

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
tap_is "a start that comes between does not save it" \
	"$? $(grep -vE "^caisson: warning: the (lock|life) of container" "$it_tmp/rm.out")" "0 a"
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

tap_comment <<<"two cp, both ways"
caisson create --name a --network none box true >/dev/null
caisson create --name b --network none box true >/dev/null
a=$(id_of a) b=$(id_of b)
first=a second=b
[[ $a < $b ]] || first=b second=a
exec 8<"$it_tmp/lib/containers/$(id_of $second)/lock"
flock 8
bg cp "$second:/data/seed" "$first:/tmp"
it_wait 20 locked "$(id_of $first)"
tap_is "locks are taken in one order, so they do not wait for each other" "$?" 0
exec 8<&-
wait "$pid"
tap_is "and it copies" "$? $(<"$it_tmp/bg.err")" "0 "

# ------------------------------------------------------------------------------------------------
tap_comment <<<"start beside an end"
caisson run -d --name e --network none box sh -c 'until [ -e /go ]; do sleep 0.05; done; exec sleep 0' >/dev/null
c inspect -f '{{.State.MonitorPid}} {{.State.Pid}}' e
read -r mon init <<<"$out"
kill -STOP "$mon"
kill -9 "$init"
it_wait 20 grep -q '^State:.Z' "/proc/$init/status" # its monitor has not looked yet
bg start e
sleep 0.3
kill -CONT "$mon"
wait "$pid"
tap_is "waits for it" "$? $(<"$it_tmp/bg.err")" "0 "
tap_check "and starts it anew" is e running
caisson rm -f a b e >/dev/null

# ------------------------------------------------------------------------------------------------
tap_comment <<<"update that is refused by a run that began while it was written"
if command -v strace >/dev/null; then
	rm -f "$it_tmp/home/stay"
	caisson run -d --name late --network none --restart always -v "$it_tmp/home:/mnt:ro" box \
		sh -c '[ -e /mnt/stay ] || exit 1; sleep 300' >/dev/null
	waits() # for longer than a second
	{
		[[ $(caisson inspect -f '{{.RestartCount}} {{.State.Status}}' late) == [4-9]" restarting" ]]
	}
	it_wait 20 waits
	strace -o "$it_tmp/trace" -e trace=fdatasync -e inject=fdatasync:signal=STOP:when=1 \
		"$CAISSON" "${base[@]}" update --cpuset-cpus 4095 late >"$it_tmp/bg.out" 2>"$it_tmp/bg.err" \
		</dev/null 8<&- &
	pid=$!
	it_pids+=("$pid")
	it_wait 20 grep -qs 'stopped by SIGSTOP' "$it_tmp/trace"
	tap_is "it is held before the record is" "$? $(caisson inspect -f '{{.HostConfig.CpusetCpus}}' late)" "0 "
	touch "$it_tmp/home/stay"
	it_wait 20 is late running
	pkill -CONT -P "$pid" caisson
	wait "$pid"
	tap_like "what the kernel refuses: 125" "$? $(cat "$it_tmp/bg.err")" '^125 .*cpu'
	c inspect -f '{{.HostConfig.CpusetCpus}} {{.State.Status}}' late
	tap_is "is not kept" "$out" " running"
	c restart -t 0 late
	tap_is "and it can be started again" "$status $err" "0 "
	caisson rm -f late >/dev/null
else
	tap_skip "update that is refused late" "strace is not installed"
fi

# ------------------------------------------------------------------------------------------------
tap_comment <<<"system prune beside a create"
if command -v strace >/dev/null; then
	held() # FILE COMMAND...: the command, in $pid, is stopped where strace's options in $at say
	{
		local trace=$1

		shift
		strace -o "$trace" "${at[@]}" "$CAISSON" "${base[@]}" "$@" >/dev/null 2>&1 </dev/null 8<&- &
		pid=$!
		it_pids+=("$pid")
	}
	at=(-e trace=fdatasync -e "inject=fdatasync:signal=STOP:when=1")
	held "$it_tmp/trace.create" create --name made --network none box true
	create=$pid
	it_wait 20 grep -qs 'stopped by SIGSTOP' "$it_tmp/trace.create"
	made=$(find "$it_tmp/lib/containers" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' ! -exec test -e {}/record.json \; -printf '%f\n')
	# has found no record, or not looked yet, when there is one
	at=(-e "trace=faccessat,faccessat2" -P "$made/record.json"
		-e "inject=faccessat,faccessat2:signal=STOP:when=1")
	held "$it_tmp/trace.prune" system prune -f
	prune=$pid
	over() { ! kill -0 "$prune" 2>/dev/null || grep -qs 'stopped by SIGSTOP' "$it_tmp/trace.prune"; }
	it_wait 20 over
	pkill -CONT -P "$create" caisson
	wait "$create"
	tap_is "a create that is slow" "$? $(wc -w <<<"$made")" "0 1"
	pkill -CONT -P "$prune" caisson
	wait "$prune"
	tap_is "what it made is there" "$? $(caisson inspect -f '{{.Id}}' made)" "0 $made"
	caisson rm made >/dev/null
else
	tap_skip "system prune beside a create" "strace is not installed"
fi

# ------------------------------------------------------------------------------------------------
tap_comment <<<"--all beside what a killed create left"
mkdir -p "$it_tmp/lib/containers/$(printf %064d 7)"
for cmd in kill stop pause unpause; do
	c $cmd -a
	tap_is "$cmd -a" "$status $err" "0 "
done
rmdir "$it_tmp/lib/containers/$(printf %064d 7)"

# ------------------------------------------------------------------------------------------------
tap_comment <<<"a full disk"
mkdir -p "$it_tmp/small"
mount -t tmpfs -o size=24m tmpfs "$it_tmp/small"
cp -a "$it_tmp/lib/images" "$it_tmp/small/"
small=(timeout 60 "$CAISSON" --root "$it_tmp/small" --state "$it_tmp/run2")
"${small[@]}" run -d --name full --network none -v "$it_tmp/home:/mnt:ro" box \
	sh -c 'until [ -e /mnt/go ]; do sleep 0.05; done; exit 7' >/dev/null
dd if=/dev/zero of="$it_tmp/small/fill" bs=4k >/dev/null 2>&1
touch "$it_tmp/home/go"
"${small[@]}" wait full >/dev/null
it_try "${small[@]}" inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' full
tap_is "the exit status is kept" "$out$err" "exited 7 "
rm "$it_tmp/small/fill"
"${small[@]}" rm -f full >/dev/null
umount "$it_tmp/small"

eng_done
