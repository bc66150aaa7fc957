#!/bin/bash
# Containers as a person types them: run, create, start, exec, ps, logs, stop, rm and the rest.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

tap_comment <<<"run in the foreground"
c run --rm --network none box echo hello world
tap_is "what it prints" "$out" "hello world"
tap_is "and its status" "$status" 0
c run --rm --network none box sh -c 'echo to-err >&2; exit 7'
tap_is "its exit status" "$status" 7
tap_is "its stderr" "$err" to-err
c run --rm --network none box no-such-program
tap_is "no such program: 127" "$status" 127
tap_like "and it says so" "$err" 'no-such-program'
c run --rm --network none box /etc/passwd
tap_is "not executable: 126" "$status" 126
c run --rm --network none --no-such-flag box true
tap_is "a bad flag: 125" "$status" 125
c run --rm --pull never --network none nowhere true
tap_is "an image that is not there: 125" "$status" 125
tap_like "it says which" "$err" nowhere
c run --rm --network none box sh -c 'sh -c "kill -9 \$\$"; exit $?'
tap_is "ended by a signal: 128 + n" "$status" 137
c ps -aq
tap_is "--rm leaves nothing" "$out" ""
it_try sh -c "echo from-stdin | timeout 60 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
	run -i --rm --network none box cat"
tap_is "-i: stdin goes in, and its end too" "$out" from-stdin
c run --rm --network none box cat
tap_is "without -i stdin is empty" "$out$status" 0

# what seals itself by its command line must know a command from a name
c run --rm --name exec --network none box echo exec
tap_is "a container and a word called exec" "$status $out" "0 exec"
c exec exec true
tap_like "and one called so that is gone" "$status $err" '^125 .*no such container: exec'
it_try sh -c "c=\"'$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run'\"
	eval \$c run -d --name closed --network none box sleep 100 >'$it_tmp/id'
	eval timeout 60 \$c exec -i closed wc -c '<&-'; eval \$c rm -f closed >&2"
tap_is "exec with stdin closed: it is empty" "$status $out" "0 0"
c run --rm -h $'a\n6.6.6.6 example.com' --network none box true
tap_like "a host name of two lines" "$status $err" '^125 .*--hostname: "a.*is no name of a host'

tap_comment <<<"flags"
c run --rm --network none -e A=1 -e FROM=me box sh -c 'echo $A $FROM $PATH'
tap_is "-e" "$out" "1 me /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
c run --rm --network none -w /var -u user -h myhost box sh -c 'pwd; id -un; hostname; echo $HOME'
tap_is "-w, -u, -h" "$out" $'/var\nuser\nmyhost\n/'
c run --rm --network none --entrypoint echo box one two
tap_is "--entrypoint" "$out" "one two"
c run --rm --network none --read-only box sh -c 'touch /x || echo no'
tap_is "--read-only" "$out" no
c run --rm --network none -v "$it_tmp/home:/mnt" box sh -c 'echo kept >/mnt/file'
tap_is "-v" "$(cat "$it_tmp/home/file")" kept
c run --rm --network none -v vol:/data box cat /data/seed
tap_is "a volume is filled from the image" "$out" hello
c run --rm --network none --tmpfs /scratch box sh -c 'grep " /scratch " /proc/mounts | cut -d" " -f3'
tap_is "--tmpfs" "$out" tmpfs
c run --rm --network none box sh -c 'grep CapEff /proc/self/status'
tap_like "docker's capabilities" "$out" 00000000a80425fb
c run --rm --network none --cap-drop ALL box sh -c 'grep CapEff /proc/self/status'
tap_like "--cap-drop ALL" "$out" 0000000000000000
c run --rm --network none --memory 64m box sh -c 'cat /sys/fs/cgroup/memory.max 2>/dev/null ||
	cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
tap_is "--memory" "$out" 67108864

