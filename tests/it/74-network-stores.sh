#!/bin/bash
# Two stores (--root) in one host: neither takes what is the other's, and what both cannot have is
# refused with a word of the other.
. "$(dirname "$0")/netlib.sh"
# shellcheck disable=SC2119
net_host
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
net_tools ip nft nsenter

caisson=${top_builddir:-$it_here/../../build}/caisson
probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$probe" ] || tap_skip_all "no nftables here: $probe"

try() # STORE COMMAND...; both have their state below one folder, as with --root alone
{
	local store=$1

	shift
	it_try timeout --foreground -k 5 60 "$caisson" --root "$it_tmp/$store" --state "$it_tmp/run" \
		network "$@"
}

attach() # STORE NAME NETWORK [OPTION...]
{
	local store=$1 name=$2 network=$3

	shift 3
	[ -e "$it_tmp/ns/$name" ] || ns_add "$name"
	try "$store" attach "$network" --netns "$it_tmp/ns/$name" --format json "$@"
}

field() # JQ-FILTER: of $out
{
	jq -r "$1" <<<"$out"
}

net_neighbour lan 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64
ip route add default via 192.0.2.2
net_serve lan lan tcp:80

attach one a default -p 8080:80
tap_is "the first store" "$status $(field .bridge) $(field .ip4)" "0 caisson0 10.201.0.2/22"
net_serve a a tcp:80
attach two b default -p 8081:80
tap_is "the second has a bridge and addresses of its own" "$status $(field .bridge) $(field .ip4)" \
	"0 caisson1 10.201.4.2/22"
b4=$(field '.ip4 | split("/")[0]')
net_serve b b tcp:80
tables=$(nft list tables | grep -c 'inet caisson-')
tap_is "and a table" "$tables" 2
net_is "ports of the first" lan tcp 192.0.2.1 8080 "a 192.0.2.2"
net_is "ports of the second" lan tcp 192.0.2.1 8081 "b 192.0.2.2"
net_is "members go out" b tcp 192.0.2.2 80 "lan 192.0.2.1"
net_is "no member of one reaches one of the other" a tcp "$b4" 80 timeout
net_is "but a published port" a tcp 192.0.2.1 8081 "b 10.201.4.1"
for p in 8080:80 127.0.0.1:8080:80; do
	attach two c default -p $p
	tap_like "a port of the other store: $p" "$status $err" \
		'^125 .*port 8080/tcp is published by [0-9a-f]{64} of another store .*table inet caisson-'
done
tap_is "nothing is left of that" "$(ns c ip -o link | grep -vc lo:)" 0
attach two c default -p 8080:80/udp
tap_is "by another protocol it can be had" "$status $err" "0 "

try two reload
tap_is "reload of one" "$status" 0
net_is "leaves the other alone" lan tcp 192.0.2.1 8080 "a 192.0.2.2"
try two rm -f default
tap_is "rm of one" "$status $out" "0 default"
net_is "leaves the other alone" lan tcp 192.0.2.1 8080 "a 192.0.2.2"
tap_is "with its bridge" "$(ip -o link | grep -o 'caisson[0-9]*:')" caisson0:

# The second store's network was made when nobody had the bridge or the subnet.
ip link del caisson0
try two create --ipv6=no --subnet 10.201.0.0/22 same
ip link add caisson1 type bridge
try one reload
attach two b same
tap_like "a bridge of somebody else's is not taken" "$status $err" \
	"^125 .*bridge caisson1 is not network same's"
tap_is "nor touched" "$(ip -o addr show dev caisson1 | wc -l)" 0
ip link del caisson1
attach two b same
tap_like "a subnet that another has by now is not taken" "$status $err" \
	'^125 .*subnet 10.201.0.0/22 of network same overlaps 10.201.0.1/22 by now: caisson0 has an address'
ip link add caisson1 type bridge
try two rm same
tap_is "rm of that network" "$status $out" "0 same"
tap_check "leaves somebody else's bridge" ip link show caisson1
net_is "and the other store's ports" lan tcp 192.0.2.1 8080 "a 192.0.2.2"
echo 12345678x >"$it_tmp/two/networks/.id"
try two ls
tap_like "an id that is none" "$status $err" '^125 .*networks/.id is not the id of a store'
try one create --ipv6=no quick
attach one b quick
try one detach quick --netns "$it_tmp/ns/b"
try one rm quick
tap_is "rm right after a detach from a namespace that stays" "$status $out" "0 quick"
try one rm -f default
tap_unlike "with the last network of a store goes its table" "$(nft list tables)" "$(<"$it_tmp/one/networks/.id")"
net_done
