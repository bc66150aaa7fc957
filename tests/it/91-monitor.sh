#!/bin/bash
# The monitor: logs, who is attached, exit statuses, restarts, and what its death and the command's
# leave.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
command -v jq >/dev/null || tap_skip_all "jq is not installed"
command -v python3 >/dev/null || tap_skip_all "python3 is not installed"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

# Emulated machines are slow: less of everything.
lines=200000
[ -z "${CAISSON_LAB-}" ] || lines=5000
wait_s=60

state_of() # NAME
{
	caisson inspect --format '{{.State.Status}}' "$1" 2>/dev/null
}
is() # NAME STATUS
{
	[ "$(state_of "$1")" = "$2" ]
}
id_of() # NAME
{
	caisson inspect --format '{{.Id}}' "$1"
}
monitor_of() # NAME
{
	jq -r .monitor "$it_tmp/lib/containers/$(id_of "$1")/status.json"
}
log_has() # NAME TEXT
{
	caisson logs "$1" 2>&1 | grep -qF -- "$2"
}

# ------------------------------------------------------------------------------------------------
tap_comment <<<"logs"
for driver in json-file k8s-file; do
	c run -d --name "$driver" --network none --log-driver "$driver" box \
		sh -c 'echo one; echo "a \"quote\" \\"; echo err >&2; printf torn; exit 3'
	it_wait $wait_s is "$driver" exited
	c logs "$driver"
	tap_is "$driver: stdout" "$out" $'one\na "quote" \\\ntorn'
	tap_is "$driver: stderr" "$err" err
	c logs -t --tail 1 "$driver"
	tap_like "$driver: -t, --tail" "$out$err" '^20[0-9-]*T[0-9:.]*Z torn$'
done
id=$(id_of json-file)
tap_is "json-file: docker's lines" "$(jq -r '.stream + " " + .log' "$it_tmp/lib/containers/$id/log" |
	grep -c '^stdout one$')" 1
c logs nobody
tap_is "no such container" "$status" 125
c run -d --name quiet --network none --log-driver none box echo x
c logs quiet
tap_is "log driver none: logs says so" "$status" 125
tap_like "with the reason" "$err" 'log-driver none'
c run --rm --network none --log-driver syslog box true
tap_is "an unknown driver" "$status" 125
c run --rm --network none --log-opt max-size=x box true
tap_is "a bad option" "$status" 125
c logs --since nonsense json-file
tap_is "a bad time" "$status" 125
c logs --since 1h json-file
tap_is "--since" "$out" $'one\na "quote" \\\ntorn'
c logs --until 1h json-file
tap_is "--until" "$out" ""

# All bytes there are, and lines longer than a record.
python3 - "$it_tmp/home/bytes" <<'PY'
import random, sys
random.seed(1)
data = bytes(random.randrange(256) for _ in range(100000)) + b"x" * 50000 + b"\n" + bytes(range(256))
open(sys.argv[1], "wb").write(data)
PY
for driver in json-file k8s-file; do
	c run -d --name "bytes-$driver" --network none --log-driver "$driver" \
		-v "$it_tmp/home:/mnt:ro" box cat /mnt/bytes
	it_wait $wait_s is "bytes-$driver" exited
	caisson logs "bytes-$driver" >"$it_tmp/logged"
	cmp -s "$it_tmp/logged" "$it_tmp/home/bytes"
	tap_is "$driver: any byte comes back" "$?" 0
done

