#!/bin/bash
# The command line: help, errors, exit statuses, the log, and what the commands print, beside runc
# where that is installed.
. "$(dirname "$0")/lib.sh"
tap_skip_emulated # two hundred starts of a program that do not look at the kernel

runc=$(command -v runc)

one_line() # TEXT
{
	[ -n "$1" ] && [ "$(wc -l <<<"$1")" = 1 ]
}

# One point: the command failed with that status, and one line on stderr that matches.
fails() # NAME STATUS REGEX COMMAND...
{
	local name=$1 want=$2 regex=$3

	shift 3
	it_try "$@"
	if [ "$status" = "$want" ] && one_line "$err" && [[ $err =~ $regex ]] && [ -z "$out" ]; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "status $status, stdout '$out', stderr '$err'"
	fi
}

# --- help ----------------------------------------------------------------------------------------

dump=$(oci --dump-options)
mapfile -t cmds < <(awk -F '\t' '$2 == "-" && $5 !~ /^\(hidden\)/ { print $1 }' <<<"$dump")
it_try oci --help
help=$out
missing=
for c in "${cmds[@]}"; do
	grep -q "^  $c " <<<"$help" || missing+="$c "
done
tap_is "--help lists every command" "$status:$missing" "0:"
for args in "" -h -help help "help help --help"; do
	# shellcheck disable=SC2086 # words
	it_try oci $args
	tap_like "help by '$args'" "$status $out" '^0 .*Usage: '
done
for c in "${cmds[@]}"; do
	missing=
	it_try oci "$c" --help
	while read -r o; do
		grep -q -- " $o " <<<"$out" || missing+="$o "
	done < <(awk -F '\t' -v c="$c" '$1 == c && $2 != "-" && $5 !~ /^\(hidden\)/ { print $2 }' \
		<<<"$dump")
	tap_is "$c --help shows its options" "$status:$missing:${out%%:*}" "0::caisson-oci $c"
	it_try oci help "$c"
	tap_like "help $c" "$status $out" "^0 caisson-oci $c: "
done

# Options of "runc [COMMAND] --help": "--bundle" and "-b", one a line.
runc_options() # [COMMAND]
{
	"$runc" "$@" --help | sed -n '/OPTIONS:$/,$p' | grep -E '^ +-' |
		sed -E 's/  +[^- ].*//; s/ value//g' | grep -oE -- '-[-a-z0-9]+'
}

if [ -n "$runc" ]; then
	missing=
	while read -r o; do
		grep -qP "^-\t.*\Q$o\E\t" <<<"$dump" || missing+="$o "
	done < <(runc_options)
	tap_empty "runc's global options" "$missing"
	for c in create start run exec ps kill delete state list pause resume update events spec \
		features; do
		missing=
		while read -r o; do
			grep -qP "^$c\t.*\Q$o\E\t" <<<"$dump" || missing+="$o "
		done < <(runc_options $c)
		tap_empty "runc's options of $c" "$missing"
	done
else
	tap_skip "runc's options" "runc is not installed"
fi

it_try oci --version
tap_like "--version" "$status $out" $'^0 caisson-oci version [0-9.]+\nspec: 1\\.3\\.0\n'

# --- errors --------------------------------------------------------------------------------------

fails "unknown command" 1 'unknown command "delte"; did you mean "delete"\?$' oci delte x
fails "unknown command like none" 1 'unknown command "frobnicate"; .*--help' oci frobnicate
fails "unknown global option" 1 'unknown option "--nope"' oci --nope list
fails "unknown option" 1 'list: unknown option "--nope"' oci list --nope
fails "missing value" 1 '--format needs a value' oci list --format
fails "bad value" 1 'list: option --quiet: "maybe"' oci list --quiet=maybe
fails "missing argument" 1 'start: arguments missing, usage: start ID' oci start
fails "too many arguments" 1 'state: too many arguments' oci state a b
fails "exec without a command" 255 'COMMAND is missing' oci exec x
fails "wrong command line of exec" 1 'exec: unknown option' oci exec --nope x y
fails "bad container id" 1 'id' oci state ../x
for c in start state kill delete pause resume ps events update; do
	fails "$c of a container that is not there" 1 'container nosuch does not exist' \
		oci $c nosuch
