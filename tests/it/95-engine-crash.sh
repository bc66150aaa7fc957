#!/bin/bash
# Commands, monitors or both are killed, disks are full, records damaged, and several commands are
# at one container at once: ps tells the truth, rm -f always wins, and nothing is left.
# CAISSON_CRASH_POINTS=N tries that many system calls of each command ("all": every one).
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
[ "${SANITIZE-}" != yes ] || tap_skip_all "kills are swept without sanitizers"
tap_skip_emulated
crash=${top_builddir:-$it_here/../../build}/tests/it/crash
[ -x "$crash" ] || tap_skip_all "tests/it/crash is not built"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }
points=${CAISSON_CRASH_POINTS:-8}
base=(--root "$it_tmp/lib" --state "$it_tmp/run")
report=$it_tmp/report

gone() # PID
{
	! kill -0 "$1" 2>/dev/null
}

# What is wrong with container x, whatever was done to it: ps fails, or it cannot be removed, or
# something of it is left.
wrong()
{
	local state

	state=$(caisson ps -a --format '{{.Names}} {{.State}}' 2>&1) ||
		echo "ps failed: $state"
	case $state in
	'' | 'y created' | 'x created' | 'x running' | 'x exited' | 'x starting') ;;
	*) echo "ps says: $state" ;;
	esac
	caisson rm -f x y >/dev/null 2>"$it_tmp/rm.err" || echo "rm -f failed: $(<"$it_tmp/rm.err")"
	caisson ps >/dev/null # finishes what a killed rm left
	# folders without a record are left by a killed create: they are no container
	eng_leftovers | while read -r d; do
		case $d in
		"$it_tmp/lib/containers/"*) [ -e "$d/record.json" ] && echo "left: $d" ;;
		*) echo "left: $d" ;;
		esac
	done
}

# Kills the command at some of its system calls, evenly spread; before each the setup is run.
sweep() # NAME SETUP COMMAND...
{
	local name=$1 setup=$2 total n i bad='' w killed
	shift 2

	$setup
	"$crash" "$report" 1000000 "$CAISSON" "${base[@]}" "$@" >/dev/null 2>&1 </dev/null
	read -r _ _ total _ <"$report"
	bad=$(wrong)
	killed=$points
	[ "$points" != all ] || killed=$total
	for ((i = 0; i < killed; i++)); do
		n=$((1 + i * total / killed))
		$setup
		timeout 60 "$crash" "$report" "$n" "$CAISSON" "${base[@]}" "$@" \
			>/dev/null 2>&1 </dev/null
		w=$(wrong)
		[ -z "$w" ] || bad+="call $n ($(cat "$report")): $w"$'\n'
	done
	tap_empty "$name, killed at $killed of its $total system calls" "$bad"
}

nothing() { :; }
created() { caisson create --name x box sleep 300 >/dev/null; }
running() { caisson run -d --name x box sleep 300 >/dev/null; }
renamed() { caisson rm -f y >/dev/null 2>&1; created; }
exited() { caisson run --name x --network none box true; }

tap_comment <<<"the command is killed"
sweep "create" nothing create --name x box true
sweep "run -d" nothing run -d --name x -v vol:/data box sleep 300
sweep "run --rm" nothing run --rm --name x --network none box true
sweep "start" created start x
sweep "stop" running stop -t 0 x
sweep "rm" exited rm x
sweep "rm -f" running rm -f x
sweep "rename" renamed rename x y

# A container goes before its anonymous volumes: there is none that names a volume that is gone.
lost='' between=0
for ((n = 1; ; n += 13)); do
	caisson run --name x --network none -v /anon box true >/dev/null
	record=$it_tmp/lib/containers/$(caisson inspect -f '{{.Id}}' x)/record.json
	volume=$it_tmp/lib/volumes/$(jq -r '.mounts[] | select(.anonymous).source' "$record")
	timeout 60 "$crash" "$report" "$n" "$CAISSON" "${base[@]}" rm -v x >/dev/null 2>&1 </dev/null
	[ ! -e "$record" ] || [ -d "$volume/_data" ] || lost+="$n "
	[ -e "$record" ] || [ ! -d "$volume/_data" ] || between=$((between + 1))
	grep -q ^killed "$report" || break
	caisson rm -f -v x >/dev/null 2>&1
	caisson volume prune -f >/dev/null
