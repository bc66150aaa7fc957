#!/bin/bash
# Docker-style command lines, each given to caisson and to podman: the same exit status, and the
# same output (=), or as many lines of it (l), or any (s). What differs on purpose is marked d,
# with its reason in the README. `make check-compat` runs it; podman takes a minute for it.
. "$(dirname "$0")/lib.sh"
CAISSON_OCI=$(command -v runc || echo runc)
. "$(dirname "$0")/clients.sh"
client_enter podman conmon
build=${top_builddir:-$it_here/../../build}

# shellcheck disable=SC2119
client_podman_conf
mkdir -p "$w/host"
echo file >"$w/host/file"
printf 'A=1\nB=two words\n' >"$w/env"

caisson()
{
	timeout -k 5 60 "$build/caisson" --root "$w/lib" --state "$w/caisson" "$@"
}

podman_()
{
	timeout -k 5 60 podman --runtime "$runtime" "$@"
}

for t in caisson podman_; do
	$t import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' -c 'LABEL made=test' "$w/rootfs.tar" bb >/dev/null 2>&1 ||
		echo "Bail out! $t import"
done

# Runs a line by a tool: $got is its status and output.
by() # TOOL LINE
{
	# shellcheck disable=SC2034 # the line's $T
	T=$1
	eval "$2" >"$w/out" 2>"$w/err" </dev/null
	status=$?
	out=$(<"$w/out")
}

compare() # MODE LINE
{
	local s1 o1 e1

	by caisson "$2"
	s1=$status o1=$out e1=$(<"$w/err")
	by podman_ "$2"
	[ "$1" != d ] || { tap_skip "${2//\$T/caisson}" "differs on purpose: $s1, podman $status"; return; }
	if [ "$s1" != "$status" ]; then
		tap_not_ok "${2//\$T/caisson}" "status $s1, podman's $status"$'\n'"$e1"$'\n'"$(<"$w/err")"
	elif [ "$1" = = ] && [ "$o1" != "$out" ]; then
		tap_not_ok "${2//\$T/caisson}" "output: $o1"$'\n'"podman's: $out"
	elif [ "$1" = l ] && [ "$(wc -l <<<"$o1")" != "$(wc -l <<<"$out")" ]; then
		tap_not_ok "${2//\$T/caisson}" "output: $o1"$'\n'"podman's: $out"
	else
		tap_ok "${2//\$T/caisson}"
	fi
}

while IFS=$'\t' read -r mode line; do
	[[ $mode = '#'* || -z $mode ]] || compare "$mode" "$line"