# ------------------------------------------------------------------------------------------------
tap_comment <<<"rotation under load"
long=$(printf %043d 0)
seq 1 $lines | sed "s/^/$long/" >"$it_tmp/want"
for driver in json-file k8s-file; do
	c run -d -i --name "much-$driver" --network none --log-driver "$driver" \
		--log-opt max-size=1m --log-opt max-file=40 box \
		sh -c "read go; seq 1 $lines | sed s/^/$long/"
	timeout 120 "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" logs -f "much-$driver" \
		>"$it_tmp/followed" &
	follower=$!
	echo | caisson attach "much-$driver" >"$it_tmp/attached"
	wait $follower
	cmp -s "$it_tmp/followed" "$it_tmp/want"
	tap_is "$driver: who follows misses nothing and gets nothing twice" "$?" 0
	cmp -s "$it_tmp/attached" "$it_tmp/want"
	tap_is "$driver: nor does who is attached" "$?" 0
	it_wait $wait_s is "much-$driver" exited
	c logs "much-$driver"
	cmp -s "$it_tmp/out" "$it_tmp/want"
	tap_is "$driver: nor does the log" "$?" 0
	c logs --tail 3 "much-$driver"
	tap_is "$driver: its end" "$out" "$(tail -n 3 "$it_tmp/want")"
	[ -n "${CAISSON_LAB-}" ] || tap_is "$driver: files are put away" \
		"$([ -f "$it_tmp/lib/containers/$(id_of "much-$driver")/log.5" ] && echo yes)" yes
	c rm "much-$driver"
done

# ------------------------------------------------------------------------------------------------
tap_comment <<<"attach"
c run -d -i --name many --network none box sh -c 'read a; echo "got $a"; read b; exit 9'
pids=()
for i in 1 2 3; do
	caisson attach --no-stdin many >"$it_tmp/many.$i" 2>&1 &
	pids+=($!)
done
it_wait $wait_s sh -c "[ \"\$(grep -c attach '$it_tmp/lib/containers/.events')\" -ge 5 ]"
it_try sh -c "{ echo hello; echo; } | timeout 60 '$CAISSON' --root '$it_tmp/lib' \
	--state '$it_tmp/run' attach many"
tap_is "attach gives input" "$out" "got hello"
tap_is "and exits as the container does" "$status" 9
for i in 1 2 3; do
	wait "${pids[i - 1]}"
	tap_is "client $i: the status" "$?" 9
	tap_is "client $i: the output" "$(<"$it_tmp/many.$i")" "got hello"
done
c attach many
tap_is "one that does not run" "$status" 125
c attach --detach-keys x,yz many
tap_is "bad detach keys" "$status" 125

# As many as can be at once, and one more. Connections are accepted some time after they are made.
c run -d -i --name crowd --network none box sh -c 'read a; echo "got $a"'
cat >"$it_tmp/crowd.py" <<'PY'
import os, socket, sys, time
os.chdir(sys.argv[1])
socks = []
while len(socks) < 256:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.setblocking(True)
    s.connect("attach")
    socks.append(s)
print("there", flush=True)
sys.stdin.read()
PY
mkfifo "$it_tmp/crowd.in"
python3 "$it_tmp/crowd.py" "$it_tmp/run/containers/$(id_of crowd)" <"$it_tmp/crowd.in" >"$it_tmp/crowd.out" &
crowd=$!
exec 7>"$it_tmp/crowd.in"
it_wait $wait_s grep -q there "$it_tmp/crowd.out"
c attach crowd
tap_is "256 are attached: one more is refused" "$status" 125
tap_like "it says why, in one line" "$(tr '\n' ' ' <<<"$err" | sed 's/ $//')" '^caisson: error: .*: too many are attached to this container$'
tap_is "the container runs on" "$(state_of crowd)" running
exec 7>&-
wait "$crowd"
it_try sh -c "echo hello | timeout 60 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' attach crowd"
tap_is "when they are gone there is room" "$status $out" "0 got hello"

# A terminal, by python's pty: size, a new size, detach keys, and again.
cat >"$it_tmp/terminal.py" <<'PY'
import os, signal, sys
from term import Terminal
def Term(*words):
    return Terminal(sys.argv[1:] + list(words), 31, 97)