done
tap_is "rm -v, killed at each 13th call" "$lost" ""
tap_check "a volume is what it leaves" test "$between" -gt 0

tap_comment <<<"the monitor is killed"
caisson run -d --name x -p 127.0.0.1:8088:80 --restart always box sleep 300 >/dev/null
c inspect -f '{{.State.MonitorPid}} {{.State.Pid}}' x
read -r monitor pid <<<"$out"
kill -9 "$monitor"
it_wait 10 gone "$monitor"
c ps -a --format '{{.Names}} {{.State}}'
tap_is "ps notices" "$out" "x exited"
it_wait 10 gone "$pid"
tap_is "the container ended with it" "$?" 0
c inspect -f '{{.State.ExitCode}} {{.State.Error}}' x
tap_like "and inspect says why" "$out" '^255 its monitor was killed'
c start x
tap_is "it can be started again" "$status" 0
c rm -f x
tap_is "and removed" "$status" 0
caisson run -d --rm --name x box sleep 300 >/dev/null
c inspect -f '{{.State.MonitorPid}}' x
kill -9 "$out"
it_wait 10 gone "$out"
c ps -aq
tap_is "with --rm it is gone" "$out" ""
caisson run --name x --network none box sleep 300 >/dev/null 2>&1 &
client=$!
it_wait 20 sh -c "[ \"\$('$CAISSON' ${base[*]} inspect -f '{{.State.Status}}' x 2>/dev/null)\" = running ]"
kill -9 "$(pgrep -P "$client" -x caisson || echo "$client")"
c inspect -f '{{.State.Status}}' x
tap_is "a killed foreground command leaves it running" "$out" running
c rm -f x
# what somebody removed by hand: the folder of a container that runs, its state
caisson run -d --name x --network none --restart always box sleep 300 >/dev/null
c inspect -f '{{.Id}} {{.State.MonitorPid}} {{.State.Pid}}' x
read -r id monitor pid <<<"$out"
rm -rf "$it_tmp/lib/containers/$id"
c system prune -f
tap_is "system prune finds one whose folder is gone" "$status" 0
it_wait 10 gone "$pid" && it_wait 10 gone "$monitor"
tap_is "it ends, and its monitor" "$?" 0
caisson run -d --name x --network none --restart always box sleep 300 >/dev/null
c inspect -f '{{.Id}} {{.State.MonitorPid}} {{.State.Pid}}' x
read -r id monitor pid <<<"$out"
rm -rf "$it_tmp/run/$id" "$it_tmp/run/containers/$id"/{live,attach,config.json}
c rm -f x
tap_is "rm -f of one whose state is gone" "$status" 0
it_wait 10 gone "$pid" && it_wait 10 gone "$monitor"
tap_is "it ends, and its monitor" "$?" 0
caisson run -d --name x --network none box sleep 300 >/dev/null
c inspect -f '{{.Id}} {{.State.MonitorPid}} {{.State.Pid}}' x
read -r id monitor pid <<<"$out"
rm -rf "$it_tmp/run/$id" "$it_tmp/run/containers/$id"/{live,attach,config.json}
c ps -a --format '{{.Names}} {{.State}}'
tap_is "until then ps tells what is so" "$out" "x running"
told() # COMMAND... with @ for the container
{
	local cmd

	for cmd; do
		# shellcheck disable=SC2086 # words
		CAISSON_LIMIT=5 c ${cmd//@/x}
		case "$status $err" in
		"125 "*"is running, but somebody removed its state"*) ;;
		*) echo "$cmd: $status $err" ;;
		esac
	done
}
c network create --subnet 10.93.7.0/24 lone
reach=("stop @" "kill @" "start @" "restart @" "update --memory 64m @" "exec @ true" "attach @"
	"exec --user root @ true" "pause @" "unpause @" "top @" "cp /etc/passwd @:/tmp/f" "cp @:/etc -"
	"export -o $it_tmp/t.tar @" "run --rm --network container:@ box true" "network connect lone @")