done
fails "exec in a container that is not there" 255 'container nosuch does not exist' \
	oci exec nosuch true
it_try oci delete --force nosuch
tap_is "delete --force of a container that is not there" "$status:$err" "0:"
fails "checkpoint" 1 'checkpoint: not supported yet' oci checkpoint --image-path /x y
fails "restore" 1 'restore: not supported yet' oci restore -b /x y
fails "--rootless=true" 1 '--rootless=true is not supported yet' oci --rootless=true list
fails "--rootless of another kind" 1 '--rootless: "x"' oci --rootless x list
fails "spec --rootless" 1 '--rootless is not supported yet' oci spec --rootless
fails "no such wall" 1 '--isolation: "paper"' oci --isolation paper list
ln -s "$(realpath "$CAISSON_OCI")" "$it_tmp/caisson-vm"
it_bundle vmdev '.linux.devices = [ { path: "/dev/x", type: "c", major: 1, minor: 1 } ]'
for wall in "$CAISSON_OCI --isolation vm" "$it_tmp/caisson-vm"; do
	# shellcheck disable=SC2086 # words
	fails "${wall##*/}: what a machine cannot have" 1 'linux.devices: isolation "vm" cannot' \
		$wall --root "$it_tmp/state" run -b "$bundle" x
done
it_bundle sd '.linux.cgroupsPath = "system.slice:a:b"'
fails "--systemd-cgroup" 1 'systemd' oci --systemd-cgroup run -b "$bundle" sd
fails "a full disk" 1 'standard output' bash -c "\"$CAISSON_OCI\" --help >/dev/full"

# --- the log -------------------------------------------------------------------------------------

log=$it_tmp/log
fails "an error goes to stderr, with --log too" 1 '^caisson-oci: error: .*nosuch' \
	oci --log "$log" --log-format json start nosuch
tap_is "and as one line of JSON to the log" \
	"$(jq -r '[.level, (.msg | contains("nosuch")), (.time | fromdate > 1700000000)] | join(" ")' \
		"$log")" "error true true"
it_try oci --log "$log" --log-format json start nosuch
tap_is "which is appended to" "$(wc -l <"$log")" 2
rm "$log"
it_try oci --log="$log" start nosuch
tap_is "text in the log is as on stderr" "$(<"$log")" "$err"
it_try oci --log-format json start nosuch
tap_is "JSON on stderr is one line" "$(jq -r .level <<<"$err")" error
it_try oci --log /dev/stderr --log-format json start nosuch
tap_is "/dev/stderr is stderr" "$(jq -r .level <<<"$err")" error
fails "no such log format" 1 '--log-format: "xml"' oci --log-format xml list
fails "a log that cannot be opened" 1 "open log $it_tmp/nosuch/log: no such file" oci --log "$it_tmp/nosuch/log" list

# --- list, state, ps -----------------------------------------------------------------------------

it_try oci list
tap_is "list of nothing" "$status:$out" \
	"0:ID          PID         STATUS      BUNDLE      CREATED     OWNER"
it_try oci list -f json
tap_is "list of nothing as JSON" "$status:$out" "0:null"
fails "no such list format" 1 '--format: "xml"' oci list -f xml

it_start box '.annotations = {"a.b": "c d"} | .process.args = ["sleep", "1001"]'
tap_is "start a container" "$status:$err" "0:"
bundle=$(realpath "$bundle")
pid=$(it_pid box)
it_try oci state box
tap_is "members of state" "$(jq -r 'keys_unsorted | join(" ")' <<<"$out")" \
	"ociVersion id pid status bundle rootfs created annotations owner"
tap_is "values of state" "$(jq -r '[.id, .status, .bundle, .rootfs, .owner, .annotations["a.b"],
	(.pid | type), (.created | sub("\\.[0-9]+Z"; "Z") | fromdate > 1700000000)] | join("|")' \
	<<<"$out")" "box|running|$bundle|$bundle/rootfs|root|c d|number|true"
