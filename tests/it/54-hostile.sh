#!/bin/bash
# What a container must not get hold of, and what bad input must not do: one line that says what is
# wrong and where, in the log too, and nothing left behind.
. "$(dirname "$0")/lib.sh"

# --- what a container must not get hold of -------------------------------------------------------

# CVE-2019-5736: who opens the runtime's program through /proc and waits until it has ended could
# write to it.
cp "$CAISSON_OCI" "$it_tmp/runtime" # nobody else runs this one, which would make the file busy
it_bundle exe
"$it_tmp/runtime" --root "$it_tmp/state" create --bundle "$bundle" exe </dev/null >/dev/null 2>&1
exec 7<"/proc/$(it_pid exe)/exe"
oci delete --force exe
it_try bash -c 'cmp "$1" /proc/self/fd/7 && : >>/proc/self/fd/7' x "$it_tmp/runtime"
exec 7<&-
tap_like "the runtime's program, as the container sees it, cannot be written to" "$status:$err" \
	'^1:.*Read-only file system'

# CVE-2024-21626: nothing of the caller's is open inside, not even by its number.
list='for f in /proc/self/fd/*; do [ ! -e "$f" ] || echo "${f##*/}"; done'
it_start fds
it_bundle open ".process.args = [\"sh\", \"-c\", $(jq -n --arg s "$list" '$s')]"
exec 5</ 9<"$it_tmp" 12>"$it_tmp/mine"
it_try oci run --bundle "$bundle" open </dev/null
tap_is "run: no file of the caller's gets in" "$status:${out//$'\n'/ }" "0:0 1 2"
it_try oci exec fds sh -c "$list"
tap_is "exec: no file of the caller's gets in" "$status:${out//$'\n'/ }" "0:0 1 2"
outside=
for n in 3 4 5 6 7 8 9 10 11 12; do
	it_bundle cwd ".process.cwd = \"/proc/self/fd/$n\" | .process.args = [\"/bin/pwd\"]"
	it_try oci run --bundle "$bundle" cwd </dev/null
	[ "$status" != 0 ] || outside+="run:$n:$out "
	it_try oci exec --cwd "/proc/self/fd/$n" fds /bin/pwd
	[ "$status" != 0 ] || outside+="exec:$n:$out "
done
tap_empty "no working folder leads out over /proc/self/fd" "$outside"
exec 5<&- 9<&- 12>&-

# CVE-2016-9962: when a process of the container can first see what exec brings in, it has nothing of
# the host's open, and only the host may look into it. It is held there by a socket that takes no
# connection.
if [ -x /usr/bin/python3 ]; then
	chmod 711 "$it_tmp"
	it_start seen '.linux.namespaces += [{ type: "user" }]
		| .linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
		| .linux.gidMappings = .linux.uidMappings | .mounts |= map(select(.type != "sysfs"))'
	it_background /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(0)
c = socket.socket(socket.AF_UNIX)
c.connect(sys.argv[1])
print(flush=True)
time.sleep(300)' "$it_tmp/busy" >"$it_tmp/ready"
	it_wait 60 test -s "$it_tmp/ready"
	it_background oci exec --pidfd-socket "$it_tmp/busy" seen sleep 77 </dev/null >/dev/null 2>&1
	# the pid of exec's process, in the container and outside
	find_it()
	{
		inside=$(oci exec seen sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}
			grep -q ^caisson /proc/$p/comm && echo $p; done' | head -n 1)
		outside=$(grep -lsE "^NSpid:.*[[:space:]]$inside\$" /proc/[0-9]*/status |
			xargs grep -lsE '^Name:[[:space:]]*caisson' | tr -dc '0-9\n' | head -n 1)
		[ -n "$inside" ] && [ -n "$outside" ]
	}
	it_wait 60 find_it
	tap_like "exec's process is there" "$inside:$outside" '^[0-9]+:[0-9]+$'
	it_try oci exec seen sh -c "cd /proc/$inside && for f in exe cwd root fd/0; do
		readlink \$f && echo \$f; done; ls fd; cat environ maps mem"
	tap_is "no process of the container can look into it" "$out" ""
	tap_like "and is told so" "$err" 'ermission denied'
	tap_is "it has the standard files and one socket" "$(
		for f in /proc/"$outside"/fd/*; do
			readlink "$f" | sed 's/:.*//'
		done | sort | uniq -c | awk '$2 !~ /^\/dev\/null$|^pipe$/ { print $1, $2 }')" "1 socket"
	kill -9 "$outside"
	for p in $(pgrep -f "exec --pidfd-socket $it_tmp/busy"); do
		kill -9 "$p"
	done
	oci delete --force seen
