#!/bin/bash
# A container's files from outside: cp, diff, export, commit.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
command -v jq >/dev/null || tap_skip_all "jq is not installed"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

w=$it_tmp/w
mkdir -p "$w/tree/sub"
echo one >"$w/one"
echo deep >"$w/tree/sub/deep"
ln -s sub/deep "$w/tree/link"
chown -R 1000:1000 "$w/tree"

c run -d --name web --network none -v vol:/data box sh -c 'while :; do sleep 0.1; done'
tap_is "a container that runs" "$status" 0
c create --name idle --network none -v vol:/data box true

for n in web idle; do
	tap_comment <<<"cp, $n"
	c cp "$w/one" "$n:/tmp"
	tap_is "a file into a folder" "$status" 0
	c cp "$n:/tmp/one" "$w/back-$n"
	tap_is "and back, under another name" "$(cat "$w/back-$n")" one
	c cp "$w/one" "$n:/tmp/two"
	c cp "$n:tmp/two" "$w"
	tap_is "without a slash in front" "$(cat "$w/two")" one
	c cp "$w/tree" "$n:/tmp/new"
	c cp "$n:/tmp/new" "$w/out-$n"
	tap_is "a folder as a new one" "$(cat "$w/out-$n/sub/deep")" deep
	tap_is "links stay links" "$(readlink "$w/out-$n/link")" sub/deep
	tap_is "what comes out is the caller's" "$(stat -c %u:%g "$w/out-$n/sub/deep")" 0:0
	c cp "$w/tree" "$n:/tmp/new"
	c cp "$n:/tmp/new/tree/link" "$w/l-$n"
	tap_is "into an existing one" "$(readlink "$w/l-$n")" sub/deep
	c cp -L "$n:/tmp/new/tree/link" "$w/f-$n"
	tap_is "-L" "$(cat "$w/f-$n")" deep
	c cp "$w/tree/." "$n:/srv"
	c cp "$n:/srv/." "$w/srv-$n"
	tap_is "what is in it, by /." "$(ls "$w/srv-$n")" $'link\nsub'
	c cp "$n:/data/seed" "$w/seed-$n"
	tap_is "from a volume, filled before or not" "$status" 0
	c cp "$w/one" "$n:/bin/one"
	tap_is "through a link inside" "$status" 0
	caisson cp "$n:/srv" - | tar -t >"$w/list" 2>/dev/null
	tap_is "a tar out" "$(sort "$w/list" | head -n 3)" $'srv/\nsrv/link\nsrv/sub/'
	tar -c -C "$w/tree" --owner 50 --group 50 . | caisson cp - "$n:/root"
	tap_is "a tar in" "$?" 0
	c cp -a "$n:/root/sub" "$w/a-$n"
	tap_is "-a keeps owners" "$(stat -c %u:%g "$w/a-$n/deep")" 50:50
	c cp "$w/one" "$n:/etc/hosts"
	tap_is "over a mounted file" "$status" 0

	c cp "$n:/nowhere" "$w/x"
	tap_is "no such file: 125" "$status" 125
	tap_like "it says which" "$err" nowhere
	c cp "$w/one" "$n:/nowhere/x"
	tap_is "no such folder" "$status" 125
	c cp "$w/one" "$n:/nowhere/"
	tap_is "a slash wants a folder" "$status" 125
	c cp "$w/tree" "$n:/etc/passwd"
	tap_is "a folder over a file: refused" "$status" 125
	c cp "$w/tree/." "$n:/etc/passwd"
	tap_is "what is in it over a file: refused" "$status" 125
	mkdir -p "$w/mix-$n/one"
	c cp "$n:/tmp/one" "$w/mix-$n"
	tap_is "a file over a folder: refused" "$status" 125
done
c exec web sh -c 'cat /data/seed; stat -c %u /srv/sub/deep; cat /etc/hosts'
tap_is "seen inside; owned by root" "$out" $'hello\n0\none'