if [ -n "$runc" ]; then
	mkdir "$it_tmp/peer"
	jq --arg r "$bundle/rootfs" '.root.path = $r | .linux.cgroupsPath += "-runc"' \
		"$bundle/config.json" >"$it_tmp/peer/config.json"
	if runc --root "$it_tmp/runc" create -b "$it_tmp/peer" box </dev/null >"$it_tmp/runc.log" \
		2>&1; then
		tap_is "runc's state has the same" \
			"$(runc --root "$it_tmp/runc" state box | jq -r 'map_values(type) | tojson')" \
			"$(jq -r 'map_values(type) | tojson' <<<"$out")"
		tap_is "runc's list has the same" \
			"$(runc --root "$it_tmp/runc" list -f json | jq -r '.[0] | keys_unsorted | tojson')" \
			"$(oci list -f json | jq -r '.[0] | keys_unsorted | tojson')"
		tap_is "runc's table of list has the same columns" \
			"$(runc --root "$it_tmp/runc" list | head -1 | tr -s ' ')" \
			"$(oci list | head -1 | tr -s ' ')"
		runc --root "$it_tmp/runc" delete --force box
	else
		tap_skip "runc's state and list" "runc does not run: $(tail -1 "$it_tmp/runc.log")"
	fi
fi
tap_is "list" "$(oci list | awk 'NR == 2 { print $1, $2, $3, $4, $6 }')" \
	"box $pid running $bundle root"
tap_is "list -f json is what state shows" "$(oci list -f json | jq -S '.[0]')" \
	"$(oci state box | jq -S .)"
tap_is "list -q" "$(oci list --quiet)" box

it_try oci ps box
tap_like "ps" "$status $out" "^0 UID +PID.*sleep 1001"
tap_is "ps shows no other process" "$(wc -l <<<"$out")" 2
tap_is "ps with options" "$(oci ps box -eo pid,args | tr -s ' ' | sed 's/^ //')" \
	"PID COMMAND
$pid sleep 1001"
tap_is "ps -f json" "$(oci ps --format json box)" "[$pid]"
fails "ps without a column PID" 1 'no column PID' oci ps box -eo args
fails "ps with wrong options" 1 'ps failed with status 1' oci ps box --nosuch
fails "no such ps format" 1 '--format: "xml"' oci ps -f xml box

# --- exit statuses -------------------------------------------------------------------------------

exec_status() # WANT COMMAND...
{
	local want=$1

	shift
	it_try oci exec box "$@"
	tap_is "exec: $*" "$status" "$want"
}

exec_status 0 true
exec_status 7 sh -c 'exit 7'
# shellcheck disable=SC2016 # for the shell inside
exec_status 137 sh -c 'kill -9 $$'
exec_status 127 nosuch
exec_status 127 /no/such
exec_status 126 /etc/passwd
exec_status 126 /etc
# shellcheck disable=SC2016 # for the shell inside
it_try oci exec -e A=b --cwd /tmp --user 7:8 -g 9 box sh -c \
	'echo "$A $PWD $(id -u) $(id -g) $(id -G)" "$@"' -- --help -t
tap_is "options of exec; all after the id is the command's" "$out" "b /tmp 7 8 8 9 --help -t"
fails "exec: no group id" 255 'not a group id' oci exec -g x box true
echo '{"args": ["sh", "-c", "pwd; exit 3"], "cwd": "/usr", "user": {"uid": 0, "gid": 0},
	"env": ["PATH=/bin"]}' >"$it_tmp/process.json"
it_try oci exec --process "$it_tmp/process.json" box
tap_is "exec --process" "$status:$out:$err" "3:/usr:"
fails "exec: --process and a command" 255 'exclude each other' \
	oci exec --process "$it_tmp/process.json" box true
tap_check "exec --detach" oci exec --detach --pid-file "$it_tmp/pid" box sh -c \
	'exec sleep 1002 >/dev/null 2>&1'
tap_check "it runs" it_wait 10 grep -q 1002 "/proc/$(<"$it_tmp/pid")/cmdline"

run_status() # WANT ARGS-AS-JSON
{
	it_bundle gone ".process.args = $2"
	it_try oci run -b "$bundle" gone
	tap_is "run: $2" "$status" "$1"
	tap_is "and nothing stays" "$(it_status gone)" ""
}

