#!/bin/bash
# caisson network killed at its system calls, one after the other: what it leaves is mended or removed
# by the next command. And many at once: no address is given out twice.
# CAISSON_CRASH_STEP=N tries every Nth system call: 1 for all of them, in minutes.
# shellcheck disable=SC2317 # called by name
. "$(dirname "$0")/netlib.sh"
# shellcheck disable=SC2119
net_host
. "$(dirname "$0")/lib.sh"
[ "${SANITIZE-}" != yes ] || tap_skip_all "kills are swept without sanitizers"
net_tools ip nft nsenter

crash=$net_programs/crash
caisson=${top_builddir:-$it_here/../../build}/caisson
report=$it_tmp/report
step=${CAISSON_CRASH_STEP:-37}
[ -z "${CAISSON_LAB-}" ] || step=$((step * 4))
probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$probe" ] || tap_skip_all "no nftables here: $probe"

cmd=("$caisson" --root "$it_tmp/root" --state "$it_tmp/run" network)

net() # COMMAND...
{
	timeout --foreground -k 5 60 "${cmd[@]}" "$@"
}

# Into $left: links, leases, records and published ports that are there.
look()
{
	left=$(
		ip -o link | grep -oE 'c[vt][0-9a-f]{8}'
		nft list table inet "$table" 2>/dev/null | grep -E '^[[:space:]]*(elements = \{ )?(tcp|udp) \.'
		find "$it_tmp/run/networks" -name '*.json' 2>/dev/null
		[ -z "${1-}" ] || net inspect "$1" | jq -r '.[0].members[].owner'
	)
}

clean() # NETWORK
{
	look "$1"
	[ -z "$left" ]
}

# Runs the command, killed at call after call, until it ends by itself; then $after. WHO: itself,
# or its --children.
sweep() # POINT-NAME BEFORE AFTER WHO COMMAND...
{
	local name=$1 before=$2 after=$3 who=$4 n what

	shift 4
	bad=
	n=$((1 + RANDOM % step))
	while [ "$n" -lt 4000 ]; do
		"$before"
		# shellcheck disable=SC2086 # "" is no option
		"$crash" $who "$report" "$n" "${cmd[@]}" "$@" >/dev/null 2>&1 </dev/null
		read -r what _ <"$report"
		"$after"
		[ "$what" = killed ] || break
		n=$((n + step))
	done
	[ "$what" = ended ] || bad+="it never ended"$'\n'
	tap_empty "killed at any call of: $name" "$bad"
}

note() # TEXT
{
	bad+="call $n: $1"$'\n'
}

# The next command is one that looks at the network: it finds either a whole member or none.
after_attach()
{
	local log

	log=$(net inspect lab 2>&1 >/dev/null) || note "inspect: $log"
	if net detach lab --netns "$it_tmp/ns/x" 2>/dev/null; then
		[ "$what" = ended ] || [ "$(ip -o link | grep -c cv)" -le 1 ] ||
			note "more than one link"
	fi
	it_wait 10 clean lab || note "left: $left"
	log=$(net attach lab --netns "$it_tmp/ns/x" -p 8080:80 2>&1 >/dev/null) ||
		note "the next attach: $log"
	net detach lab --netns "$it_tmp/ns/x"
	it_wait 10 clean lab || note "left after all: $left"
}

attached()
{
	net attach lab --netns "$it_tmp/ns/x" -p 8080:80 >/dev/null || note "attach"
}

created()
{
	net create --subnet 10.90.0.0/24 lab2 >/dev/null 2>&1
	net attach lab2 --netns "$it_tmp/ns/x" >/dev/null 2>&1 &&
		net detach lab2 --netns "$it_tmp/ns/x"
}

after_create()
{
	local log

	log=$(net create --subnet 10.90.0.0/24 lab2 2>&1 >/dev/null) ||
		[[ $log = *"exists already"* ]] || note "create: $log"
	log=$(net rm -f lab2 2>&1 >/dev/null) || note "rm: $log"
	after_rm
}

after_rm()
{
	local log

	log=$(net rm -f lab2 2>&1 >/dev/null) || note "rm: $log"
	log=$(net ls -q 2>&1)
	[[ $log != *lab2* ]] || note "it is still there"
	[ ! -e "$it_tmp/root/networks/lab2" ] || note "its folder is left"
	[ ! -e "$it_tmp/run/networks/$id/lab2" ] || note "its folder of the state is left"
	[[ $(nft list table inet "$table") != *10.90.0.* ]] || note "it is in the firewall"
	! ip -o link | grep -q caisson2 || note "its bridge is left"
}

ns_add x
net create --no-dns lab >/dev/null
id=$(cat "$it_tmp/root/networks/.id")
table=caisson-$id
attached
net detach lab --netns "$it_tmp/ns/x"
attach=(attach lab --netns "$it_tmp/ns/x" -p 8080:80)
sweep "attach" true after_attach "" "${attach[@]}"
sweep "detach" attached after_attach "" detach lab --netns "$it_tmp/ns/x"
sweep "what detach leaves behind it" attached after_attach --children \
	detach lab --netns "$it_tmp/ns/x"
sweep "create" true after_create "" create --subnet 10.90.0.0/24 lab2
sweep "rm" created after_rm "" rm -f lab2

# --- many at once --------------------------------------------------------------------------------

n=30 # for each of ten
[ -z "${CAISSON_LAB-}" ] || n=5
for i in $(seq $((10 * n))); do
	: >"$it_tmp/ns/m$i"
	unshare --net="$it_tmp/ns/m$i" true
done
many()
{
	local i

	for i in $(seq $(($1 * n + 1)) $(($1 * n + n))); do
		net attach lab --netns "$it_tmp/ns/m$i" -p "$((20000 + i)):80" --format jsonl || return
	done
}
for i in 0 1 2 3 4 5 6 7 8 9; do
	many "$i" >"$it_tmp/many.$i" 2>"$it_tmp/many.err.$i" &
done
wait
tap_empty "many attach at once: no error" "$(cat "$it_tmp"/many.err.*)"
tap_is "each has an address of its own" \
	"$(cat "$it_tmp"/many.[0-9] | jq -r .ip4 | sort -u | wc -l)" $((10 * n))
tap_is "and of IPv6, and a MAC" \
	"$(cat "$it_tmp"/many.[0-9] | jq -r '.ip6, .mac' | sort -u | wc -l)" $((20 * n))
tap_is "all are members" "$(net inspect lab | jq '.[0].members | length')" $((10 * n))
tap_is "all are published" \
	"$(nft list map inet "$table" dnat4 | grep -o 'tcp \.' | wc -l)" $((10 * n))
net rm -f lab >/dev/null
tap_empty "rm -f leaves nothing of them" "$(ip -o link | grep -oE 'c[vt][0-9a-f]{8}')"
net_done