tap_comment <<<"cp and mounts of one that does not run"
mkdir "$w/bound"
echo bound >"$w/bound/file"
c create --name mounts --network none -v vol:/data:ro -v "$w/bound:/bound:ro" \
	--mount type=volume,source=opts,target=/opts box true
c cp "$w/one" mounts:/data/planted
tap_is "into a volume that is read-only" "$status" 125
tap_like "it says so" "$err" 'read-only file system'
c cp "$w/one" mounts:/bound/file
tap_is "into a folder that is" "$status:$(cat "$w/bound/file")" 125:bound
c cp mounts:/bound/file "$w/unbound"
tap_is "out of it" "$(cat "$w/unbound")" bound
c volume create -o type=tmpfs -o device=tmpfs opts
c cp "$w/one" mounts:/opts
tap_is "into a volume with options" "$status" 125
tap_like "it is not there yet" "$err" 'start it first'

# as in the container, whatever the way: links into mounts, out of them, and from one to another
mkdir "$w/links" "$w/links/in"
echo inside >"$w/links/in/file"
c run --name linked --network none -v linkvol:/mnt/vol -v "$w/links:/mnt/bind" -v "$w/bound:/mnt/ro:ro" \
	-v "$w/one:/mnt/file" --tmpfs /mnt/tmp box sh -c 'ln -s /mnt/vol /tovol; ln -s mnt/bind/in /tobind
	ln -s /mnt/ro /toro; ln -s /etc /mnt/vol/out; ln -s ../bind/in /mnt/vol/across; echo v >/mnt/vol/v'
tap_is "a container with links, that has ended" "$status" 0
mounts_before=$(it_mounts | wc -l)
c cp linked:/tovol/v "$w/l1"
c cp linked:/tobind/file "$w/l2"
c cp linked:/mnt/vol/across/file "$w/l3"
c cp linked:/mnt/vol/out/passwd "$w/l4"
c cp linked:/mnt/file "$w/l5"
tap_is "out of mounts by links" "$(cat "$w"/l[1235]) $(grep -c root "$w/l4")" $'v\ninside\ninside\none 1'
echo new >"$w/new"
c cp "$w/new" linked:/tovol/new
c cp "$w/new" linked:/tobind/new
c cp "$w/new" linked:/tmp/../mnt/vol/dots
c cp "$w/new" linked:/mnt/vol/across/across
tap_is "into mounts by links: the folders on the host have it" "$(cat "$it_tmp/lib/volumes/linkvol/_data/new" \
	"$it_tmp/lib/volumes/linkvol/_data/dots" "$w/links/in/new" "$w/links/in/across")" $'new\nnew\nnew\nnew'
c cp "$w/new" linked:/mnt/vol/out/made
c cp linked:/etc/made "$w/l6"
tap_is "out of a volume into the container's own" "$(cat "$w/l6")" new
c cp "$w/new" linked:/toro/new
tap_is "by a link into what is read-only: refused" "$status $(ls "$w/bound")" "125 file"
tap_like "it says so" "$err" 'read-only file system'
c cp "$w/new" linked:/mnt/file
tap_is "a bound file is written in place" "$(cat "$w/one")" new
echo one >"$w/one"
tap_is "the host has no mount more" "$(it_mounts | wc -l)" "$mounts_before"
c create --name fresh --network none -v freshvol:/data box true
c cp fresh:/data/seed "$w/l7"
tap_is "a new volume has what a start would fill it with" "$(cat "$w/l7")" hello
echo s >"$w/sock"
c run --name filed --network none -v "$w/sock:/etc/sock" box true
rm "$w/sock"
c cp filed:/etc/passwd "$w/l11"
tap_is "where a file that was bound is gone, the rest can be had" "$status $(grep -c root "$w/l11")" "0 1"
c rm filed
c create --name lost --network none -v "$w/links:/mnt/bind" -v linkvol:/mnt/vol -v "$w/new:/mnt/new" box true
mv "$w/links" "$w/links.away"
c cp lost:/mnt/bind/in "$w/l8"
tap_is "what cannot be mounted is said" "$status $err" \
	"125 caisson: error: container lost: open $w/links, which is at /mnt/bind: no such file or directory"