run_status 0 '["true"]'
run_status 7 '["sh", "-c", "exit 7"]'
run_status 127 '["nosuch"]'
run_status 127 '["/no/such"]'
run_status 126 '["/etc/passwd"]'
it_bundle gone '.process.args = ["sleep", "1003"]'
fails "run: an id in use" 1 'box' oci run -b "$bundle" box
fails "run: no bundle" 1 'bundle /no/such: no such file' oci run -b /no/such gone
cp "$bundle/config.json" "$it_tmp/other.json"
echo '{' >"$bundle/config.json"
fails "run: damaged config.json" 1 'config.json' oci run -b "$bundle" gone
jq '.process.args = ["echo", "other"]' "$it_tmp/other.json" >"$it_tmp/config2.json"
it_try oci run -b "$bundle" --config "$it_tmp/config2.json" gone
tap_is "run --config" "$status:$out" "0:other"
it_try oci run --keep=true -b "$bundle" --config "$it_tmp/config2.json" gone
tap_is "run --keep" "$status:$(it_status gone)" "0:stopped"
it_try oci delete gone
tap_is "delete" "$status:$(it_status gone)" "0:"
it_sh fds 'ls -l /proc/self/fd/0'
it_try bash -c "exec <&-; \"$CAISSON_OCI\" --root '$it_tmp/state' run -b '$bundle' fds"
tap_like "a closed stdin is /dev/null, and no file of the runtime's" "$out" '/dev/null$'

# --- create, start, kill, delete -----------------------------------------------------------------

traps='trap "echo rt >>/log" RTMIN+3; trap "echo usr1 >>/log" USR1; touch /ready
	while :; do sleep 0.05; done'
it_bundle sig ".process.args = [\"sh\", \"-c\", $(jq -n --arg s "$traps" '$s')]"
oci create --pid-file "$it_tmp/pid" --bundle="$bundle" sig </dev/null >"$bundle/log" 2>&1
tap_is "create" "$?:$(<"$bundle/log"):$(it_status sig)" "0::created"
tap_is "create --pid-file" "$(<"$it_tmp/pid")" "$(it_pid sig)"
fails "delete of what runs" 1 'box' oci delete box
it_try oci start sig
tap_is "start" "$status:$(it_status sig)" "0:running"
fails "start again" 1 'sig' oci start sig
it_wait 10 test -e "$bundle/rootfs/ready"
for s in USR1 SIGUSR1 usr1 "$(kill -l USR1)"; do
	rm -f "$bundle/rootfs/log"
	it_try oci kill sig "$s"
	tap_check "kill $s" it_wait 10 grep -q usr1 "$bundle/rootfs/log"
done
fails "no such signal" 1 'unknown signal "NOPE"' oci kill sig NOPE
it_try oci pause sig
tap_is "pause" "$status:$(it_status sig)" "0:paused"
fails "exec in a paused container" 255 'paused' oci exec sig true
it_try oci resume sig
tap_is "resume" "$status:$(it_status sig)" "0:running"
it_start sig2
it_try oci kill --regex '^sig' 9
tap_is "kill --regex" "$status:$err" "0:"
tap_check "the first ends" it_wait 10 it_has_status sig stopped
tap_check "the second too" it_wait 10 it_has_status sig2 stopped
tap_is "another does not" "$(it_status box)" running
fails "no regular expression" 1 'not a regular expression' oci delete --regex '['
it_try oci delete '^sig' --regex
tap_is "delete --regex, the option last" "$status:$(oci list -q)" "0:box"

# --- events, update ------------------------------------------------------------------------------

it_try oci events --stats box
tap_is "events --stats is one line" "$status:$(wc -l <<<"$out")" 0:1
tap_is "its members" "$(jq -r 'keys_unsorted | join(" ")' <<<"$out")" "type id data"
tap_is "its type and id" "$(jq -r '.type + " " + .id' <<<"$out")" "stats box"
tap_is "it has these numbers" "$(jq -r '[.data.cpu.usage.total, .data.memory.usage.usage,
	.data.pids.current] | map(type) | join(" ")' <<<"$out")" "number number number"