t = Term("run", "-it", "--name", "term", "--network", "none", "box", "sh")
t.expect(rb"[#$] ")
t.type(b"stty size\r"); t.expect(rb"31 97\r\n")
assert not t.restored()
t.resize(32, 98)
t.expect(rb"32 98\r\n", b"stty size\r")
t.type(b"\x10\x11")
print("detached", t.wait(), t.restored())
t = Term("attach", "--detach-keys", "ctrl-a,d", "term")
t.type(b"\r"); t.expect(rb"[#$] ")
t.type(b"stty size\r"); t.expect(rb"31 97\r\n")
t.type(b"\x01d")
print("detached", t.wait(), t.restored())
t = Term("attach", "--sig-proxy=false", "term")
t.type(b"\r"); t.expect(rb"[#$] ")
os.kill(t.pid, signal.SIGTERM)
print("ended", t.wait(), t.restored())
t = Term("attach", "term")
t.type(b"\r"); t.expect(rb"[#$] ")
t.type(b"exit 6\r")
print("exited", t.wait(), t.restored())
PY
it_try env PYTHONPATH="$it_here" PYTHONDONTWRITEBYTECODE=1 timeout 200 python3 "$it_tmp/terminal.py" "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run"
tap_is "a terminal: its size, detach keys, signals, its end; ours is put back" "$out" \
	$'detached 0 True\ndetached 0 True\nended -15 True\nexited 6 True'

# exec, too: its program keeps its terminal, though nobody reads it.
caisson run -d --name kept --network none box sleep 1000 >/dev/null
cat >"$it_tmp/leave.py" <<'PY'
import sys
from term import Terminal
def leave(keys, *words):
    t = Terminal(sys.argv[1:] + ["exec", "-it"] + list(words), 24, 80)
    t.expect(rb"here ")
    t.type(b"abc\r"); t.expect(rb"abc\r\n")
    t.type(keys)
    print("detached", t.wait(), t.restored())
leave(b"\x10\x11", "kept", "sh", "-c", "printf 'here '; read a; sleep 1; seq 100000; tty >/one; sleep 2000")
leave(b"xy", "--detach-keys", "x,y", "kept", "sh", "-c", "printf 'here '; cat >/two")
PY
it_try env PYTHONPATH="$it_here" PYTHONDONTWRITEBYTECODE=1 timeout 200 python3 "$it_tmp/leave.py" "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run"
tap_is "exec: detach keys" "$out" $'detached 0 True\ndetached 0 True'
tap_check "what was left goes on" it_wait 60 caisson exec kept grep -q /dev/pts /one
c exec kept cat /two
tap_is "and got what was typed before" "$out" abc
c exec -t --detach-keys alt-x kept true
tap_like "keys that are none" "$status $err" '^125 .*option --detach-keys: detach keys "alt-x"'
c rm -f kept
tap_check "nobody holds a terminal when it ends" it_wait 20 eval '! pgrep -f "exec -it kept" >/dev/null'

it_try sh -c "timeout -s INT 2 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
	run --rm --network none box sh -c 'trap \"exit 44\" INT; while :; do sleep 0.1; done'"
tap_is "signals are passed on" "$status" 124

# ------------------------------------------------------------------------------------------------
tap_comment <<<"restart policies"
c run -d --name thrice --network none --restart on-failure:2 box sh -c 'echo run; exit 4'
it_wait $wait_s is thrice exited
c logs thrice
tap_is "on-failure:2: three runs" "$out" $'run\nrun\nrun'
c inspect --format '{{.RestartCount}} {{.State.ExitCode}}' thrice
tap_is "counted" "$out" "2 4"
c run -d --name good --network none --restart on-failure box true
it_wait $wait_s is good exited
c inspect --format '{{.RestartCount}} {{.State.ExitCode}}' good
tap_is "on-failure: not after success" "$out" "0 0"
c run -d --name always --network none --restart always box sh -c 'echo run'
restarted()
{
	[ "$(caisson logs always | grep -c run)" -ge 3 ]
}
it_wait $wait_s restarted
tap_is "always: again and again" "$?" 0
c stop always
tap_is "until it is stopped" "$status" 0
tap_is "and then it stays so" "$(state_of always)" exited
tap_is "no monitor is left" "$(find "$it_tmp/run/containers" -name attach | wc -l)" 0
# docker's kill ends one that waits for its next start, too
c run -d --name looper --network none --restart always box sh -c 'exit 3'
it_wait $wait_s is looper restarting
c kill looper
tap_is "kill of one that restarts" "$status" 0
it_wait $wait_s is looper exited
tap_is "it is not started again" "$?" 0
tap_is "and leaves no monitor" "$(find "$it_tmp/run/containers" -name attach | wc -l)" 0

