#!/bin/bash
# A container runs: its output, its exit status, its walls, and nothing left behind.
. "$(dirname "$0")/lib.sh"

it_sh hello 'echo hello; echo oops >&2; exit 7'
tap_is "stdout comes through" "$out" hello
tap_is "stderr comes through" "$err" oops
tap_is "the exit status is the program's" "$status" 7

it_sh walls 'echo $$; hostname; echo /proc/[0-9]*; id -u'
tap_is "it is process 1, with a host name of its own, and sees only its own processes" \
	"$out" "1
caisson
/proc/1
0"

it_start sleeper
tap_is "run --detach" "$status:$err" "0:"
tap_is "it is running" "$(it_status sleeper)" running
pid=$(it_pid sleeper)
tap_check "its first process is there" test -d "/proc/$pid"
it_try oci exec sleeper cat /proc/1/comm
tap_is "exec enters it" "$status:$out" 0:sleep
it_try oci kill sleeper KILL
tap_is "kill" "$status:$err" "0:"
tap_check "it stops" it_wait 10 it_has_status sleeper stopped
it_try oci delete sleeper
tap_is "delete" "$status:$err" "0:"
tap_is "it is gone" "$(it_status sleeper)" ""

# Each call of a start is there for a reason: the program's own included (busybox: 16), 389 with ten
# v1 hierarchies and the cgroups above there already.
if ! command -v strace >/dev/null; then
	tap_skip "run makes at most 400 system calls" "strace is not installed"
elif [ "${SANITIZE-}" = yes ]; then
	tap_skip "run makes at most 400 system calls" "the sanitizers make calls of their own"
else
	it_bundle calls '.process.args = ["true"]'
	oci run --bundle "$bundle" calls </dev/null
	it_try strace -f -qq -o "$it_tmp/calls" "$CAISSON_OCI" --root "$it_tmp/state" \
		run --bundle "$bundle" calls </dev/null
	calls=$(grep -cvE ' resumed>| (---|\+\+\+) ' "$it_tmp/calls")
	tap_check "run makes at most 400 system calls: $calls" test "$status$err" = 0 -a "$calls" -le 400 \
		-a "$calls" -gt 100
	# nothing of libc's start, which asks where the heap is, comes before it seals itself
	first=$(grep -oE '(execveat|brk)\(' "$it_tmp/calls" | head -n 1)
	if [ "$(uname -m)" = x86_64 ]; then
		tap_is "it seals itself from its entry point" "$first" "execveat("
	else
		tap_skip "it seals itself from its entry point" "x86-64 alone"
	fi
fi

it_bundle nosuch '.process.args = ["/no/such/program"]'
it_try oci run --bundle "$bundle" nosuch
tap_unlike "a program that is not there is an error" "$status" '^0$'
tap_like "and the message names it" "$err" '/no/such/program'
it_done