else
	tap_skip "what exec brings in" "python3 is not installed"
fi

# The runtime in a chroot: its containers are in a namespace whose root is the host's.
jail=$it_tmp/jail
modes=("" --no-pivot)
[ "${SANITIZE-}" != yes ] || modes=() # not linked statically
mkdir -p "$jail"/{proc,sys,dev,state}
cp "$CAISSON_OCI" "$jail/runtime"
for mode in "${modes[@]}"; do
	it_bundle chroot '.process.args = ["sleep", "300"]'
	cp -a "$bundle" "$jail/bundle"
	# shellcheck disable=SC2086 # none or one word
	it_try timeout 60 unshare --mount --propagation private bash -c 'cd "$1" && shift &&
		mount --bind . . && cd "$PWD" && mount --rbind /proc proc && mount --rbind /sys sys &&
		mount --rbind /dev dev || exit
		chroot . /runtime --root /state run --detach --bundle /bundle $1 chroot \
			</dev/null >log 2>&1 || { cat log; exit; }
		chroot . /runtime --root /state exec chroot stat -c %i / </dev/null
		chroot . /runtime --root /state delete --force chroot' x "$jail" $mode
	tap_is "exec in a container that was made in a chroot${mode:+, $mode}" \
		"$status:$out:$err" "0:$(stat -c %i "$jail/bundle/rootfs"):"
	rm -rf "${jail:?}/bundle"
done

it_bundle groups '.process.args = ["id", "-G"]'
it_try setpriv --groups 4,7,50 "$CAISSON_OCI" --root "$it_tmp/state" run --bundle "$bundle" groups \
	</dev/null
tap_is "the caller's supplementary groups do not get in" "$status:$out" "0:0"

