#!/bin/bash
# The options that no other test is about: each as a person gives it, with what it says and does.
# tests/lint/tested lists those that have no test at all.
# shellcheck disable=SC1091,SC2154 # what the files give
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
eng_image || { echo "Bail out! the image could not be made"; exit 1; }
v=$(it_cgroup_version)
forever='trap "exit 5" TERM; trap "exit 6" HUP; echo ready; while :; do sleep 0.1; done'

# A container without a network that runs a script to its end.
f() # SCRIPT [OPTION...]
{
	local script=$1

	shift
	c run --rm --network none "$@" box sh -c "$script"
}

# Refused: 125, and the message says why.
no() # NAME PATTERN COMMAND...
{
	local name=$1 pattern=$2

	shift 2
	c "$@"
	if [ "$status" = 125 ] && grep -qE -- "$pattern" <<<"$err"; then
		tap_ok "refused: $name"
	else
		tap_not_ok "refused: $name" "$status: $err"
	fi
}

# What a container has of a cgroup file that is called so with v1, and so with v2.
cg() # V1 V2
{
	if [ "$v" = 2 ]; then
		echo "cat /sys/fs/cgroup/$2"
	else
		echo "cat /sys/fs/cgroup/$1"
	fi
}

# $out, or the reason of the host that has no such file in its cgroups.
effect() # NAME WANTED-PATTERN FIELD
{
	if [ "$status" = 0 ]; then
		tap_like "$1" "$out" "$2"
	else
		tap_like "$1: the host cannot, and says which" "$status $err" "(125|1) .*($3|No such file)"
	fi
}

said_ready() # NAME
{
	[ "$(caisson logs "$1" 2>/dev/null | head -n 1)" = ready ]
}

up() # NAME [OPTION...]: a container that runs, and has set its traps
{
	local name=$1

	shift
	c run -d --name "$name" --network none "$@" box sh -c "$forever"
	it_wait 60 said_ready "$name"
}

get() # NAME TEMPLATE; $out
{
	c inspect -f "$2" "$1"
}

tap_comment <<<"limits of memory and CPUs"
f "$(cg cpuset/cpuset.mems cpuset.mems)" --cpuset-mems 0
tap_is "--cpuset-mems" "$status $out" "0 0"
no "a memory node that is not there" 'cpu.mems' run --rm --network none --cpuset-mems 99 box true
f "$(cg memory/memory.swappiness memory.max)" --memory-swappiness 20
if [ "$v" = 2 ]; then
	tap_like "--memory-swappiness: v2 has none" "$status $err" '125 .*swappiness'
else
	tap_is "--memory-swappiness" "$status $out" "0 20"
fi
no "too much of it" '--memory-swappiness: a number' \
	run --rm --network none --memory-swappiness 101 box true
f "$(cg memory/memory.oom_control memory.max) | head -n 1" --oom-kill-disable -m 32m
if [ "$v" = 2 ]; then
	tap_like "--oom-kill-disable: v2 cannot" "$status $err" '125 .*(OOM|oom)'
else
	tap_is "--oom-kill-disable" "$status $out" "0 oom_kill_disable 1"
fi
f "$(cg cpu/cpu.cfs_quota_us cpu.max); $(cg cpu/cpu.cfs_period_us cpu.max); $(cg cpu/cpu.shares cpu.weight)" \
	--cpu-quota 20000 --cpu-period 40000 --cpu-shares 512
if [ "$v" = 2 ]; then
	tap_is "--cpu-quota, --cpu-period, --cpu-shares" "${out%%$'\n'*} ${out##*$'\n'}" "20000 40000 59"
else
	tap_is "--cpu-quota, --cpu-period, --cpu-shares" "$out" $'20000\n40000\n512'
fi
up lim
c update --cpuset-cpus 0 --cpuset-mems 0 -c 512 --memory-reservation 30m -m 64m --memory-swap 70m \
	--pids-limit 77 lim
tap_is "update" "$status $out" "0 lim"
c exec lim sh -c "$(cg cpuset/cpuset.mems cpuset.mems); $(cg cpuset/cpuset.cpus cpuset.cpus)
	$(cg cpu/cpu.shares cpu.weight); $(cg memory/memory.soft_limit_in_bytes memory.low)
	$(cg memory/memory.memsw.limit_in_bytes memory.swap.max); $(cg pids/pids.max pids.max)"
if [ "$v" = 2 ]; then
	want='0 0 59 31457280 6291456 77'
else
	want='0 0 512 31457280 73400320 77'
fi
tap_is "it has them at once" "$(tr '\n' ' ' <<<"$out")" "$want "
get lim '{{.HostConfig.CpusetMems}} {{.HostConfig.MemoryReservation}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}'
tap_is "and keeps them" "$out" "0 31457280 73400320 77"
no "a node that is not there" 'cpu.mems' update --cpuset-mems 99 lim
no "no rate" 'write DEVICE:BYTES' update --device-read-bps /dev/null lim
no "no number" 'write DEVICE:BYTES' update --device-write-bps /dev/null:x lim
no "no disk" 'no block device' update --device-write-iops /dev/null:9 lim
no "no such disk" 'no such file' update --device-read-iops /dev/none-such:9 lim
no "no weight" 'write DEVICE' update --blkio-weight-device x lim
get lim '{{.HostConfig.CpusetMems}}'
tap_is "what was refused is not kept" "$out" 0