tap_empty "what cannot reach it says so" "$(told "${reach[@]}" "wait @")"
c rm x
tap_like "rm without -f leaves it" "$status $err" '^125 .*x is running: stop it first'
tap_check "it runs yet" kill -0 "$pid"
hold=/sys/fs/cgroup/freezer/${it_cg##*/}-hold
if [ -d /sys/fs/cgroup/pids/caisson/"$id" ] && mkdir "$hold" 2>/dev/null; then
	# a process in its cgroup that cannot die for a while: another one of version 1 has it frozen
	sleep 60 &
	held=$!
	disown "$held"
	echo "$held" >"/sys/fs/cgroup/pids/caisson/$id/cgroup.procs"
	echo "$held" >"$hold/cgroup.procs"
	echo FROZEN >"$hold/freezer.state"
	(sleep 3 && echo THAWED >"$hold/freezer.state") &
	thaw=$!
	c rm -f x
	tap_is "rm -f, the first time, with one that cannot die at once" "$status $err" "0 "
	wait "$thaw"
	it_wait 10 gone "$held"
	rmdir "$hold"
else
	c rm -f x
	tap_is "rm -f" "$status $err" "0 "
fi
it_wait 10 gone "$pid" && it_wait 10 gone "$monitor"
tap_is "it ends as well" "$?" 0
# the runtime's part alone: its monitor is there yet
caisson run -d --name x --network none --restart always box sleep 300 >/dev/null
c inspect -f '{{.Id}} {{.State.MonitorPid}} {{.State.Pid}}' x
read -r id monitor pid <<<"$out"
rm "$it_tmp/run/$id/state.json"
tap_empty "without the runtime's state: the same words" "$(told "${reach[@]}")"
c ps -a --format '{{.Names}} {{.State}}'
tap_is "ps tells what is so" "$out" "x running"
tap_check "it runs yet" kill -0 "$pid"
CAISSON_LIMIT=5 c rm -f x
tap_is "rm -f does not wait for what cannot be" "$status" 0
it_wait 10 gone "$pid" && it_wait 10 gone "$monitor"
tap_is "it ends, and its monitor" "$?" 0
c network rm lone
tap_empty "nothing is left of all that" "$(wrong)"

tap_comment <<<"several at once"
created
bad=0
for i in 1 2 3 4 5 6; do caisson start x >/dev/null 2>&1 & jobs[i]=$!; done
for i in 1 2 3 4 5 6; do wait "${jobs[i]}" || bad=1; done
tap_is "six starts: all are content" "$bad" 0
c ps --format '{{.Names}} {{.State}}'
tap_is "it runs once" "$out" "x running"
for i in 1 2 3; do caisson stop -t 0 x >/dev/null 2>&1 & jobs[i]=$!; done
for i in 4 5 6; do caisson rm -f x >/dev/null 2>&1 & jobs[i]=$!; done
wait "${jobs[@]}"
c ps -aq
tap_is "stop and rm -f at once: it is gone" "$out" ""
for i in 1 2 3 4 5 6; do caisson create --name x box true >/dev/null 2>&1 & jobs[i]=$!; done
wait "${jobs[@]}"
c ps -aq
tap_is "six creates with one name: one wins" "$(wc -w <<<"$out")" 1
c rm -f x

bad=
for i in {1..40}; do caisson create --network none box true >/dev/null 2>&1 & jobs[i]=$!; done
for i in {1..40}; do wait "${jobs[i]}" || bad+="$i "; done
tap_is "forty creates without a name: each finds one" "$bad" ""
caisson rm -af >/dev/null

tap_comment <<<"damage"
created
caisson create --name good box true >/dev/null
c inspect -f '{{.Id}}' x
echo '{"version": 1, "id"' >"$it_tmp/lib/containers/$out/record.json"
c ps -a --format '{{.Names}}'
tap_is "a damaged record: ps shows the others" "$out" good
tap_like "and says so" "$err" 'record'
c start x
tap_is "it cannot be started" "$status" 125
c rm -f x
tap_is "but removed" "$status" 0
caisson run -d --name x --network none box sleep 300 >/dev/null
c inspect -f '{{.State.MonitorPid}} {{.State.Pid}} {{.Id}}' x
read -r monitor pid id <<<"$out"
kill -9 "$monitor"
it_wait 10 gone "$monitor"
echo '{' >"$it_tmp/lib/containers/$id/record.json"
c rm -f "$id"
tap_is "rm -f of one whose monitor is dead and whose record is damaged" "$status" 0
it_wait 10 gone "$pid"
tap_is "ends what ran" "$?" 0
c inspect -f '{{.Id}}' good
sed -i 's/"version":1/"version":99/' "$it_tmp/lib/containers/$out/record.json"
c start good
tap_like "one of a newer version is left alone" "$err" 'newer'
c rm -f good

# What a record that cannot be read may name is kept; the rest goes.
c volume prune -f --all
c create --name newer --network none -v used:/data -v /anon box true
c create --name left --network none -v /other box true
newer=$(caisson inspect -f '{{.Id}}' newer)
anon=$(jq -r '.mounts[] | select(.anonymous).source' "$it_tmp/lib/containers/$newer/record.json")
c start newer left
c volume create loose
c network create lone
c rm left
sed -i 's/"version":1/"version":99/' "$it_tmp/lib/containers/$newer/record.json"
c volume ls -q
tap_is "a record of a newer version: volume ls" "$status $(wc -w <<<"$out")" "0 4"
c volume prune -f --all
tap_is "volume prune goes on" "$status $(wc -w <<<"$out")" "0 2"
tap_like "and says so in one line" "$err" "^[^ ]* warning: .*record of container ${newer:0:12}.*newer[^ ]* .*: rm -f ${newer:0:12}\$"
c volume ls -q
tap_is "what its text names is kept" "$(sort <<<"$out")" "$(sort <<<"used"$'\n'"$anon")"
c volume rm used
tap_is "nor can it be removed by name" "$status" 125
c network prune -f
tap_is "network prune: a network may be wanted" "$status $out $(wc -l <<<"$err")" "0  1"
c image prune -f
tap_is "image prune goes on" "$status $(wc -l <<<"$err")" "0 1"
c volume create loose
c system prune -f --volumes
tap_is "system prune goes on" "$status $(wc -l <<<"$err")" "0 1"
echo '{"version": 1, "mounts": [{"sou' >"$it_tmp/lib/containers/$newer/record.json"
c volume prune -f --all
tap_is "one that is not whole may use any" "$status $out $(wc -l <<<"$err")" "0  1"
c system df
tap_is "system df goes on" "$status" 0
c rm -f "$newer"
c volume prune -f --all
tap_is "once it is removed they go" "$status $(wc -w <<<"$out")" "0 3"
c network rm lone
mkdir -p "$it_tmp/small"
mount -t tmpfs -o size=24m tmpfs "$it_tmp/small"
cp -a "$it_tmp/lib/images" "$it_tmp/small/"
dd if=/dev/zero of="$it_tmp/small/fill" bs=64k >/dev/null 2>&1
it_try timeout 60 "$CAISSON" --root "$it_tmp/small" --state "$it_tmp/run2" run --name full \
	--network none box true </dev/null
tap_is "a full disk: 125" "$status" 125
tap_is "one line" "$(wc -l <<<"$err")" 1
rm "$it_tmp/small/fill"
it_try timeout 60 "$CAISSON" --root "$it_tmp/small" --state "$it_tmp/run2" ps -aq
tap_is "and nothing is half made" "$out" ""
umount "$it_tmp/small"
# new ones without a lock may be somebody's who is at work
find "$it_tmp/lib/containers" -mindepth 1 -maxdepth 1 -name '[!.]*' -exec touch -d '1 hour ago' {} +
c system prune -f
tap_is "system prune removes the folders that killed commands left" \
	"$status $(find "$it_tmp/lib/containers" -mindepth 1 -maxdepth 1 -name '[!.]*' ! -empty)" "0 "

eng_done