c cp linked:/tobind/file "$w/l8"
tap_like "by a link it is empty, not what is beneath" "$status $err" '^125 .*[Nn]o such file'
c cp lost:/mnt/vol/v "$w/l9"
tap_is "and hinders nothing else" "$status $(cat "$w/l9")" "0 v"
mv "$w/links.away" "$w/links"
c cp linked:/tovol/v fresh:/data/from
c cp fresh:/data/from "$w/l10"
tap_is "from one's volume into another's" "$status $(cat "$w/l10")" "0 v"
c rm linked fresh lost
c volume rm linkvol freshvol

tap_comment <<<"limits with which it starts no more"
c update --cpu-quota 5000 --cpu-period 10000 mounts
c update --cpus 1.5 mounts
tap_is "another form takes the place of the first" "$status" 0
c update --cpu-period 20000 mounts
tap_is "and back" "$status" 0
c inspect -f '{{.HostConfig.CpuQuota}} {{.HostConfig.NanoCpus}}' mounts
tap_is "as many CPUs" "$out" "30000 0"
c update --cpus 1 --cpu-quota 5000 mounts
tap_is "both at once: refused" "$status" 125
c update -m 1m mounts
tap_is "too little memory: refused" "$status" 125
c update -m 9223372036854775807 mounts
tap_is "more than there can be" "$status" 0
c inspect -f '{{.HostConfig.MemorySwap}}' mounts
tap_is "and swap" "$out" -1
c update -m 64m mounts
c rm mounts
c volume rm opts

tap_comment <<<"cp of what a container made"
echo secret >"$w/secret"
c exec web sh -c "mkdir /evil; ln -s '$w' /evil/dir; ln -s '$w/secret' /evil/file; ln -s ../../../../../..$w /evil/up
	cp /bin/busybox /evil/suid; chmod 4755 /evil/suid; mknod /evil/dev c 1 3; mkfifo /evil/fifo"
c cp web:/evil/file/ "$w/x"
tap_is "a link out of it leads nowhere" "$status" 125
c cp -L web:/evil/file "$w/x"
tap_is "nor does -L" "$status" 125
c cp "$w/one" web:/evil/dir/planted
tap_is "nor as a folder on the way" "$status" 125
c cp "$w/one" web:/evil/up/planted
tap_is "nor by .." "$([ -e "$w/planted" ] && echo there)" ""
c cp "$w/one" web:/evil/file
tap_is "a link as the target does not write outside" "$(cat "$w/secret")" secret
c cp web:/evil "$w/evil"
tap_is "all of it" "$status" 0
tap_like "device nodes are left out" "$err" 'device nodes'
tap_is "no device is there" "$([ -e "$w/evil/dev" ] && echo there)" ""
tap_is "no setuid program is there" "$(stat -c %a "$w/evil/suid")" 755
mkdir -p "$w/trap"
ln -s "$w/tree" "$w/trap/d"
c exec web sh -c 'mkdir -p /trap/d; echo bad >/trap/d/planted'
c cp web:/trap/. "$w/trap"
tap_is "a folder over the caller's link: refused" "$status" 125
tap_is "nothing is written through it" "$([ -e "$w/tree/planted" ] && echo there)" ""
c exec -d web sh -c 'mkdir -p /race/d; while :; do mv /race/d /race/x; ln -s '"$w/tree"' /race/d
	rm /race/d; mv /race/x /race/d; done'
for _ in 1 2 3 4 5 6 7 8 9 10; do
	caisson cp "$w/one" web:/race/d/raced 2>/dev/null
	caisson cp web:/race/d "$w/race" 2>/dev/null