tap_comment <<<"detached"
c run -d --name web --network none box sh -c 'echo started; trap "exit 5" TERM; while :; do sleep 0.1; done'
tap_is "-d" "$status" 0
tap_like "prints the id" "$out" '^[0-9a-f]{64}$'
web=$out
c ps --format '{{.Names}} {{.State}} {{.Image}}'
tap_is "ps" "$out" "web running box"
c ps -q --no-trunc
tap_is "ps -q" "$out" "$web"
it_wait 10 sh -c "[ \"\$(timeout 20 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' logs web)\" = started ]"
tap_is "logs" "$?" 0
c exec web sh -c 'echo inside; exit 3'
tap_is "exec" "$out $status" "inside 3"
c exec -u user -w /tmp -e X=y web sh -c 'id -un; pwd; echo $X'
tap_is "exec -u -w -e" "$out" $'user\n/tmp\ny'
c exec web sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done'
tap_is "exec: every line of much output" "$(wc -l <<<"$out") $(tail -n 1 <<<"$out")" "20000 line 19999"
it_try sh -c "seq 30000 | timeout 60 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
	exec -i web md5sum"
tap_is "exec -i: every byte of much input, and its end" "$out" "$(seq 30000 | md5sum)"
c exec web sh -c 'sleep 1000 & echo parent'
tap_is "exec does not wait for what it leaves behind" "$out" parent
touch "$it_tmp/mine"
chown 4242 "$it_tmp/mine"
caisson exec -u user web sh -c 'readlink /proc/self/fd/1' >"$it_tmp/mine" </dev/null
tap_like "exec gives pipes, not the user's own files" "$(<"$it_tmp/mine")" '^pipe:'
tap_is "whose owner stays" "$(stat -c %u "$it_tmp/mine")" 4242
c exec web no-such
tap_is "exec of what is not there: 127" "$status" 127
c exec nobody true
tap_is "exec in no container: 125" "$status" 125
c top web
tap_like "top" "$out" 'sleep'
c inspect --format '{{.State.Status}} {{.Name}} {{.Config.Image}}' web
tap_is "inspect" "$out" "running web box"
c pause web
c ps --format '{{.Status}}'
tap_like "pause" "$out" 'Paused'
c exec web true
tap_is "exec in a paused one is refused" "$status" 125
c unpause web
c inspect -f '{{.State.Paused}}' web
tap_is "unpause" "$out" false
c run -d --name web --network none box true
tap_is "a name in use: 125" "$status" 125
tap_like "and whose it is" "$err" "${web:0:12}"
c rename web site
c inspect -f '{{.Id}}' site
tap_is "rename" "$out" "$web"
c rm site
tap_is "rm of one that runs: refused" "$status" 125
c stop site
tap_is "stop" "$status" 0
c inspect -f '{{.State.Status}} {{.State.ExitCode}}' site
tap_is "it had its signal" "$out" "exited 5"
c ps -q
tap_is "ps shows it no more" "$out" ""
c ps -a --format '{{.Names}} {{.Status}}'
tap_like "ps -a does" "$out" '^site Exited \(5\)'
c start site
c inspect -f '{{.State.Running}}' site
tap_is "start" "$out" true
c kill site
c wait site
tap_is "kill, wait" "$out" 137
c restart site
c inspect -f '{{.State.Running}}' site
tap_is "restart" "$out" true
c update --restart on-failure:3 site
c inspect -f '{{.HostConfig.RestartPolicy.Name}}' site
tap_is "update" "$out" on-failure
c stats --no-stream --format '{{.Name}} {{.PIDs}}' site
tap_like "stats" "$out" '^site [1-9]'
c run -d --rm --name short --network none box sleep 3
c wait short
tap_is "wait for one with --rm" "$out$status" 00
if ! command -v strace >/dev/null; then
	tap_skip "what is reported done is synced" "strace is not installed"
