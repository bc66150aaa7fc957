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
	find /sys/block -name 'loop*' | sort
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
tap_empty "what every host is asked" "$(grep -vFxf <(jq -r '.[].Name' <<<"$all") <(printf '%s\n' \
	"subordinate ids" keys "open files" clock criu pasta memory swap cpu "cpu shares" cpuset pids \
	"block io" "block io rates" hugetlb devices freezer reflinks fs-verity "project quota" space IPv6 \
	forwarding processor "KVM module" nested "unrestricted guest" "secure guest" /dev/kvm \
	/dev/vhost-net /dev/vhost-vsock IOMMU "huge pages" "transparent huge pages" KSM))"
version=2
! awk '$3 == "cgroup" { print $4 }' /proc/mounts | grep -Eq '(^|,)memory(,|$)' || version=1
line() { jq -r --arg name "$1" '.[] | select(.Name == $name) | .Verdict + " " + .What' <<<"${2:-$all}"; }
tap_is "which version a controller is of" "$(line memory)" "PASS limits can be set (version $version)"
tap_like "EROFS, by mounting one" "$(line EROFS)" '^PASS layers are mounted (from their files|through loop)'
tap_is "with what layers need of it" "$(line "EROFS attributes")" "PASS file capabilities are there"
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

tap_comment <<<"check, of a host that is made worse"
fake() # FILE TEXT: in this mount namespace alone
{
	printf '%s\n' "$2" >"$it_tmp/fake.${1//\//_}"
	mount --bind "$it_tmp/fake.${1//\//_}" "$1"
}
mkdir "$it_tmp/fs" "$it_tmp/bin"
mount -t tmpfs tmpfs "$it_tmp/fs"
install -m 755 /dev/null "$it_tmp/bin/criu"
fake /proc/cpuinfo $'processor\t: 0\nflags\t\t: fpu lm vmxx sse4_1 svm sev'
[ ! -e /etc/subuid ] || fake /etc/subuid $'someone:1073741000:65536\nbelow:100000:65536\nodd:line'
PATH=$it_tmp/bin it_try "$CAISSON" --root "$it_tmp/fs/lib" --state "$it_tmp/fs/run" check --format json
worse=$out
tap_is "what is not needed is no failure" "$status" "${good%% *}"
tap_like "a file system without: reflinks" "$(line reflinks "$worse")" '^WARN not on this file system'
tap_like "fs-verity" "$(line fs-verity "$worse")" '^PASS not there, not needed'
tap_is "a state that is gone at reboot" "$(line state "$worse")" "PASS is gone at reboot"
tap_like "a program in PATH" "$(line criu "$worse")" "^PASS $it_tmp/bin/criu is there"
tap_like "one that is not" "$(line pasta "$worse")" '^PASS not there, not needed'
tap_is "the processor's flags" "$(line processor "$worse")" "PASS svm (AMD-V), lm, sse4_1"
tap_like "what it could, unused" "$(line "secure guest" "$worse")" '^PASS SEV '
if [ -e /etc/subuid ]; then
	tap_like "ids that are given away" "$(line "subordinate ids" "$worse")" \
		'^WARN /etc/subuid: someone has ids of those that --userns auto takes, 1073741824 to [0-9]+$'
	umount /etc/subuid
else
	tap_skip "ids that are given away" "there is no /etc/subuid"
fi
umount /proc/cpuinfo "$it_tmp/fs"
fake /proc/cpuinfo $'processor\t: 0\nflags\t\t: fpu lm vmx'
# layers need attributes that this one has not
mount -t ramfs ramfs "$it_tmp/fs"
it_try "$CAISSON" --root "$it_tmp/fs/lib" --state "$it_tmp/fs/run" check --format json
tap_is "a file system that will not do: 1" "$status" 1
tap_like "says which" "$(line attributes "$out")" '^FAIL trusted\.overlay'
tap_is "an old processor" "$(line processor "$out")" "WARN has no sse4_1"
umount /proc/cpuinfo "$it_tmp/fs"
truncate -s 64M "$it_tmp/ext4"
if mkfs.ext4 -q -b 4096 -O verity,quota,project "$it_tmp/ext4" >/dev/null 2>&1 &&
	mount -o loop "$it_tmp/ext4" "$it_tmp/fs" 2>/dev/null; then
	it_try "$CAISSON" --root "$it_tmp/fs/lib" --state "$it_tmp/fs/run" check --format json
	tap_is "one with it all: fs-verity" "$(line fs-verity "$out")" "PASS works on the root's file system"
	tap_is "quota" "$(line "project quota" "$out")" "PASS is on"
	umount "$it_tmp/fs"
else
	tap_skip "one with it all: fs-verity" "this kernel cannot mount such an ext4"
	tap_skip "quota" "this kernel cannot mount such an ext4"
fi
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
c run --mount type=volume,source=vol,target=/v,volume-subpath=a box true
tap_is "volume-subpath" "$status $(grep -c volume-subpath <<<"$err")" "125 1"

comp=$(caisson completion bash)
tap_like "completion knows it" "$comp" 'check'

eng_done