done
tap_is "folders swapped for links meanwhile" "$([ -e "$w/tree/raced" ] && echo there)" ""
printf 'x' >"$w/esc"
tar -P -c --transform 's,.*,../../escaped,' -f "$w/esc.tar" "$w/esc"
caisson cp - web:/tmp <"$w/esc.tar" 2>/dev/null
tap_is "a tar that leads upwards: refused" "$?" 125
head -c 700 "$w/esc.tar" | caisson cp - web:/tmp 2>/dev/null
tap_is "a tar cut short: refused" "$?" 125
c cp "$w/one" "$w/two"
tap_is "no container at all: 125" "$status" 125
c cp web:/a web:/b
tap_is "twice the same container: 125" "$status" 125
c start -a idle
tap_is "the idle one starts afterwards" "$status" 0

tap_comment <<<"diff, export, commit"
c run -d --name ch --network none -v vol:/data box sh -c 'echo x >/www/new; rm /etc/group
	echo more >>/etc/passwd; mkdir -p /opt/deep; echo 1 >/opt/deep/f; rm -r /var
	mkdir /var; rm -r /data/none 2>/dev/null; echo ready; while :; do sleep 0.1; done'
it_wait 20 sh -c "[ \"\$(timeout 20 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' logs ch)\" = ready ]"
c diff ch
tap_is "diff" "$out" 'C /etc
D /etc/group
C /etc/passwd
A /opt
A /opt/deep
A /opt/deep/f
C /www
A /www/new'
c diff --format json ch
tap_is "as json" "$(jq -c .deleted <<<"$out")" '["/etc/group"]'
c diff idle-none
tap_is "of none: 125" "$status" 125
c export -o "$w/ch.tar" ch
tap_is "export" "$status" 0
tar -tf "$w/ch.tar" >"$w/list"
tap_is "it has what was made" "$(grep -c '^www/new$' "$w/list")" 1
tap_is "and not what was removed, nor what is in volumes" \
	"$(grep -cE '^etc/group$|^proc/self' "$w/list")" 0
c commit -p -a me -m why -c 'CMD ["cat", "/www/new"]' -c 'ENV MORE=1' -c 'LABEL l=1' ch changed
tap_like "commit prints the id" "$out" '^sha256:[0-9a-f]{64}$'
c inspect -f '{{.State.Status}}' ch
tap_is "it goes on afterwards" "$out" running
c run --rm --network none changed
tap_is "the image has its files and its command" "$out" x
c run --rm --network none changed sh -c 'ls /etc/group /opt/deep 2>/dev/null; echo $FROM $MORE'
tap_is "and not those that were deleted" "$out" $'/opt/deep:\nf\nimage 1'
c image inspect -f '{{.Author}} {{index .Config.Labels "made"}} {{.Config.Labels.l}} {{len .RootFS.Layers}}' changed
tap_is "and its settings" "$out" "me test 1 2"
c history --format '{{.Comment}}' changed
tap_is "history says why" "$(head -n 1 <<<"$out")" why
c commit -c 'NO such' ch
tap_is "no such instruction: 125" "$status" 125
c commit idle
tap_is "one that changed nothing, without a name" "$status" 0
c inspect -f '{{.Id}}' idle
it_try flock "$it_tmp/lib/containers/$out/lock" timeout 1 "$CAISSON" --root "$it_tmp/lib" \
	--state "$it_tmp/run" commit idle
tap_is "one that another command is at: it waits" "$status" 124
c run -d --name busy --network none box sh -c \
	'cd /opt 2>/dev/null || cd /tmp; while :; do mkdir d; echo >d/f; echo >g; rm -r d g; done'
for _ in 1 2 3 4 5; do
	c export -o "$w/busy.tar" busy
	[ "$status" = 0 ] || break
	c commit busy
	[ "$status" = 0 ] || break
done
tap_is "export and commit while files come and go: $err" "$status" 0
c rm -f busy

tap_comment <<<"images in use"
c rmi changed
tap_is "one that nobody uses" "$status" 0
c rmi box
tap_is "one that a container uses: refused" "$status" 125
tap_like "it says which" "$err" 'container (web|idle|ch)'
c rmi -f box
tap_is "--force too" "$status" 125
c image prune -a
tap_is "prune spares it" "$status" 0
c run --rm --network none box echo still
tap_is "it is still there" "$out" still

eng_done