else
	syncs() # COMMAND...: how many of them before it says so
	{
		strace -f -qq -e trace=fsync,fdatasync -o "$it_tmp/syncs" "$CAISSON" --root "$it_tmp/lib" \
			--state "$it_tmp/run" "$@" >"$it_tmp/out" 2>&1 </dev/null || cat "$it_tmp/out"
		grep -cE 'f(data)?sync\(.* = 0' "$it_tmp/syncs"
	}
	tap_is "what is reported done is synced: create" "$(syncs create --name kept --network none box)" 2
	tap_is "update" "$(syncs update --pids-limit 50 kept)" 2
	tap_check "rename" test "$(syncs rename kept keep)" -ge 2
	tap_is "volume create" "$(syncs volume create keep)" 2
	tap_is "but not run --rm" "$(syncs run --rm --network none box true)" 0
	c rm keep
	c volume rm keep
fi
c rm -f "${web:0:6}"
tap_is "rm -f by the beginning of its id" "$status" 0
c inspect site
tap_is "it is gone" "$status" 125

tap_comment <<<"create and start"
c create --name later --network none box echo later
tap_is "create" "$status" 0
c ps -a --format '{{.State}}'
tap_is "it is created" "$out" created
c start -a later
tap_is "start -a" "$out" later
c start -a later
tap_is "and again" "$out" later
c rm later

tap_comment <<<"networks"
c run -d --name srv -p 127.0.0.1:8080:80 box httpd -f -h /www
tap_is "with a published port" "$status" 0
c port srv
tap_is "port" "$out" "80/tcp -> 127.0.0.1:8080"
c ps --format '{{.Ports}}'
tap_is "ps shows it" "$out" "127.0.0.1:8080->80/tcp"
it_wait 10 sh -c 'busybox wget -q -O - http://127.0.0.1:8080/ >/dev/null 2>&1'
tap_is "it answers" "$(busybox wget -q -O - http://127.0.0.1:8080/)" page
c inspect -f '{{.NetworkSettings.IPAddress}}' srv
ip=$out
c run --rm box wget -q -O - "http://$ip/"
tap_is "from another container" "$out" page
if command -v dnsmasq >/dev/null; then
	c run --rm box wget -q -O - http://srv/
	tap_is "by its name" "$out" page
fi
c run --rm box sh -c 'grep -q "$(hostname)" /etc/hosts && echo 1'
tap_is "/etc/hosts has its own name" "$out" 1
c run --rm --network container:srv box wget -q -O - http://127.0.0.1/
tap_is "--network container:NAME" "$out" page
etc='cat /etc/hosts /etc/resolv.conf /etc/hostname; hostname'
c exec srv sh -c "echo 10.9.8.7 of-srv >>/etc/hosts; $etc"
theirs=$out
c run -d --name with-srv --network container:srv box sh -c "$etc; sleep 100"
c exec with-srv sh -c "$etc"
tap_is "it has the other's hosts, resolv.conf, hostname and name" "$out" "$theirs"
c exec with-srv sh -c 'echo 10.9.8.8 of-with >>/etc/hosts'
c run --rm --network container:with-srv box grep -c of-with /etc/hosts
tap_is "and who joins that one, too" "$out" 1
c rm -f with-srv
c run --rm --network container:srv --dns 1.2.3.4 box true
tap_like "no option is without effect" "$status $err" '^125 .*takes no --hostname, --dns'
tap_comment <<<"--ipc"
c run -d --name donor --network none --shm-size 3m box sh -c 'echo seen >/dev/shm/f; sleep 100'
it_wait 10 caisson exec donor test -s /dev/shm/f
c run --rm --network none --ipc container:donor box sh -c \
	'cat /dev/shm/f; df -m /dev/shm | awk "END { print \$2 }"; echo back >/dev/shm/g'
tap_is "--ipc container:NAME has its /dev/shm" "$out" $'seen\n3'
c exec donor cat /dev/shm/g
tap_is "to write, too" "$out" back
c run --rm --network none --ipc host box sh -c 'stat -c %d:%i /dev/shm'
tap_is "--ipc host has the host's" "$(cut -d: -f2 <<<"$out")" "$(stat -c %i /dev/shm)"
c run -d --name taker --network none --ipc container:donor --pid container:donor box sleep 100
c stop -t 0 donor
c rm -f taker
for o in network ipc pid; do
	c run --rm --"$o" container:donor box true
	tap_like "--$o of one that is stopped" "$status $(wc -l <<<"$err") $err" \
		'^125 1 .*donor.* is exited: start it first'