done <<'LINES'
# run
=	$T run --rm bb true
=	$T run --rm bb false
=	$T run --rm bb echo one two
=	$T run --rm bb sh -c 'exit 42'
=	$T run --rm bb sh -c 'echo err >&2'
=	$T run --rm bb no-such-program
=	$T run --rm bb /etc/passwd
=	$T run --rm bb /
s	$T run --rm --no-such-flag bb true
s	$T run --rm
s	$T run --rm --pull never no-such-image:1 true
=	$T run --rm -e A=1 bb sh -c 'echo $A'
=	$T run --rm -eA=1 bb sh -c 'echo $A'
=	$T run --rm --env A=1 --env B=2 bb sh -c 'echo $A $B'
=	A=own $T run --rm -e A bb sh -c 'echo $A'
=	$T run --rm --env-file $w/env bb sh -c 'echo $A; echo $B'
s	$T run --rm --env-file $w/nowhere bb true
=	$T run --rm -w /tmp bb pwd
d	$T run --rm --workdir /new/folder bb pwd
=	$T run --rm -u 1000 bb id -u
=	$T run --rm -u 1000:50 bb id -g
=	$T run --rm --user root bb id -u
d	$T run --rm -u nosuchuser bb true
=	$T run --rm -h box bb hostname
=	$T run --rm --hostname=box bb hostname
=	$T run --rm --entrypoint echo bb a b
=	$T run --rm --entrypoint '["echo","x"]' bb y
=	$T run --rm --entrypoint '' bb echo z
=	$T run --rm -v $w/host:/h bb cat /h/file
=	$T run --rm -v $w/host:/h:ro bb touch /h/new
s	$T run --rm -v $w/host:/h:bogus bb true
s	$T run --rm -v relative/path:/h:x:y bb true
=	$T run --rm --mount type=bind,src=$w/host,dst=/h bb cat /h/file
=	$T run --rm --mount type=bind,source=$w/host,target=/h,ro bb touch /h/x
s	$T run --rm --mount type=bind,src=/no/such/folder,dst=/h bb true
s	$T run --rm --mount type=bogus,dst=/h bb true
=	$T run --rm --mount type=tmpfs,dst=/t bb sh -c 'grep -c " /t tmpfs" /proc/mounts'
=	$T run --rm --tmpfs /t bb sh -c 'grep -c " /t tmpfs" /proc/mounts'
=	$T run --rm --tmpfs /t:size=1m bb sh -c 'df -k /t | tail -1 | tr -s " " | cut -d" " -f2'
=	$T run --rm -v named:/v bb sh -c 'echo kept >/v/f'
=	$T run --rm -v named:/v bb cat /v/f
=	$T run --rm --read-only bb touch /x
=	$T run --rm --cap-drop ALL bb sh -c 'grep CapEff /proc/self/status'
=	$T run --rm --cap-drop all --cap-add chown bb sh -c 'grep CapEff /proc/self/status'
=	$T run --rm --privileged bb sh -c 'grep -c 0000003f /proc/self/status >/dev/null; echo $?'
s	$T run --rm --cap-add NOSUCH bb true
=	$T run --rm --security-opt no-new-privileges bb sh -c 'grep NoNewPrivs /proc/self/status'
=	$T run --rm --security-opt seccomp=unconfined bb sh -c 'grep Seccomp: /proc/self/status'
=	$T run --rm bb sh -c 'grep Seccomp: /proc/self/status'
s	$T run --rm --security-opt bogus=1 bb true
d	$T run --rm --ulimit nofile=100:200 bb sh -c 'ulimit -n; ulimit -Hn'
s	$T run --rm --ulimit bogus=1 bb true
=	$T run --rm --sysctl net.ipv4.ip_forward=1 bb cat /proc/sys/net/ipv4/ip_forward
s	$T run --rm --sysctl kernel.nosuch=1 bb true
=	$T run --rm --shm-size 1m bb sh -c 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2'
=	$T run --rm -m 64m bb sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
s	$T run --rm -m bogus bb true
s	$T run --rm --cpus bogus bb true
=	$T run --rm --cpus 0.5 bb true
=	$T run --rm --pids-limit 50 bb true
=	$T run --rm --cpu-shares 512 bb true
=	$T run --rm --oom-score-adj 500 bb cat /proc/self/oom_score_adj
=	$T run --rm --add-host host.example:10.1.2.3 bb sh -c 'grep host.example /etc/hosts | tr "\t" " "'
=	$T run --rm --network none bb ls /sys/class/net
=	$T run --rm --net none bb ls /sys/class/net
s	$T run --rm --network nosuchnet bb true
s	$T run --rm --network host bb true
=	$T run --rm --uts host bb sh -c true
=	$T run --rm --pid host bb sh -c '[ $$ != 1 ]'
=	$T run --rm --ipc host bb true
=	$T run --rm --init bb true
=	$T run --rm -i bb cat
=	echo in | $T run --rm -i bb cat
=	echo in | $T run --rm bb cat
=	$T run --rm --device /dev/null:/dev/mynull bb sh -c 'echo x >/dev/mynull; test -c /dev/mynull'
s	$T run --rm --device /dev/nosuch bb true
=	$T run --rm --umask 0077 bb sh -c umask
=	$T run --rm --group-add 50 bb id -G
=	$T run --rm -l a=b bb true
=	$T run --rm --stop-signal INT bb true
s	$T run --rm --stop-signal BOGUS bb true
s	$T run --rm --restart always bb true
s	$T run --rm --restart bogus bb true
s	$T run --name 'bad name' bb true
d	$T run --timeout 1 --rm bb sleep 20
# detached
l	$T run -d --name web -l role=web bb sh -c 'echo out; echo err >&2; trap "exit 3" TERM; while :; do sleep 0.1; done'
s	$T run -d --name web bb true
=	$T ps --format '{{.Names}}'
=	$T ps -a --format '{{.Names}}'
l	$T ps -q
l	$T ps
=	$T ps -f name=web --format '{{.Names}}'
=	$T ps -f name=nothing --format '{{.Names}}'
=	$T ps -f status=running --format '{{.Names}}'
=	$T ps -f label=role=web --format '{{.Names}}'
=	$T ps -f label=role=db --format '{{.Names}}'
s	$T ps -f bogus=1
=	$T inspect -f '{{.State.Status}}' web
=	$T inspect -f '{{.State.Running}} {{.State.ExitCode}}' web
=	$T inspect -f '{{.Config.Labels.role}}' web
=	$T inspect --format '{{.Name}}' web
s	$T inspect nothing
l	$T inspect -f '{{.Id}}' web
=	until $T logs web 2>&1 | grep -q err; do sleep 0.1; done; $T logs web 2>&1 | sort
=	$T logs --tail 0 web
=	$T logs -n 1 web 2>/dev/null | wc -l
s	$T logs nothing
=	$T exec web echo inside
=	$T exec web sh -c 'exit 9'
=	$T exec web no-such-program
=	$T exec web /etc/passwd
=	$T exec -u 1000 web id -u
=	$T exec -w /tmp web pwd
=	$T exec -e A=5 web sh -c 'echo $A'
=	echo in | $T exec -i web cat
=	echo in | $T exec web cat
s	$T exec nothing true
d	$T exec web
d	$T exec -d web true
=	$T top web | head -1 | wc -l
=	$T pause web
=	$T inspect -f '{{.State.Status}}' web
d	$T exec web true
=	$T unpause web
s	$T unpause web
=	$T rename web site
s	$T rename site site
=	$T ps --format '{{.Names}}'
d	$T rm site
=	$T stop site
=	$T inspect -f '{{.State.Status}} {{.State.ExitCode}}' site
=	$T stop site
=	$T ps -q | wc -l
=	$T ps -aq | wc -l
=	$T wait site
=	$T start site
=	$T inspect -f '{{.State.Running}}' site
d	$T start site
=	$T kill site
=	$T wait site
s	$T kill site
=	$T restart site
=	$T kill -s TERM site
=	$T wait site
s	$T kill -s BOGUS site
=	$T rm -f site
d	$T rm site
=	$T rm -f site
s	$T stop site
s	$T start site
s	$T restart site
s	$T wait site
s	$T pause site
# create, cp, diff
l	$T create --name made bb sh -c 'echo made'
d	$T ps -a --format '{{.Names}} {{.State}}'
=	$T start -a made
=	$T inspect -f '{{.State.ExitCode}}' made
=	$T cp $w/host/file made:/copied
=	$T cp made:/copied $w/back && cat $w/back
=	$T cp made:/copied - | tar t
s	$T cp made:/nothing $w/back
s	$T cp nothing:/x $w/back
=	$T diff made | grep copied
=	$T export made | tar t copied
=	$T commit -q made kept >/dev/null && $T run --rm kept cat /copied
=	$T rm made
l	$T run -d --name a bb sleep 100
l	$T run -d --name b bb sleep 100
=	$T stop -t 0 a b | sort
=	$T rm a b
=	$T run --cidfile $w/cid.$T --name c bb true
s	$T run --cidfile $w/cid.$T bb true
=	wc -c <$w/cid.$T
=	$T rm c
d	$T run --name d bb true && $T run --replace --name d bb echo replaced
=	$T rm d
=	$T rm --ignore nothing
s	$T rm
s	$T stop
# volumes, images
=	$T volume create vol
=	$T volume inspect -f '{{.Name}}' vol
=	$T volume ls -q | sort
=	$T volume rm vol
d	$T volume rm vol
s	$T volume inspect vol
=	$T images --format '{{.Tag}}' bb
=	$T tag bb other:2
=	$T images -q other | wc -l
=	$T rmi other:2 >/dev/null
d	$T rmi nothing
=	$T image inspect -f '{{.Config.Labels.made}}' bb
=	$T history bb | wc -l
s	$T nosuchcommand
s	$T run --help
s	$T version
LINES
for t in caisson podman_; do $t rm -af >/dev/null 2>&1; done
tap_done
