#!/bin/bash
# The monitor as a program, with guests of a few instructions, which any /dev/kvm runs, the software
# flavour as well: jail, result, control, ends.
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
vmm=${top_builddir:-$here/../../build}/vmm
[ -c /dev/kvm ] || tap_skip_all "there is no /dev/kvm"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
for tool in jq python3; do
	command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done
[ -x "$vmm" ] || {
	echo "Bail out! $vmm is not there: build first"
	exit 1
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/caisson-vmm.XXXXXX")
pid=''
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf -- "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
for what in hello flood idle triple dark spin; do
	python3 "$here/vmtiny.py" "$what" "$tmp/$what"
done

# Runs a guest to its end: $status, and $told of the result.
run() # WHAT [JQ-FILTER]
{
	jq -n '{ version: 1, memory: 33554432, kernel: { fd: 10 }, serial: { out: 1 }, result: 12,
		hang_seconds: 2 } | '"${2:-.}" >"$tmp/config"
	status=0
	timeout 60 "$vmm" "$tmp/config" 10<"$tmp/$1" 12>"$tmp/result" </dev/null 2>"$tmp/err" ||
		status=$?
	told=$(jq -r '"\(.reason) \(.status)"' "$tmp/result")
}

run hello >"$tmp/out"
tap_is "a guest says hello" "$(<"$tmp/out")" "guest: hello"
tap_is "and ends with a status" "$status:$told" "0:exit 7"
tap_check "its exits were counted" jq -e '.counters.exits.pio > 10' "$tmp/result"
run hello '.cpus = 4 | .shared = true' >"$tmp/out"
tap_is "four vCPUs, shared memory" "$status:$told:$(<"$tmp/out")" "0:exit 7:guest: hello"
run hello '.jail = false' >"$tmp/out"
tap_is "without a jail" "$status:$told:$(<"$tmp/out")" "0:exit 7:guest: hello"
run triple >"$tmp/out"
tap_is "a triple fault" "$status:$told" "4:triple-fault null"
run dark >"$tmp/out"
tap_is "one that sleeps for good" "$status:$told" "5:hang null"
run spin >"$tmp/out"
tap_is "one that turns round for good" "$status:$told" "5:hang null"
run flood >"$tmp/out"
tap_is "20000 lines" "$status:$told:$(wc -l <"$tmp/out")" "0:exit 0:20000"
run flood > >(exec head -n 1 >/dev/null)
tap_is "and nobody who reads them" "$status:$told" "0:exit 0"

# --- one that stays
python3 "$here/vm.py" serve "$tmp/control" 13 "$vmm" \
	<(jq -n '{ version: 1, memory: 33554432, kernel: { fd: 10 }, serial: { out: 1 }, result: 12,
		control: 13 }') 10<"$tmp/idle" 12>"$tmp/result" </dev/null >"$tmp/out" 2>"$tmp/err" &
pid=$!
for ((i = 0; i < 300; i++)); do
	! grep -q hello "$tmp/out" || break
	sleep 0.1
done
ask()
{
	python3 "$here/vm.py" ask "$tmp/control" "$@"
}
tap_is "pause and resume" "$(ask '{"do":"pause"}' '{"do":"state"}' '{"do":"resume"}' '{"do":"state"}')" \
	'{"ok":true}
{"ok":true,"state":"paused"}
{"ok":true}
{"ok":true,"state":"running"}'
tap_like "counters" "$(ask '{"do":"counters"}')" '"ok":true,"counters":.*"exits":."pio":[1-9]'
inner=$(pgrep -x -P "$pid" vmm)
tap_like "it is jailed" "$(</proc/"$inner"/status)" $'CapEff:\t0+\n.*NoNewPrivs:\t1\nSeccomp:\t2'
tap_empty "its root is empty" "$(ls -A /proc/"$inner"/root/)"
tap_is "stop" "$(ask '{"do":"stop"}')" '{"ok":true}'
wait "$pid"
status=$?
pid=''
tap_is "it is stopped" "$status:$(jq -r .reason "$tmp/result")" 0:stopped
tap_done