# A folder of the image is a symlink: to the host's root, as the image's author hopes.
for path in proc dev sys etc; do
	it_bundle link ".linux.maskedPaths += [\"/etc/shadow\"] | .linux.readonlyPaths += [\"/etc\"]
		| .mounts += [{ destination: \"/etc/x/y\", type: \"tmpfs\" }]"
	rm -rf "${bundle:?}/rootfs/$path"
	mkdir -p "$it_tmp/target"
	ln -s "../../../../../../../../../../..$it_tmp/target" "$bundle/rootfs/$path"
	it_try oci run --bundle "$bundle" link </dev/null
	tap_empty "nothing is made or mounted outside over a symlink /$path" \
		"$(find "$it_tmp/target" -mindepth 1; grep " $it_tmp/target" /proc/self/mountinfo)"
	rm -rf "$bundle"
done

# --- bad input -----------------------------------------------------------------------------------

# One point: run ends with the status and one line that matches, the same in the log as JSON, and
# there is no such container afterwards.
refused() # NAME STATUS REGEX [ARGUMENT...]
{
	local name=$1 want=$2 regex=$3 log=$it_tmp/json

	shift 3
	rm -f "$log"
	it_try oci --log "$log" --log-format json run --bundle "$bundle" "$@" </dev/null
	if [ "$status" = "$want" ] && [ "$(wc -l <<<"$err")" = 1 ] && [[ $err =~ $regex ]] &&
		[[ "caisson-oci: error: $(jq -r 'select(.level == "error").msg' "$log")" = "$err" ]] &&
		[ -z "$(it_status "${!#}")" ] && ! it_cgroups | grep -q "/${!#}\$"; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "status $status, stderr '$err', log '$(cat "$log" 2>&1)',
state '$(it_status "${!#}")', cgroups '$(it_cgroups)'"
	fi
}

it_bundle bad
config=$bundle/config.json
cp "$config" "$it_tmp/good"

# The good config changed by a jq filter.
change() # FILTER
{
	jq "$1" "$it_tmp/good" >"$config"
}

echo '{ "ociVersion": "1.0.2", ' >"$config"
refused "malformed JSON" 1 'config.json' bad
: >"$config"
refused "an empty config.json" 1 'config.json' bad
{ printf '{ "ociVersion": "1.0.2", "annotations": { "a": "'; head -c 20000000 /dev/zero | tr '\0' x
	printf '" } }'; } >"$config"
refused "an oversized config.json" 1 'config.json: .*more than|too (large|big)' bad
{ printf '{ "ociVersion": "1.0.2", "x": '; head -c 100000 /dev/zero | tr '\0' '['; } >"$config"
refused "a deep config.json" 1 'config.json.*(deep|nest)' bad
rm "$config"
refused "no config.json" 1 'config.json: no such file' bad
mkdir "$config"
refused "a config.json that is a folder" 1 'config.json' bad
rmdir "$config"
change 'del(.ociVersion)'
refused "no ociVersion" 1 'ociVersion' bad
change '.ociVersion = "2.0.0"'
refused "an unknown version" 1 'ociVersion.*2\.0\.0' bad
change '.process.args = "sh"'
refused "a field of the wrong type" 1 'process\.args' bad
change '.process.cwd = "relative"'
refused "a relative cwd" 1 'process\.cwd' bad
change 'del(.process)'
refused "no process" 1 'process' bad
change '.linux.namespaces += [{ type: "pid" }]'
refused "a namespace twice" 1 'linux\.namespaces' bad
change '.linux.namespaces |= map(select(.type != "uts"))'
refused "a host name without a namespace for it" 1 'hostname' bad
change '.linux.sysctl = { "kernel.panic": "1" }'
refused "a sysctl that is the host's" 1 'linux\.sysctl.*kernel\.panic' bad
change '.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]'
refused "mappings without a user namespace" 1 'linux\.uidMappings' bad
change '.mounts += [{ destination: "/x", type: "nosuchfs" }]'
refused "no such file system" 1 'mounts\[[0-9]+\].*nosuchfs' bad
change '.mounts += [{ destination: "/x", type: "bind", source: "/no/such", options: ["bind"] }]'
refused "no such bind source" 1 'mounts\[[0-9]+\].*/no/such' bad
change '.root.path = "nosuch"'
refused "a root filesystem that is not there" 1 'root\.path|rootfs|nosuch' bad
change '.process.args = ["/no/such"]'
refused "a program that is not there" 127 'exec: "/no/such": .*no such file or directory' bad
change '.process.args = ["/etc/passwd"]'
refused "a program that cannot be executed" 126 'exec: "/etc/passwd": permission denied' bad
change .
for id in a/b ../x .. . "" "a b" "$(printf '%02000d' 0)"; do
	it_try oci run --bundle "$bundle" "$id" </dev/null
	tap_like "an id like '${id:0:20}'" "$status:$err" '^1:.*id'
done
it_bundle dead '.process.args = ["true"]'
oci create --bundle "$bundle" dead </dev/null >/dev/null 2>&1
oci start dead
it_wait 60 it_has_status dead stopped
before=$(oci state dead)
for command in "start dead" "exec dead true" "pause dead" "resume dead" "kill dead" \
	"update --pids-limit 5 dead" "events --stats dead" "run --bundle $bundle dead"; do
	# shellcheck disable=SC2086 # words
	it_try oci $command </dev/null
	tap_like "${command%% *} of a dead container" "$status:$(wc -l <<<"$err"):$err" \
		'^(1|255):1:.*dead'
done
tap_is "and its state is unchanged" "$(oci state dead)" "$before"

# A full disk: the state root on a tmpfs of a few pages.
mkdir "$it_tmp/full"
mount -t tmpfs -o size=4k tmpfs "$it_tmp/full"
it_bundle full
it_try "$CAISSON_OCI" --root "$it_tmp/full/state" run --bundle "$bundle" full </dev/null
tap_like "a full disk" "$status:$(wc -l <<<"$err"):$err" '^1:1:.*no space left'
tap_is "and nothing is left there" "$(find "$it_tmp/full" -mindepth 2)" ""
umount "$it_tmp/full"
chmod 755 "$it_tmp"
it_try setpriv --reuid 1000 --clear-groups "$CAISSON_OCI" --root "$it_tmp/theirs" \
	run --bundle "$bundle" full </dev/null
tap_like "no permission" "$status:$(wc -l <<<"$err"):$err" '^1:1:.*(permitted|denied|root)'
it_done