fails "no such interval" 1 '--interval' oci events --interval 5 box
fails "an interval of nothing" 1 '--interval' oci events --interval 0s box
it_start brief
touch "$it_tmp/events"
oci events --interval 100ms brief >"$it_tmp/events" 2>&1 &
events=$!
# shellcheck disable=SC2317 # it_wait calls it
has_lines() # FILE N
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}
it_wait 10 has_lines "$it_tmp/events" 2
it_try oci kill brief KILL
status=0
wait $events || status=$?
tap_is "events ends with the container" "$status:$(grep -v '^{' "$it_tmp/events")" "0:"
tap_is "and showed statistics all along" "$(jq -r .type "$it_tmp/events" | sort -u)" stats
it_wait 10 it_has_status brief stopped
fails "events of what has ended" 1 'brief is not running' oci events brief
it_try oci delete brief

it_try oci update --memory 64m --pids-limit 50 box
tap_is "update" "$status:$err" "0:"
memory=memory.limit_in_bytes
[ "$(it_cgroup_version)" = 2 ] && memory=memory.max
tap_is "memory" "$(<"$(it_cgroup box memory)/$memory")" $((64 << 20))
tap_is "pids" "$(<"$(it_cgroup box pids)/pids.max")" 50
it_try oci update --pids-limit 60 --resources - box <<<'{"memory": {"limit": 100000000},
	"pids": {"limit": 70}}'
tap_is "update --resources -; options go first" "$status:$err:$(
	cat "$(it_cgroup box pids)/pids.max")" "0::60"
tap_is "memory from there" "$(($(<"$(it_cgroup box memory)/$memory") / 4096))" $((100000000 / 4096))
fails "update: damaged resources" 1 'standard input' oci update -r - box <<<'{"memory": '
fails "update: no size" 1 '--memory: "1x" is not a size' oci update --memory 1x box
fails "update: Intel RDT" 1 '--l3-cache-schema' oci update --l3-cache-schema x box

# --- features, spec ------------------------------------------------------------------------------

it_try oci features
tap_is "features" "$status:$(jq -r '[.ociVersionMin, .ociVersionMax, .linux.seccomp.enabled,
	.linux.mountExtensions.idmap.enabled, .linux.cgroup.systemd] | join(" ")' <<<"$out")" \
	"0:1.0.0 1.3.0 true true false"
features=$out
if [ -n "$runc" ]; then
	for list in .hooks .mountOptions .linux.namespaces .linux.capabilities \
		.linux.seccomp.actions .linux.seccomp.operators .linux.seccomp.archs; do
		tap_is "all that runc has in $list" "$(jq -c --argjson ours "$features" \
			"$list - [\"acl\", \"noacl\"] - (\$ours | $list)" < <(runc features))" "[]"
	done
fi
mkdir "$it_tmp/new"
it_try oci spec --bundle "$it_tmp/new"
tap_is "spec" "$status:$out$err" "0:"
tap_is "its config.json" "$(jq -r '.ociVersion + " " + .process.args[0]' "$it_tmp/new/config.json")" \
	"1.3.0 sh"
fails "spec does not overwrite" 1 'config.json exists already' oci spec -b "$it_tmp/new"
if [ -n "$runc" ]; then
	(cd "$it_tmp" && runc spec)
	tap_is "its members are runc's" "$(jq -c '[keys, (.process | keys), (.linux | keys)]' \
		"$it_tmp/new/config.json")" \
		"$(jq -c '[keys, (.process | keys), (.linux | keys)]' "$it_tmp/config.json")"
fi
jq '.process.terminal = false | .process.args = ["echo", "from spec"] |
	.linux.cgroupsPath = "/'"$it_cg"'/spec"' "$it_tmp/new/config.json" >"$it_tmp/new/c"
mv "$it_tmp/new/c" "$it_tmp/new/config.json"
cp -a "$it_tmp/rootfs" "$it_tmp/new/"
it_try oci run -b "$it_tmp/new" spec
tap_is "it runs" "$status:$out:$err" "0:from spec:"
it_done
