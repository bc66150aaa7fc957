#!/bin/bash
# What keeps the house clean: container prune, system prune, completion.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
command -v jq >/dev/null || tap_skip_all "jq is not installed"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

c run -d --name up --network none box sh -c 'while :; do sleep 0.1; done'
c create --name never --network none --label keep=no box true
c run --name ended --network none box true
tap_comment <<<"container prune"
c container prune --filter label=keep=no
c ps -a --format '{{.Names}}'
tap_is "--filter" "$(sort <<<"$out")" $'ended\nup'
c container prune -f
tap_like "prints the ids" "$out" '^[0-9a-f]{64}$'
c ps -a --format '{{.Names}}'
tap_is "what runs stays" "$out" up
c container prune --filter nonsense=1
tap_is "no such filter: 125" "$status" 125

tap_comment <<<"system prune --filter"
c run --name keep --label keep --network none -v /anon box true
c run --name go --label go=1 --network none box true
c network create --label go=1 going
c network create staying
c volume create --label go=1 named
c commit -c 'LABEL go=1' go
going=${out#sha256:}
c commit up
plain=${out#sha256:}
mkdir "$it_tmp/lib/.check.killed"
touch -d '1 hour ago' "$it_tmp/lib/.check.killed"
c system prune -f --volumes --filter label=go --filter until=24h
tap_is "until: all are younger" "$status $out" "0 Total reclaimed space: 0B"
c system prune -f --volumes --filter label=go=1
tap_like "label: a container, a network, an image" "$status $out" \
	"^0 [0-9a-f]{64}.*going.*Deleted: sha256:$going.*Total reclaimed"
c ps -a --format '{{.Names}}'
tap_is "other containers stay" "$(sort <<<"$out")" $'keep\nup'
c network ls -q
tap_like "other networks" "$out" 'staying'
tap_like "volumes with a name" "$(caisson volume ls -q)" 'named'
tap_is "and what nobody owns" "$([ -e "$it_tmp/lib/.check.killed" ] && echo there)" there
c system prune -f --filter 'label!=keep'
tap_like "label!=" "$status $out" "^0 staying.*Deleted: sha256:$plain"
c ps -a --format '{{.Names}}'
tap_is "what has it stays" "$(sort <<<"$out")" $'keep\nup'
c system prune -f --filter status=exited
tap_is "no such filter: 125" "$status ${err##*option }" '125 --filter: "status=exited" is not label=, label!= or until='
c system prune -f --filter until=never
tap_is "no time: 125" "$status" 125
c rm -v keep
c volume rm named

tap_comment <<<"system prune"
c run --name again --network none -v /anon box true
c network create empty
c commit up
id=${out#sha256:}
left=$(printf '%016x' $$ 0 1 2)
mkdir -p "$it_tmp/run/containers/$left/rootfs" "$it_tmp/lib/containers/$left/rw"
mount -t tmpfs tmpfs "$it_tmp/run/containers/$left/rootfs"
touch -d '1 hour ago' "$it_tmp/lib/containers/$left"
# a container whose record was removed by hand, and its monitor killed: all of it is orphaned
c run -d --name orphan -p 127.0.0.1:8099:80 box sh -c 'while :; do sleep 0.1; done'
c inspect -f '{{.Id}} {{.State.MonitorPid}} {{.State.Pid}}' orphan
read -r orphan monitor pid <<<"$out"
rm "$it_tmp/lib/containers/$orphan/record.json"
kill -9 "$monitor"
it_wait 20 sh -c "! kill -0 $monitor 2>/dev/null"
table=$(nft list tables inet 2>/dev/null | grep -o 'caisson-[0-9a-f]*')
[ -z "$table" ] || nft add chain inet "$table" stray
# a rule that no record tells of, a volume half made, a name that leads nowhere, a cgroup, a
# folder of a check, a layer half unpacked
mkdir -p "$it_tmp/lib/volumes/.new.half/_data" "$it_tmp/lib/.check.killed" \
	"$it_tmp/lib/images/staging/1.0000000000000001.x"
ln -s "$left" "$it_tmp/lib/containers/.names/nobody"
touch -h -d '1 hour ago' "$it_tmp"/lib/containers/.names/{nobody,orphan}
cg=$(find /sys/fs/cgroup -maxdepth 2 -type d -name caisson | head -n 1)/$left
mkdir "$cg"
# one that was given a parent for its cgroup, of which nothing but that is left
parent=$(dirname "$cg")-given-$$
parent_name=$(basename "$parent")
c create --name given --network none --cgroup-parent "/$parent_name" box true
given=$(caisson inspect -f '{{.Id}}' given)
mkdir -p "$parent/$given/below" "$parent/$left"
rm -r "$it_tmp/lib/containers/$given"
touch -h -d '1 hour ago' "$it_tmp/lib/containers/.names/given" "$it_tmp/lib/containers/.cgroups/$given"
touch -d '1 hour ago' "$it_tmp/lib/.check.killed"
# a container of the OCI runtime's, with the same state folder and an id that could be the engine's
other=$(printf '%016x' 7 0 $$ 9)
it_bundle other '.process.args = ["sleep", "1000"] | .linux.cgroupsPath = "/'"$it_cg"'/other"'
"$CAISSON_OCI" --root "$it_tmp/run" run -d -b "$bundle" "$other" >/dev/null 2>&1 </dev/null
c run -d --name slashed --network none --cgroup-parent "/$it_cg//" box sleep 100
c rm -f slashed
tap_is "rm -f, with a parent of its cgroup that is written oddly" "$status" 0
c create --name astray --network none --cgroup-parent ../up box true
tap_is "a parent that leads out: 125" "$status" 125
tap_like "the option is named" "$err" 'option --cgroup-parent: .*"\.\."'
tap_empty "nothing is made" "$(caisson ps -aqf name=astray)"
c system prune -f
tap_is "system prune" "$status" 0
tap_like "tells of leftovers" "$out" "leftover of container $left"
tap_like "of networks" "$out" 'empty'
tap_like "of images" "$out" "Deleted: sha256:$id"
tap_like "of space" "$out" 'Total reclaimed space: '
tap_empty "the mount is gone" "$(it_mounts | grep "$left")"
tap_is "and the folder" "$([ -e "$it_tmp/run/containers/$left" ] && echo there)" ""
tap_empty "nothing of a container without a record" "$(it_mounts | grep "$orphan"
	find "$it_tmp" /sys/fs/cgroup -name "$orphan" 2>/dev/null; find "$it_tmp/run/networks" -name 'c*.json'
	ip -o link | grep -o 'cs[0-9a-f]*@')"
ended() { ! kill -0 "$pid" 2>/dev/null; }
it_wait 20 ended
tap_is "its processes ended" "$?" 0
[ -z "$table" ] || tap_is "its rules are gone, and others'" \
	"$(nft list table inet "$table" | grep -Ec 'stray|8099|'"$orphan")" 0
tap_empty "halves of volumes, names, checks, layers" "$(find "$it_tmp/lib/volumes" -name '.new*'
	find "$it_tmp/lib/containers/.names" -name nobody -o -name orphan; find "$it_tmp/lib" -maxdepth 1 -name '.check*'
	find "$it_tmp/lib/images/staging" -mindepth 1)"
tap_is "a container that is not the engine's stays" \
	"$("$CAISSON_OCI" --root "$it_tmp/run" state "$other" | jq -r .status)" running
"$CAISSON_OCI" --root "$it_tmp/run" delete -f "$other"
it_try timeout 60 "$CAISSON" --root "$it_tmp/lib2" --state "$it_tmp/run" ps
tap_is "another store has another state folder" "$status" 125
tap_like "it says whose it is" "$err" "belongs to the store in $it_tmp/lib"
tap_is "a new cgroup may be somebody's" "$([ -e "$cg" ] && echo there)" there
touch -d '1 hour ago' "$cg" "$parent"/*
c system prune -f
tap_is "a cgroup below a parent that was given, too; nobody else's" \
	"$(find "$parent" -mindepth 1 -maxdepth 1 -type d -printf '%f\n')" "$left"
tap_empty "no note of it is left" "$(find "$it_tmp/lib/containers/.cgroups" -name "$given")"
rmdir "$parent/$left" "$parent"
tap_is "an old one is not" "$status $([ -e "$cg" ] && echo there)" "0 "
c ps -a --format '{{.Names}}'
tap_is "what runs stays" "$out" up
c volume ls -q
tap_like "volumes stay" "$out" '^[0-9a-f]{64}$'
c system prune -f -a --volumes
c volume ls -q
tap_is "but with --volumes" "$out" ""
c run --rm --network none box echo there
tap_is "an image in use stays even with -a" "$out" there
c kill up
c wait up
c system prune -f -a
c images -q
tap_is "else it goes" "$out" ""

tap_comment <<<"completion"
for s in bash zsh fish; do
	c completion "$s"
	tap_is "$s" "$status" 0
done
c completion csh
tap_is "no such shell: 125" "$status" 125
c volume create vol1
caisson completion bash >"$it_tmp/bash"
comp() # WORD...: what is offered for the last
{
	out=$(PATH=$(dirname "$CAISSON"):$PATH bash -c '. "$1"; shift; COMP_WORDS=(caisson "$@")
		COMP_CWORD=$#; _caisson; echo "${COMPREPLY[*]}"' bash "$it_tmp/bash" "$@")
}
comp comple
tap_is "a command" "$out" completion
comp system pr
tap_is "a command of two words" "$out" prune
comp run --publish-
tap_is "an option" "$out" --publish-all
comp --root "$it_tmp/lib" --state "$it_tmp/run" volume rm vo
tap_is "a volume's name" "$out" vol1

eng_done