# What was changed while it ran, or while its next start was near, is what that start has.
if [ "$(it_cgroup_version)" = 2 ]; then
	limit_file=/sys/fs/cgroup/memory.max
else
	limit_file=/sys/fs/cgroup/memory/memory.limit_in_bytes
fi
if c run -d --name changed --network none --restart always -m 64m box \
	sh -c "cat $limit_file; until [ -e /go ]; do sleep 0.1; done; rm /go; exit 3" &&
	[ "$status" = 0 ]; then
	it_wait $wait_s log_has changed 67108864
	c update -m 32m --memory-swap -1 --pids-limit 99 changed
	c exec changed touch /go
	it_wait $wait_s log_has changed 33554432
	tap_is "a restart by its policy has what update changed" "$?" 0
	c inspect --format '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.RestartCount}}' changed
	tap_is "and inspect says so" "$out" "33554432 99 1"
	c update -m 48m changed
	c restart -t 0 changed
	it_wait $wait_s log_has changed 50331648
	tap_is "a restart by the user, too" "$?" 0
	c rm -f changed
	c run -d --name quickly --network none --restart always -m 64m box sh -c "cat $limit_file; exit 3"
	for m in 16 20 24 28; do
		c update -m ${m}m --memory-swap -1 quickly
		it_wait $wait_s log_has quickly $((m << 20))
		tap_is "changed while it is started again and again: ${m}m" "$?" 0
	done
	c rm -f quickly
else
	tap_skip "a restart by its policy has what update changed" "no memory limit here"
fi

# ------------------------------------------------------------------------------------------------
tap_comment <<<"joined namespaces"
c run -d --name shared --network none box sleep 300
c run -d --name joiner --network container:shared --restart always box \
	sh -c 'until [ -e /go ]; do sleep 0.1; done'
ns_of_ctr() { readlink "/proc/$(caisson inspect -f '{{.State.Pid}}' "$1")/ns/net"; }
tap_is "container:NAME" "$(ns_of_ctr joiner)" "$(ns_of_ctr shared)"
# the number of a process that has ended is given out again: here it is another by its start time
c inspect -f '{{.Id}}' joiner
joins=$it_tmp/run/containers/$out/joins
sed -i 's/ [0-9]*$/ 1/' "$joins"
c exec joiner touch /go
refused()
{
	caisson inspect -f '{{.State.Error}}' joiner | grep -q 'whose namespaces are shared, has ended'
}
it_wait $wait_s refused
tap_is "a restart joins no other process of that number" "$?" 0
c stop joiner
c restart -t 0 shared
c rm -f joiner
c run -d --name joiner --network container:shared box sleep 300
tap_is "nor do we keep to an old one" "$(ns_of_ctr joiner)" "$(ns_of_ctr shared)"
c rm -f joiner shared

tap_comment <<<"memory"
if caisson run -d --name hog --network none --memory 8m --memory-swap 8m box \
	sh -c 'x=$(dd if=/dev/zero bs=1M count=64 2>/dev/null | tr "\0" x); echo survived' \
	>/dev/null 2>&1; then
	it_wait $wait_s is hog exited
	c inspect --format '{{.State.OOMKilled}}' hog
	tap_is "a kill for want of memory is recorded" "$out" true
	tap_is "and told" "$(grep -c '"Action":"oom"' "$it_tmp/lib/containers/.events")" 1
else
	tap_skip "a kill for want of memory is recorded" "no memory limit here"
fi
c run -d --name idle --network none box sleep 1000
mon=$(monitor_of idle)
# what the start took is given back a second later
kib=9999
for ((i = 0; i < 300 && kib >= 1024; i++)); do
	kib=$(awk '/^Private_(Clean|Dirty)/ { n += $2 } END { print n }' "/proc/$mon/smaps_rollup")
	[ "$kib" -lt 1024 ] || sleep 0.1