done
c rm donor
c run --rm --network none box sh -c 'ls /sys/class/net'
tap_is "--network none" "$out" lo
c rm -f srv
if command -v dnsmasq >/dev/null; then
	bad=
	for i in 1 2 3; do
		c run --rm --name "again$i" box nslookup "again$i"
		[ "$status" = 0 ] || bad+="$status: $out $err "
	done
	tap_is "with each last member a name server ends, the next one is in its place" "$bad" ""
fi

tap_comment <<<"after a boot"
for n in always unless-stopped no; do
	c run -d --name "$n" --network none --restart "$n" box sleep 300
done
c run -d --name ran --network none --restart unless-stopped box sleep 300
ran=$it_tmp/lib/containers/$out/status.json
c create --name never --network none --restart always box sleep 300
c stop -t 0 always unless-stopped no
c start --autostart
tap_is "start --autostart in the boot that they were started in: none" "$status$out$err" 0
# the machine stops, and is up again with another id
kill -KILL "$(jq .monitor "$ran")" "$(jq .pid "$ran")"
for f in "$it_tmp"/lib/containers/*/status.json; do
	jq -c '.boot = "another"' "$f" >"$it_tmp/status" && cat "$it_tmp/status" >"$f"
done
c start --autostart
tap_is "after a boot: it starts some" "$status $(wc -l <<<"$out") $err" "0 2 "
c ps -a --format '{{.Names}} {{.State}}'
tap_is "always, though it was stopped; unless-stopped, if it was not; not what never was" "$(sort <<<"$out")" \
	$'always running\nnever created\nno exited\nran running\nunless-stopped exited'
c start --autostart
tap_is "and once only" "$status$out$err" 0
c autostart no
c autostart always --disable
c inspect -f '{{.Name}} {{.HostConfig.RestartPolicy.Name}}' no always
tap_is "autostart NAME and --disable" "${out//\//}" $'no always\nalways no'
c start --autostart no
tap_is "with a name: 125" "$status" 125
c rm -f always unless-stopped no ran never

tap_comment <<<"words of others"
c container ls -a
tap_like "container ls" "$out" 'CONTAINER ID'
c list --all
tap_like "virsh's list" "$out" 'CONTAINER ID'
c run -d --name dom --network none box sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 0.1; echo tick; done'
c dominfo dom
tap_is "dominfo" "$status $(jq -r '.[0].Name' <<<"$out")" "0 dom"
it_wait 20 eval 'caisson logs dom | grep -q up'
c inspect -f '{{.State.Pid}}' dom
pid=$out
c reboot dom
tap_is "reboot: it runs again" "$status $(caisson inspect -f '{{.State.Status}}' dom)" "0 running"
tap_unlike "as another process" "$(caisson inspect -f '{{.State.Pid}}' dom)" "^$pid\$"
it_wait 20 eval '[ "$(caisson logs dom | grep -c up)" = 2 ]'
caisson console --no-stdin dom >"$it_tmp/console" &
console=$!
it_wait 20 grep -q tick "$it_tmp/console"
c shutdown dom
wait "$console"
tap_is "console: until shutdown ends it, with its status" "$status $?" "0 4"
c start dom
c destroy dom
it_wait 20 eval '[ "$(caisson inspect -f "{{.State.Status}}" dom)" = exited ]'
tap_is "destroy kills" "$status $(caisson inspect -f '{{.State.ExitCode}}' dom)" "0 137"
c undefine dom
tap_is "undefine removes" "$status $(caisson ps -aq)" "0 "
c help shutdown
tap_like "help knows them" "$status $out" '^0 caisson stop: '
c pss
tap_like "an unknown command: the nearest" "$err" 'ps'
c run --nmae x box
tap_like "an unknown option, too" "$status $err" '^125 .*"--nmae"; did you mean "--name"\?'

eng_done