tap_comment <<<"block I/O"
f "$(cg blkio/blkio.bfq.weight io.weight)" --blkio-weight 300
effect "--blkio-weight" '300|2930' blockIO.weight
no "too small" '--blkio-weight: a number' run --rm --network none --blkio-weight 9 box true
c update --blkio-weight 500 lim
if [ "$status" = 0 ]; then
	get lim '{{.HostConfig.BlkioWeight}}'
	tap_is "update --blkio-weight" "$out" 500
else
	tap_like "update --blkio-weight: the host cannot, and says which" "$err" 'blockIO.weight|io.*weight'
fi
disk=$(find /dev -maxdepth 1 -type b \( -name 'vd?' -o -name 'sd?' -o -name 'loop0' \) | head -n 1)
if [ -n "$disk" ]; then
	nr=$(printf '%d:%d' "0x$(stat -c %t "$disk")" "0x$(stat -c %T "$disk")")
	f "$(cg blkio/blkio.bfq.weight_device io.bfq.weight)" --blkio-weight-device "$disk:300"
	effect "--blkio-weight-device" "$nr 300" blockIO.weightDevice
	for o in read-bps write-bps read-iops write-iops; do
		k=${o%-*} k=${k:0:1}${o#*-}
		file=blkio.throttle.${o/-/_}_device
		f "$(cg "blkio/$file" io.max)" "--device-$o" "$disk:1000"
		effect "--device-$o" "^$nr (.*$k=)?1000( |\$)" blockIO.throttle
	done
	up throttled
	for o in read-bps write-bps read-iops write-iops; do
		k=${o%-*} k=${k:0:1}${o#*-}
		file=blkio.throttle.${o/-/_}_device
		c update "--device-$o" "$disk:3000" throttled
		[ "$status" != 0 ] || c exec throttled sh -c "$(cg "blkio/$file" io.max)"
		effect "update --device-$o" "^$nr (.*$k=)?3000( |\$)" blockIO.throttle
	done
	c update --device-read-bps "$disk:0" throttled
	[ "$status" != 0 ] || c exec throttled sh -c "$(cg blkio/blkio.throttle.read_bps_device io.max)"
	effect "update: 0 is no limit" '^($|.*rbps=max)' blockIO.throttle
	c update --blkio-weight-device "$disk:400" throttled
	[ "$status" != 0 ] || c exec throttled sh -c "$(cg blkio/blkio.bfq.weight_device io.bfq.weight)"
	effect "update --blkio-weight-device" "$nr 400" blockIO.weightDevice
	no "update: not that much" '10 to 1000' update --blkio-weight-device "$disk:2000" throttled
	c rm -f throttled
	f true --device-read-bps "$disk:1mb" --device-read-iops "$disk:9" --device-write-bps "$disk:1m" \
		--device-write-iops "$disk:9"
	effect "all of them" '^$' blockIO.throttle
else
	tap_skip "limits of a device" "no block device here"
fi
no "no block device" 'no block device' run --rm --network none --device-read-bps /dev/null:1m box true
no "no rate" 'write DEVICE:BYTES' run --rm --network none --device-write-bps /dev/null box true

tap_comment <<<"networks"
if command -v nft >/dev/null && command -v dnsmasq >/dev/null; then
	c network create --subnet 10.99.0.0/24 --subnet fd99::/64 one
	c network create --subnet 10.98.0.0/24 --subnet fd98::/64 two
	c run -d --name srv --network one --expose 81/udp -P --mac-address 02:00:00:00:00:77 \
		--ip 10.99.0.77 --ip6 fd99::77 --network-alias other box httpd -f -h /www
	tap_is "run" "$status $err" "0 "
	get srv '{{.NetworkSettings.MacAddress}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.GlobalIPv6Address}}'
	tap_is "--mac-address, --ip, --ip6" "$out" "02:00:00:00:00:77 10.99.0.77 fd99::77"
	c exec srv cat /sys/class/net/eth0/address
	tap_is "inside, too" "$out" 02:00:00:00:00:77
	c port srv
	tap_like "--expose with -P: published" "$out" '81/udp -> 0.0.0.0:[0-9]+'
	c run --rm --network one box wget -q -O - http://other/
	tap_is "--network-alias" "$out" page
	no "no MAC address" 'MAC|mac' run --rm --mac-address 02:zz box true
	no "an address of another network" 'cannot be had' run --rm --network one --ip 192.0.2.7 box true
	no "--ip6 without a network" 'takes no --ip' run --rm --network none --ip6 fd00::1 box true
	c network connect --ip 10.98.0.9 --ip6 fd98::9 --mac 02:00:00:00:00:99 --ifname lan \
		--name known --format json two srv
	tap_is "network connect --format" "$status $err $(jq -r .ifname <<<"$out")" "0  lan"
	c exec srv ip addr show dev lan
	tap_like "--ip, --ip6, --mac, --ifname" "$(tr '\n' ' ' <<<"$out")" \
		'02:00:00:00:00:99.*10.98.0.9/24.*fd98::9/64'
	c run --rm --network two box wget -q -O - http://known/
	tap_is "--name" "$out" page
	c network disconnect --force two srv
	tap_is "network disconnect --force" "$status" 0
	c exec srv ip link show dev lan
	tap_check "the link is gone" test "$status" != 0
	c create --name cnet -p 127.0.0.1:8099:80 box httpd -f -h /www
	c start cnet
	c port cnet
	tap_is "create --publish" "$out" "80/tcp -> 127.0.0.1:8099"
	c rm -f srv cnet
	c network rm one two
else
	tap_skip "networks" "nft or dnsmasq is not installed"
fi

tap_comment <<<"volumes"
mkdir -p "$it_tmp/host"
up vols -v shared:/data -v "$it_tmp/host:/host" --tmpfs /scratch
f 'echo x >/data/x; echo x >/host/x; ls -d /data /host /scratch' --volumes-from vols
tap_is "--volumes-from" "$out $(<"$it_tmp/host/x")" $'/data\n/host x'
f 'touch /data/y; touch /host/y' --volumes-from vols:ro
tap_like "--volumes-from NAME:ro" "$err" '/data/y: Read-only.*/host/y: Read-only'
f 'ls /data' --volumes-from vols -v other:/data:nocopy
tap_is "its own comes first" "$out" ""
no "volumes of none" 'no such container' run --rm --volumes-from nobody box true
no "no such way" ':ro or :rw' run --rm --volumes-from vols:x box true
c volume create --driver local --label kind=test --name named
tap_is "volume create --name --driver --label" "$status $out" "0 named"
no "another driver" 'driver' volume create --driver nfs x
c volume inspect --format '{{.Name}} {{.Driver}} {{.Labels.kind}}' named
tap_is "volume inspect --format" "$out" "named local test"
c volume inspect nobody
tap_is "volume inspect of none: 125" "$status" 125
c volume ls --noheading --filter label=kind=test --format 'table {{.Name}}'
tap_is "volume ls --noheading --filter --format" "$out" named
c volume rm --force named nobody
tap_is "volume rm --force" "$status" 0
c volume rm nobody
tap_is "without: 125" "$status" 125
c create --name anon -v /anon box
c rm -v anon
c volume ls -q
tap_is "rm -v: with its anonymous volume" "$(sort <<<"$out")" $'other\nshared'
c create --name anon -v /anon box
c rm anon
c volume prune --force
c volume ls -q
tap_is "volume prune: anonymous ones" "$(sort <<<"$out")" $'other\nshared'
c volume create --label keep=yes kept
c volume prune --all --force --filter 'label!=keep'
c volume ls -q
tap_is "volume prune --all --filter: what nobody uses" "$(sort <<<"$out")" $'kept\nshared'

tap_comment <<<"stopping and signals"
up slow --stop-timeout 1 --stop-signal HUP
c stop slow
get slow '{{.State.ExitCode}} {{.Config.StopTimeout}} {{.Config.StopSignal}}'
tap_is "--stop-timeout, --stop-signal" "$out" "6 1 HUP"
c create --name patient --network none --stop-timeout -1 box true
get patient '{{.Config.StopTimeout}}'
tap_is "--stop-timeout -1: never killed" "$status $out" "0 -1"
c rm patient
c run -d --name deaf --network none --stop-timeout 1 box sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
it_wait 60 said_ready deaf
SECONDS=0
c stop deaf
get deaf '{{.State.ExitCode}}'
tap_is "KILL after --stop-timeout" "$out" 137
tap_check "not after ten seconds" test "$SECONDS" -lt 10 -o -n "${CAISSON_LAB-}"
up sig
c stop --signal HUP sig
get sig '{{.State.ExitCode}}'
tap_is "stop --signal" "$out" 6
c start sig
it_wait 60 eval '[ "$(caisson logs sig | grep -c ready)" = 2 ]'
c restart --signal HUP sig
tap_is "restart --signal" "$status $out" "0 sig"
c events --since 1h --until 0s --filter event=die --filter container=sig --format '{{.Actor.Attributes.exitCode}}'
tap_is "it ended by that" "$(tail -n 1 <<<"$out")" 6
no "no such signal" 'signal' stop --signal FROB sig
it_wait 60 eval '[ "$(caisson logs sig | grep -c ready)" = 3 ]'
c kill --signal HUP sig
c wait sig
tap_is "kill --signal" "$out" 6
c stop --ignore nobody
tap_is "stop --ignore" "$status" 0
c restart --ignore nobody
tap_is "restart --ignore" "$status" 0
c rm --ignore nobody
tap_is "rm --ignore" "$status" 0
no "without" 'no such container' rm nobody
c pause --all
c ps -q --filter status=paused
tap_is "pause --all" "$(wc -l <<<"$out")" 2
c unpause --all
c ps -q --filter status=paused
tap_is "unpause --all" "$out" ""
c restart --all -t 0
tap_is "restart --all" "$status" 0
c ps -a --filter status=exited
tap_is "all run" "$(wc -l <<<"$out")" 1
c kill --all
tap_is "kill --all" "$status" 0
it_wait 60 eval '[ -z "$(caisson ps -q)" ]'
c ps -q
tap_is "none runs" "$out" ""
c start vols
c stop --all -t 0
c ps -q
tap_is "stop --all" "$status $out" "0 "
c run --name limited --timeout 1 --network none box sleep 60
tap_is "--timeout: killed" "$status" 137
c run --rm --network none --sig-proxy=false box echo there
tap_is "--sig-proxy" "$status $out" "0 there"
no "no such value" 'sig-proxy' run --rm --sig-proxy=perhaps box true


tap_comment <<<"logs of several"
c run --name log1 --network none box sh -c 'echo one; printf two'
c run --name log2 --network none box sh -c 'echo three; echo four >&2'
c logs log1 log2
tap_is "logs: one after the other" "$status $out $err" $'0 one\ntwothree four'
c logs --names --tail 1 log2 log1
tap_is "--names, --tail of each" "$status $out $err" "0 log1 two log2 four"
c logs --names -t --details log1
tap_like "--names with -t; --details has nothing to add" "$out" \
	$'^log1 20[^ ]*Z one\nlog1 20[^ ]*Z two$'
c logs log1 nobody
tap_is "one that is not there: nothing is printed" "$status $out" "125 "
no "--boot of two" 'one container' logs --boot log1 log2
up log3
timeout 60 "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" logs -f --names log1 log3 >"$it_tmp/both" &
both=$!
it_wait 60 eval '[ "$(sort "$it_tmp/both")" = "$(printf "log1 one\nlog1 two\nlog3 ready")" ]'
tap_is "-f of two: both" "$?" 0
c rm -f log3
wait $both
tap_is "until the last ends" "$? $(sort "$it_tmp/both" | paste -s)" $'0 log1 one\tlog1 two\tlog3 ready'

tap_comment <<<"YAML"
if python3 -c 'import yaml' 2>/dev/null; then
	c create --name yaml --label 'odd=a: b # c' --label $'lines=1\n2' --label yes=no --label 'é="☃"' \
		--network none -v shared:/data -e 'EMPTY=' box
	same() # NAME COMMAND...: as YAML it is what it is as JSON
	{
		local name=$1 json same=

		shift
		# "5 seconds ago" may be another a moment later
		for _ in 1 2 3 4 5; do
			json=$(caisson "$@" --format json)
			same=$(caisson "$@" --format yaml | python3 -c '
import json, sys, yaml
print(yaml.safe_load(sys.stdin) == json.loads(sys.argv[1]) != [])' "$json")
			[ "$same" != True ] || break
		done
		tap_is "$name" "$same" True
	}
	same "inspect" inspect yaml
	same "ps" ps -a --no-trunc --filter status=created
	same "images" images
	same "volume inspect" volume inspect shared
	c ps -a --filter name=none-such --format yaml
	tap_is "nothing is an empty list" "$status $out" "0 []"
	c rm yaml
else
	tap_skip "--format yaml" "python3 has no yaml"
fi
no "no such format" 'json, jsonl, yaml' ps --format xml

tap_comment <<<"addresses that are taken"
c run -d --name leased --network default box sh -c "$forever"
get leased '{{.NetworkSettings.IPAddress}}/{{.NetworkSettings.IPPrefixLen}} {{.NetworkSettings.MacAddress}} {{.Id}}'
want=$out
c network leases default --format '{{.IPv4}} {{.MacAddress}} {{.ID}}' --no-trunc
tap_is "network leases" "$status $(grep "${want##* }" <<<"$out")" "0 $want"
c network leases -f json default
tap_is "as JSON" "$(jq -r '.[] | select(.Name == "leased") | "\(.IPv4) \(.MacAddress) \(.ID)"' <<<"$out")" "$want"
c rm -f leased
c network leases default
tap_is "it is given back" "$status $(grep -c leased <<<"$out")" "0 0"
no "no such network" 'none-such' network leases none-such

tap_comment <<<"a dry run"
all() # what there is of containers, volumes, networks, and below the state
{
	find "$it_tmp/lib/containers" "$it_tmp/lib/volumes" "$it_tmp/lib/networks" "$it_tmp/run" 2>/dev/null | sort
}
c ps # makes the store's own folders
before=$(all)
dry=(--name dry -v fresh:/data -v "$it_tmp:/host:ro" --tmpfs /scratch -e E=1 -u user -w /tmp --memory 64m
	-p 127.0.0.1:8098:80 --network-alias x --cidfile "$it_tmp/cid.dry" --pidfile "$it_tmp/pid.dry")
c run -it --dry-run "${dry[@]}" box cat /etc/passwd
tap_is "run --dry-run" "$status $err" "0 "
tap_is "who it would be" "$(jq -r '"\(.Name) \(.Image) \(.Kind) \(.Id | length)"' <<<"$out")" "dry box container 64"
tap_is "its mounts and networks" "$(jq -c '[.Mounts[] | .Type, .Destination, .RW], [.Networks[] | .Name, .Aliases[]], .Ports' \
	<<<"$out")" '["volume","/data",true,"bind","/host",false,"tmpfs","/scratch",true]
["default","x"]
["127.0.0.1:8098:80"]'
tap_is "the runtime's config: process" "$(jq -c '.Config.process | .args, .cwd, .user.uid, (.env | index("E=1") != null)' \
	<<<"$out" | paste -s -d ' ')" "[\"cat\",\"/etc/passwd\"] \"/tmp\" $(awk -F: '$1 == "user" { print $3 }' "$it_tmp/rootfs/etc/passwd") true"
tap_is "and limits, and where the volume will be" "$(jq -r '.Config.linux.resources.memory.limit,
	(.Config.mounts[] | select(.destination == "/data").source)' <<<"$out")" "67108864
$(realpath "$it_tmp/lib")/volumes/fresh/_data"
tap_is "nothing was made" "$(all)$(ls "$it_tmp"/*.dry 2>/dev/null)" "$before"
c create --dry-run --name dry --replace box
tap_is "create --dry-run" "$status $(jq -r .Name <<<"$out")" "0 dry"
c create --name real "${dry[@]:2}" -it box cat /etc/passwd
c create --dry-run --replace --name real --network none box
tap_is "--replace removes nothing then" "$status $(caisson ps -aq --filter name=real | wc -l)" "0 1"
no "a name that is taken" 'name real is taken' run --dry-run --name real box
no "an image that is not there" 'none-such' run --dry-run --pull always none-such
no "what run refuses" 'memory' run --dry-run -m 1k box
no "a user that is not there" 'nobody-here' run --dry-run -u nobody-here box
# what a start makes is what was told: but for the id, and what begins with it
c run -d --name real2 --network none --replace -e E=1 -u user box sh -c "$forever"
real=$(caisson inspect -f '{{.Id}}' real2)
plain() # ID: config.json without it
{
	sed "s/$1/ID/g; s/${1:0:12}/ID/g" | jq -S .
}
jq . "$it_tmp/run/containers/$real/config.json" | plain "$real" >"$it_tmp/config.real"
c run -d --dry-run --name real2 --network none --replace -e E=1 -u user box sh -c "$forever"
jq .Config <<<"$out" | plain "$(jq -r .Id <<<"$out")" >"$it_tmp/config.dry"
tap_empty "the config is that of a start" "$(diff "$it_tmp/config.real" "$it_tmp/config.dry")"
c rm -f real real2

tap_comment <<<"those that pass a filter, instead of names"
for i in 1 2 3; do
	c create --name "many$i" --label many --label "n=$i" --network none box sh -c "$forever"
done
many() # STATUS: how many of them are so
{
	caisson ps -aq --filter label=many --filter "status=$1" | wc -l
}
c start --filter label=many --filter label=n=1
tap_is "start --filter: labels must all be met" "$status $(many running)" "0 1"
c start -f label=many
tap_is "prints the ids of those it started" "$status $(grep -cE '^[0-9a-f]{64}$' <<<"$out") $(many running)" "0 3 3"
c pause --filter name=many1 --filter name=many2
tap_is "pause --filter: names are alternatives" "$status $(many paused)" "0 2"
c unpause --filter status=paused
tap_is "unpause --filter" "$status $(many paused)" "0 0"
c kill --filter name=many1
c wait many1
tap_is "kill --filter" "$status $out $(many running)" "0 137 2"
c restart -t 0 --filter 'label!=n=3' --filter label=many
tap_is "restart --filter label!=" "$status $(many running)" "0 3"
c stop -t 0 --filter label=many
tap_is "stop --filter" "$status $(many exited)" "0 3"
c rm --filter label=none-such
tap_is "rm --filter: none passes" "$status $out" "0 "
c rm --filter label=many --filter until=1h
tap_is "until: they are younger" "$status $out $(many exited)" "0  3"
c ps -aq --filter kind=vm
tap_is "kind: none is a machine" "$status $out" "0 "
c rm --filter kind=container --filter name=many
tap_is "rm --filter" "$status $(wc -l <<<"$out") $(many exited)" "0 3 0"
no "a kind that is none" 'not container or vm' ps -a --filter kind=pod
no "a filter that is none" 'is not KEY=VALUE' rm --filter many
no "a filter with names" 'exclude each other' stop --filter label=many vols
no "start -a with one" 'not with' start -a --filter label=many
no "neither" 'container is missing' restart

tap_comment <<<"waiting for a state"
c create --name early --rm --network none box sh -c 'sleep 1; exit 5'
c wait --condition created early
tap_is "created, as it is" "$status $out" "0 -1"
caisson wait --condition=paused,running --interval 20ms early >"$it_tmp/state" &
running=$!
caisson wait --condition exited -i 20ms early >"$it_tmp/end" &
ended=$!
caisson wait --condition removed -i 50ms early >"$it_tmp/gone" &
gone=$!
c start early
wait $running
tap_is "running, or paused" "$? $(<"$it_tmp/state")" "0 -1"
wait $ended
tap_is "exited: its status, though it goes with its end" "$? $(<"$it_tmp/end")" "0 5"
wait $gone
tap_is "removed" "$? $(<"$it_tmp/gone")" "0 5"
c wait --condition exited --condition stopped limited
tap_is "it has ended already" "$status $out" "0 137"
no "a condition that is none" 'condition: "healthy" is not' wait --condition healthy limited
no "no time" 'interval' wait --condition running --interval 0 limited

tap_comment <<<"ps, again and again"
"$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" ps -a --filter name=limited --format '{{.Names}}' \
	--watch 1 >"$it_tmp/watch" &
watch=$!
it_wait 60 eval '[ "$(wc -l <"$it_tmp/watch")" -gt 1 ]'
kill $watch
wait $watch
tap_is "ps --watch: until a signal" "$? $(sort -u "$it_tmp/watch")" "143 limited"
if command -v script >/dev/null; then
	timeout 20 script -qec "$CAISSON --root $it_tmp/lib --state $it_tmp/run ps -a -w 1 --format table" /dev/null \
		>"$it_tmp/screen" 2>&1 </dev/null &
	watch=$!
	it_wait 60 eval '[ "$(grep -c "CONTAINER ID" "$it_tmp/screen")" -gt 1 ]'
	kill $watch
	wait $watch
	tap_is "a terminal is cleared each time" "$(grep "CONTAINER ID" "$it_tmp/screen" | cut -c 1-12 | sort -u)" \
		$'\e[H\e[JCONTAI'
else
	tap_skip "ps --watch on a terminal" "there is no script(1)"
fi
no "no seconds" 'watch' ps --watch 0

tap_comment <<<"attaching"
f 'echo to-out; echo to-err >&2' --attach stdout
tap_is "--attach stdout" "$status $out $err" "0 to-out "
f 'echo to-out; echo to-err >&2' -a stderr
tap_is "-a stderr" "$status $out $err" "0  to-err"
no "no such stream" 'stdin, stdout or stderr' run --rm -a frob box true
no "-a with -d" 'exclude each other' run -d -a stdout box true
c create --attach stdout --attach stderr --interactive --name ci --network none box cat
tap_is "create --attach --interactive" "$status" 0
echo from-stdin | caisson start --interactive ci >"$it_tmp/ci"
tap_is "start --interactive" "$? $(<"$it_tmp/ci")" "0 from-stdin"
c create --name later --network none box echo later
c start --attach --sig-proxy=false --detach-keys ctrl-x later
tap_is "start --attach --sig-proxy --detach-keys" "$status $out" "0 later"
no "bad keys" 'detach' start --attach --detach-keys x,yz later
no "bad keys of run" 'detach' run --rm --detach-keys x,yz box true
up at
c attach --no-stdin --sig-proxy=perhaps at
tap_is "attach --sig-proxy" "$status" 125
printf 'A=file\n' >"$it_tmp/env"
c exec --env-file "$it_tmp/env" at sh -c 'echo $A'
tap_is "exec --env-file" "$out" file
c exec --privileged at grep CapEff /proc/self/status
privileged=$out
c run --rm --network none --privileged box grep CapEff /proc/self/status
tap_is "exec --privileged: all that there are" "$privileged" "$out"

tap_comment <<<"what is shown"
c ps --noheading --format 'table {{.Names}}'
tap_is "ps --noheading" "$out" at
c ps --last 2 --format '{{.Names}}'
tap_is "ps --last" "$out" $'at\nlater'
c ps --latest -q
tap_like "ps --latest" "$out" '^[0-9a-f]{12}$'
c inspect --type container -f '{{.Name}}' at
tap_is "inspect --type container" "$out" at
# its effect is seen at the end of this file: longer than any default
c run -d --name patient --network none --stop-timeout -1 box \
	sh -c 'trap "" TERM; echo ready; until [ -e /go ]; do sleep 0.1; done; exit 7'
it_wait 60 said_ready patient
caisson stop patient >/dev/null 2>&1 &
patient=$! patient_s=$(date +%s)
c inspect --type image -f '{{index .RepoTags 0}}' box
tap_is "inspect --type image" "$out" localhost/box:latest
no "an image's name for a container" 'no such container' inspect --type container box
no "a container's for an image" 'not here' inspect --type image at
no "neither" 'not container or image' inspect --type frob at
c stats --no-stream --no-trunc --all --interval 1 --format '{{.ID}} {{.Name}}'
tap_like "stats --all --no-trunc" "$out" '[0-9a-f]{64} (deaf|slow)'
c history --human --no-trunc box
tap_like "history --human --no-trunc" "$status $out" '^0 IMAGE .*sha256:[0-9a-f]{64} .*imported'
c history --quiet box
tap_like "history --quiet" "$out" '^[0-9a-f]{12}$'
c images --all --noheading
tap_like "images --all --noheading" "$(wc -l <<<"$out") $out" '^1 localhost/box +latest'
c version
tap_like "version" "$status $out" '^0 caisson version [0-9]'
c --version
tap_like "--version" "$status $out" '^0 caisson version [0-9]'
c help ps
tap_like "help" "$status $out" '^0 caisson ps: .*--noheading'
c --help
tap_like "--help" "$status $out" '^0 caisson: .*--state DIR'
c ps --help
tap_like "a command's --help" "$status $out" '^0 caisson ps: '
c --debug ps -q
tap_is "--debug" "$status" 0

tap_comment <<<"images"
c import --quiet --platform linux/arm64 --message why "$it_tmp/rootfs" foreign
tap_is "import --quiet --platform" "$status" 0
c image inspect -f '{{.Architecture}}' foreign
tap_is "is what it says" "$out" arm64
no "another platform than is here" 'is here for linux/amd64, and not for linux/arm64' \
	run --rm --pull never --platform linux/arm64 --network none box true
c save --multi-image-archive --quiet -o "$it_tmp/two.tar" box foreign
tap_is "save --multi-image-archive --quiet" "$status $(tar -xOf "$it_tmp/two.tar" manifest.json |
	jq length)" "0 2"
c rmi --no-prune foreign
tap_is "rmi --no-prune" "$status" 0
c save -o "$it_tmp/one.tar" box
c load --name renamed:1 -i "$it_tmp/one.tar"
tap_like "load --name" "$status $out" '^0 .*renamed:1'
c rmi --ignore renamed:1 nothing:1
tap_is "rmi --ignore" "$status" 0
no "without" 'not here|no such' rmi nothing:1
tap_comment <<<"images, by docker's longer names"
c image tag box twin:1
c image ls --noheading --format '{{.Repository}}' twin
tap_is "image tag, image ls" "$out" localhost/twin
c image untag box twin:1
c image ls -q twin
tap_is "image untag" "$out" ""
c image history -q box
tap_like "image history" "$out" '^[0-9a-f]{12}$'
c image import -q "$it_tmp/rootfs" imported
tap_is "image import" "$status" 0
c image save -o "$it_tmp/imported.tar" imported
c image rm imported
tap_is "image save, image rm" "$status" 0
c image load -q -i "$it_tmp/imported.tar"
tap_like "image load" "$status $out" '^0 sha256:[0-9a-f]{64}$'
c image prune --force --all --filter 'label=none=such'
tap_is "image prune --filter" "$status $out" "0 Total reclaimed space: 0B"
c commit --quiet at committed
tap_like "commit --quiet" "$status $out" '^0 (sha256:)?[0-9a-f]{64}$'
echo x >"$it_tmp/copied"
c cp --quiet "$it_tmp/copied" at:/copied
tap_is "cp --quiet" "$status $out$err" "0 "

tap_comment <<<"create: the same options as run's"
echo l2=file >"$it_tmp/labels"
c create --name all --add-host a:192.0.2.1 --annotation n=1 --blkio-weight 300 --cap-add NET_RAW \
	--cap-drop ALL --cgroup-parent "/$it_cg" --cgroupns private --cidfile "$it_tmp/cid" \
	--cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0 --cpu-period 40000 --cpu-quota 20000 \
	--device /dev/null:/dev/mine --device-cgroup-rule 'c 10:200 rm' --dns 192.0.2.53 --dns-option ndots:3 \
	--dns-search x.example --domainname example --entrypoint sh -e E=1 --env-file "$it_tmp/env" \
	--expose 81 --group-add 7 -h web --ipc private --isolation container \
	-l l1=x --label-file "$it_tmp/labels" --log-driver k8s-file --log-opt max-size=1m -m 64m \
	--memory-reservation 32m --memory-swap 80m --network none --oom-score-adj 300 --pid private \
	--pids-limit 50 --platform linux/amd64 --progress none --pull never --quiet --read-only \
	--restart on-failure:2 --security-opt no-new-privileges --shm-size 3m --stop-signal USR1 \
	--stop-timeout 3 --sysctl kernel.shmmni=99 --timeout 50 --tmpfs /t --ulimit nofile=100:200 \
	--umask 0027 -u user:staff --uts private --volumes-from vols -w /made box \
	-c 'id -u; pwd; umask; echo $E$A; hostname; ulimit -n; cat /proc/sys/kernel/shmmni
		grep -c "/t tmpfs" /proc/mounts; touch /x 2>&1; ls /data'
tap_is "create" "$status $(<"$it_tmp/cid")$err" "0 $out"
get all '{{.Config.Hostname}} {{.Config.Domainname}} {{.Config.User}} {{.Config.Labels.l1}} {{.Config.Labels.l2}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.HostConfig.BlkioWeight}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}} {{.HostConfig.Memory}} {{.HostConfig.CgroupParent}} {{.Isolation}}'
tap_is "inspect knows them" "$out" \
	"web example user:staff x file USR1 3 300 on-failure k8s-file 67108864 /$it_cg container"
no "an id file that is there" '--cidfile' create --cidfile "$it_tmp/cid" box
c create --replace --name all --network none --init -t --privileged --userns host --rm box tty
tap_is "create --replace --init --tty --privileged --userns --rm" "$status" 0
get all '{{.Config.Tty}} {{.HostConfig.Init}} {{.HostConfig.Privileged}} {{.HostConfig.AutoRemove}}'
tap_is "the new one has the name" "$out" "true true true true"
c create --name plain --add-host a:192.0.2.1 --annotation n=1 --cpus 0.5 --cap-add NET_RAW --cap-drop ALL \
	--cgroup-parent "/$it_cg" -h web --dns 192.0.2.53 --dns-search x.example -e E=1 -u user:staff \
	--group-add 7 --network none --read-only --security-opt no-new-privileges --shm-size 3m \
	--sysctl kernel.shmmni=99 --tmpfs /t --ulimit nofile=100:200 --umask 0027 --volumes-from vols \
	--oom-score-adj 300 -w /made --entrypoint sh box -c 'id -u; id -G; pwd; umask; echo $E; hostname
	ulimit -n; cat /proc/sys/kernel/shmmni; grep -c "/t tmpfs" /proc/mounts; touch /x 2>&1; ls /data'
c start -a plain
tap_is "start: as with run" "$status $(tr '\n' ' ' <<<"$out")" \
	"0 1000 50 7 /made 0027 1 web 100 99 1 touch: /x: Read-only file system seed x "
c create --name net --ip 10.88.0.78 --ip6 fd00::1 --mac-address 02:00:00:00:00:78 --network-alias x -P \
	--memory-swappiness 20 --oom-kill-disable box
tap_is "create --ip --ip6 --mac-address --network-alias -P" "$status" 0
get net '{{.HostConfig.PublishAllPorts}} {{.HostConfig.OomKillDisable}}'
tap_is "inspect knows them, too" "$out" "true true"
if [ -n "$disk" ]; then
	c create --name io --network none --blkio-weight-device "$disk:300" --device-read-bps "$disk:1m" \
		--device-read-iops "$disk:9" --device-write-bps "$disk:1m" --device-write-iops "$disk:9" box
	tap_is "create with limits of a device" "$status" 0
fi
no "a bad limit is told at once" 'DEVICE:' create --device-read-bps x box
if unshare -U true 2>/dev/null; then
	c create --name mapped --network none --uidmap 0:100000:65536 --gidmap 0:200000:65536 box
	tap_is "create --uidmap --gidmap" "$status" 0
	chmod 711 "$it_tmp"
	f 'cat /proc/self/gid_map' --uidmap 0:100000:65536 --gidmap 0:200000:65536
	if [[ $err = *"cannot"* || $err = *"map the ids"* ]]; then
		tap_skip "run --gidmap" "${err##*: }"
	else
		tap_is "run --gidmap" "$(tr -s ' ' <<<"$out")" " 0 200000 65536"
	fi
fi
no "both walls" 'one or the other' create --vm --isolation container box
no "no such wall" 'not "container" or "vm"' run --isolation cage box true
f 'cat /proc/self/cgroup' --cgroupns host --userns host --cidfile "$it_tmp/cid2" --progress plain
tap_like "--cgroupns host: sees the host's path; --cidfile" "$out" "/caisson/$(<"$it_tmp/cid2")"

tap_comment <<<"a file with its pid"
echo old >"$it_tmp/pid"
(cd "$it_tmp" && caisson create --name pf --pidfile pid --network none box sh -c "$forever") >/dev/null
tap_is "create --pidfile: nothing is written yet" "$(<"$it_tmp/pid")" old
c start pf
get pf '{{.State.Pid}} {{.PidFile}}'
tap_is "start writes it; inspect has both" "$(<"$it_tmp/pid") $(realpath "$it_tmp")/pid" "$out"
tap_is "no line end, for all to read" "$(stat -c '%s %a' "$it_tmp/pid")" "$(printf %s "${out%% *}" | wc -c) 644"
c restart -t 0 pf
get pf '{{.State.Pid}}'
tap_is "restart writes the new one" "$(<"$it_tmp/pid")" "$out"
echo mine >"$it_tmp/pid"
c stop -t 0 pf
tap_is "a file that has something else by then stays" "$(<"$it_tmp/pid")" mine
c start pf
c rm -f pf
tap_is "rm: it is gone" "$status $([ -e "$it_tmp/pid" ] && echo there)" "0 "
f 'echo run' --pidfile "$it_tmp/pid"
tap_is "run --rm --pidfile: gone with its end" "$status $out $([ -e "$it_tmp/pid" ] && echo there)" "0 run "
no "no such folder" '--pidfile: .*no such file' run --pidfile "$it_tmp/none/pid" box true
no "a folder instead of a file" '--pidfile: .*is no file' create --pidfile "$it_tmp" box

c run --replace --name all --network none --label-file "$it_tmp/labels" --annotation n=1 box echo new
tap_is "run --replace" "$status $out" "0 new"
c run --rm --platform linux/amd64 --network none box echo here
tap_is "--platform" "$status $out" "0 here"
it_wait 60 sh -c "[ \$(( \$(date +%s) - $patient_s )) -gt 11 ]"
get patient '{{.State.Status}}'
tap_is "--stop-timeout -1: it is waited for" "$out $(kill -0 $patient && echo waits)" "running waits"
c exec patient touch /go
wait $patient
tap_is "until it ends" "$?" 0
get patient '{{.State.Status}} {{.State.ExitCode}}'
tap_is "as it likes" "$out" "exited 7"
eng_done