done
tap_comment <<<"the idle monitor has $kib KiB of its own"
if [ "${SANITIZE-}" = yes ]; then
	tap_skip "less than 1 MiB" "sanitizers take more"
else
	tap_check "less than 1 MiB" test "$kib" -lt 1024
fi
tap_is "its files" "$(readlink "/proc/$mon/fd/0" "/proc/$mon/fd/1" "/proc/$mon/fd/2" | sort -u)" /dev/null
tap_is "its folder" "$(readlink "/proc/$mon/cwd")" /

# ------------------------------------------------------------------------------------------------
tap_comment <<<"deaths"
c run -d --rm --name last --network none -v /anon box sleep 300
c inspect -f '{{.Id}} {{.State.MonitorPid}}' last
read -r id last <<<"$out"
kill -9 "$last"
it_wait $wait_s sh -c "! kill -0 $last 2>/dev/null"
# as if it had died a moment later: after its last word, before it removed the container
status_file=$it_tmp/lib/containers/$id/status.json
jq '.state = "exited" | .pid = 0 | .monitor = 0' "$status_file" >"$it_tmp/status.json"
cp "$it_tmp/status.json" "$status_file"
c ps -a --filter name=last --format '{{.Names}}'
tap_is "--rm is kept by the next command" "$out" ""
tap_empty "wholly" "$(find "$it_tmp" -name "$id"; it_mounts | grep "$id")"
kill -9 "$mon"
it_wait $wait_s sh -c "! kill -0 $mon 2>/dev/null"
c ps -a --filter name=idle --format '{{.State}}'
tap_like "its monitor was killed: ps knows" "$out" '^(exited|dead)$'
c start idle
tap_is "it can be started again" "$status" 0
tap_is "and runs" "$(state_of idle)" running
c rm -f idle
tap_is "and removed" "$status" 0

timeout 60 "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" run --name fore --network none box \
	sh -c 'i=0; while [ $i -lt 1000 ]; do echo $i; sleep 0.05; i=$((i+1)); done' >/dev/null 2>&1 &
it_wait $wait_s log_has fore 3
pid=$(pgrep -f -- "$it_tmp/run run --name fore" | tail -n 1)
kill -9 "$pid"
n=$(caisson logs fore | wc -l)
more()
{
	[ "$(caisson logs fore | wc -l)" -gt $((n + 5)) ]
}
it_wait $wait_s more
tap_is "the command was killed: the container goes on" "$?" 0
tap_is "and so does its monitor" "$(state_of fore)" running
c stop -t 1 fore
tap_is "it can be stopped" "$status $(state_of fore)" "0 exited"

# ------------------------------------------------------------------------------------------------
tap_comment <<<"events"
c events --since 1h --until 0s --filter container=thrice --filter event=die --format '{{.Actor.Attributes.exitCode}}'
tap_is "die, with its exit status" "$out" $'4\n4\n4'
c events --since 1h --until 0s --filter container=good --format '{{.Action}}'
tap_is "of one container" "$out" $'create\nstart\ndie'
c events --since 1h --until 0s --filter container=good --filter event=start
tap_like "as text" "$out" '^20[^ ]*Z container start [0-9a-f]{64} \(.*name=good'
it_try sh -c "timeout 100 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
	events --since 1h --until 0s --format json | jq -s 'map(select(.Type == \"container\")) | length > 20'"
tap_is "as JSON" "$out" true
timeout 100 "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" events --filter event=destroy \
	--format '{{.Actor.Attributes.name}}' >"$it_tmp/live" &
live=$!
gone()
{
	caisson create --name passing --network none box >/dev/null && caisson rm passing >/dev/null
	grep -q passing "$it_tmp/live"
}
it_wait $wait_s gone
tap_is "live" "$?" 0
kill $live
c events --filter colour=red
tap_is "a bad filter" "$status" 125

eng_done
