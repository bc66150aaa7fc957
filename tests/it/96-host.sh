#!/bin/bash
# What there is and what it stands on: check, system info, system df.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

caisson import --change 'ENV OTHER=1' "$it_tmp/rootfs" other >/dev/null
c run -d --name up --network none -v vol:/data box sh -c 'while :; do sleep 0.1; done'
c run --name ended --network none box dd if=/dev/zero of=/big bs=1k count=300
c volume create idle

tap_comment <<<"system info"
c info
tap_is "info" "$status" 0
tap_like "is text for people" "$out" $'Containers: 2\n Running: 1\n Paused: 0\n Stopped: 1'
c info --format json
tap_is "json is one object" "$(jq -r '[.Containers, .ContainersRunning, .ContainersStopped, .Images,
	.Volumes, .KernelVersion] | join(" ")' <<<"$out")" "2 1 1 2 2 $(uname -r)"
c system info -f '{{.NCPU}} {{.Isolations}} {{.RootDir}}'
tap_is "a template" "$out" "$(nproc) [container] $it_tmp/lib"
c info --format jsonl
tap_is "jsonl is a line" "$(wc -l <<<"$out") $(jq -r .OSType <<<"$out")" "1 linux"
c pause up
c info --format '{{.ContainersPaused}}'
tap_is "what is paused" "$out" 1
c unpause up
c info --format '{{'
tap_is "a template that is none: 125" "$status" 125
c info nonsense
tap_is "an argument too many: 125" "$status" 125

tap_comment <<<"system df"
c system df
tap_is "system df" "$status" 0
tap_like "has three kinds" "$out" 'TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE.*Images +2 +1 .*Containers +2 +1 .*Local Volumes +2 +1 '
c system df --format json
tap_is "json" "$(jq -r '[.[] | .Type, .TotalCount, .Active] | join(" ")' <<<"$out")" \
	"Images 2 1 Containers 2 1 Local Volumes 2 1"
# the layer is shared: only the other image's config and manifest could be free
tap_is "a shared layer counts once, and is needed" "$(jq '.[0] | .Bytes > 1000000 and
	.Bytes < 10000000 and .ReclaimableBytes > 0 and .ReclaimableBytes < 10000' <<<"$out")" true
tap_is "what a container wrote" "$(jq '.[1].ReclaimableBytes >= 307200' <<<"$out")" true
c system df -v
tap_like "-v: images" "$out" 'localhost/box +latest +[0-9a-f]{12} .* 2'
tap_like "-v: containers" "$out" '[0-9a-f]{12} +box +1 .* Up .* up'
tap_like "-v: volumes" "$out" 'idle +0 '
c system df --verbose --format json
tap_is "-v as an object" "$(jq -r '[(.Images | length), (.Containers | length), (.Volumes[] |
	.Name, .Links)] | join(" ")' <<<"$out")" "2 2 idle 0 vol 1"
c system df --format '{{.Type}}'
tap_is "a template" "$out" $'Images\nContainers\nLocal Volumes'
c system df --format '{{.Type'
tap_is "a template that is none: 125" "$status" 125
c ps -a --size --filter name=ended --format '{{.Size}}'
tap_like "ps --size" "$out" '^[34][0-9.]*kB$'
c ps -as
tap_like "its column" "$out" 'NAMES +SIZE'
c inspect --size --format '{{.SizeRw}}' ended
tap_is "inspect --size" "$((out >= 307200))" 1

tap_comment <<<"check"
left() # what a check could leave
{
	cat /proc/self/mountinfo
	ip -o link
	find "$it_tmp/lib" "$it_tmp/run" -maxdepth 1 | sort
	pgrep -fc "^[^ ]*(monitor|caisson-init|dnsmasq).*$it_tmp/(lib|run)/.check"
}
before=$(left)
c check --format json
# the program of its containers is linked statically, but not with sanitizers
if [ "${SANITIZE-}" = yes ]; then
	good='1 2 failed' ran='false false'
else
	good='0 0 failed' ran='true true'
fi
tap_is "nothing fails here" "$status $(jq -c '[.[] | select(.Verdict == "FAIL" and
	(.What | test("caisson-init") | not))]' <<<"$out")" "${good%% *} []"
all=$out
tap_is "what stands in each line" "$(jq -r '[.[] | has("Area") and has("Name") and (.What != "") and
	((.Verdict == "PASS") == (.Help == ""))] | all' <<<"$out")" true
tap_is "areas" "$(jq -r '[.[].Area] | unique | join(" ")' <<<"$out")" \
	"cgroups host network run storage vm"
tap_is "runs, with their time" "$(jq -r '[.[] | select(.Area == "run" and (.Name | test("^container"))) |
	.What | test("in [0-9.]+ ms")] | join(" ")' <<<"$out")" "$ran"
tap_like "the other wall is tried, too" "$(jq -r '.[] | select(.Area == "run") | .Verdict + .Name' \
	<<<"$out")" '(PASS|WARN)machine'
tap_is "libcurl is looked for" "$(jq -r '.[] | select(.Name == "registries") | .Verdict' <<<"$out")" PASS
tap_empty "it leaves nothing behind" "$(diff <(echo "$before") <(left))"
mkdir -p "$it_tmp/lib/.check.killed/images"
touch -d '1 hour ago' "$it_tmp/lib/.check.killed"
c check
tap_like "as text, with a summary" "$status $out" "^${good%% *} .*${good#* }, [0-9]+ warnings?\$"
tap_is "what a killed one left is gone" "$([ -e "$it_tmp/lib/.check.killed" ] && echo there)" ""
c system check -q --format '{{.Verdict}} {{.Area}} {{.Name}}'
tap_is "-q: only what is not as it should be" "$(grep -c '^WARN' <<<"$out") $(grep -c PASS <<<"$out")" \
	"$(jq '[.[] | select(.Verdict == "WARN")] | length' <<<"$all") 0"
mkdir "$it_tmp/ro"
mount -t tmpfs -o ro tmpfs "$it_tmp/ro"
it_try "$CAISSON" --root "$it_tmp/ro/lib" --state "$it_tmp/run" check --quiet
tap_is "a root that cannot be written: 1" "$status" 1
tap_like "says so, and what to do" "$out" 'FAIL storage: root: .*
 +make it writable, or give another by --root'
umount "$it_tmp/ro"
c check --format '{{'
tap_is "a template that is none: 125" "$status" 125
tap_comment <<<"what is not there yet says so, by name"
bad=
for o in health-cmd health-interval health-retries health-start-interval health-start-period \
	health-timeout link runtime secret storage-opt volume-driver; do
	c run "--$o" x box true
	case "$status $err" in
	"125 "*"option --$o is not supported"*) ;;
	*) bad+="$o: $status $err"$'\n' ;;
	esac
done
for o in build checkpoint healthcheck restore search secret "system reset"; do
	# shellcheck disable=SC2086 # words
	c $o x --some
	case "$status $err" in
	"125 "*"$o: not supported yet"*) ;;
	*) bad+="$o: $status $err"$'\n' ;;
	esac
done
tap_empty "options and commands" "$bad"
c exec --detach-keys a up true
tap_is "exec --detach-keys" "$status ${err##*option }" \
	"125 --detach-keys is not supported yet: exec ends with its program, or start it by --detach"
c run --mount type=volume,source=vol,target=/v,volume-subpath=a box true
tap_is "volume-subpath" "$status $(grep -c volume-subpath <<<"$err")" "125 1"

comp=$(caisson completion bash)
tap_like "completion knows it" "$comp" 'check'

eng_done
