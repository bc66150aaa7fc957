#!/bin/bash
# caisson network, in a host of its own: every mode, both families, addresses given out and asked
# for, ports, names in use, members that come and go, what is refused. Namespaces are attached by
# the command line, as a user would.
. "$(dirname "$0")/netlib.sh"
# shellcheck disable=SC2119
net_host
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
net_tools ip nft nsenter python3

caisson=${top_builddir:-$it_here/../../build}/caisson
probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$probe" ] || tap_skip_all "no nftables here: $probe"

net() # COMMAND...: caisson network, with folders of the test's own
{
	timeout --foreground -k 5 60 "$caisson" --root "$it_tmp/root" --state "$it_tmp/run" \
		network "$@"
}

try() # COMMAND...
{
	it_try net "$@"
}

# Attaches namespace NAME (made if it is not there) and leaves the JSON in $out.
attach() # NAME NETWORK [OPTION...]
{
	local name=$1 network=$2

	shift 2
	[ -e "$it_tmp/ns/$name" ] || ns_add "$name"
	try attach "$network" --netns "$it_tmp/ns/$name" --format json "$@"
}

detach() # NAME NETWORK [OPTION...]
{
	local name=$1 network=$2

	shift 2
	try detach "$network" --netns "$it_tmp/ns/$name" "$@"
}

field() # JQ-FILTER: of $out
{
	jq -r "$1" <<<"$out"
}

in_the_way() # what $err says is in the way, but for what is so on many a machine
{
	grep -v bridge-nf-call <<<"$err"
}

members() # NETWORK
{
	net inspect "$1" | jq '.[0].members | length'
}

# shellcheck disable=SC2317 # called by tap_check
no_link() # NAME
{
	! ip link show "$1" >/dev/null 2>&1
}

# Nothing answers at 192.0.2.2 and up; the neighbour routes nothing back but to the host.
net_neighbour lan 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64
ip route add default via 192.0.2.2
net_serve lan lan tcp:80

# --- the default network -------------------------------------------------------------------------

echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
try create off
tap_is "where new links have no IPv6, a network has none" \
	"$status $(net inspect off | jq '.[0].subnets | length')" "0 1"
ns_add off
attach off off
tap_is "and is good without" "$status $(field .ip6)" "0 null"
try rm -f off
echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6

try ls
tap_like "there is no network at first" "$status $out" '^0 NAME[^'$'\n'']*$'
attach a default --name web
tap_is "attach to the default network" "$status $err" "0 "
tap_is "eth0, the second address" "$(field '.ifname + " " + .ip4')" "eth0 10.201.0.2/22"
tap_like "an address of a unique local subnet" "$(field .ip6)" '^fd.*::2/64$'
a4=$(field '.ip4 | split("/")[0]') a6=$(field '.ip6 | split("/")[0]') a_mac=$(field .mac)
tap_is "its bridge" "$(field .bridge)" caisson0
tap_is "the MAC it says" "$(ns a ip -j link show eth0 | jq -r ".[0].address")" "$a_mac"
tap_is "the MTU of the default route" "$(ns a ip -j link show eth0 | jq -r ".[0].mtu")" 1500
tap_like "a default route" "$(ns a ip route)" 'default via 10.201.0.1 dev eth0'
tap_like "one for IPv6" "$(ns a ip -6 route)" 'default via fd[0-9a-f:]*::1 dev eth0'
tap_empty "no address is tentative" "$(ns a ip -6 addr show tentative)"
tap_is "no IPv6 address on the host's end" \
	"$(ip -6 addr show dev "$(field .hostif)" | wc -l)" 0
tap_is "nobody's router advertisements are taken: bridge, port, inside" "$(
	cat /proc/sys/net/ipv6/conf/{caisson0,"$(field .hostif)"}/accept_ra
	ns a cat /proc/sys/net/ipv6/conf/eth0/accept_ra
)" $'0\n0\n0'
attach b default --name db
b4=$(field '.ip4 | split("/")[0]') b6=$(field '.ip6 | split("/")[0]')
net_serve b db tcp:80 udp:80
ns b nft "table ip6 watch {
	set seen { type ether_addr; size 64; flags dynamic; }
	chain in { type filter hook prerouting priority 0;
		icmpv6 type { mld2-listener-report, nd-router-advert, nd-redirect } \
			add @seen { ether saddr };
		icmpv6 type echo-request counter; }; }"
net_is "members reach each other" a tcp "$b4" 80 "db $a4"
net_is "over IPv6" a tcp "$b6" 80 "db $a6"
attach quiet default
net_is "a third one, too" quiet tcp "$b6" 80 "db $(field '.ip6 | split("/")[0]')"
# Router advertisements, the second behind another header, a redirect, and when they are through an echo.
# shellcheck disable=SC2317 # called by it_wait
echo_seen()
{
	! ns b nft list table ip6 watch | grep -q 'counter packets 0'
}
tap_is "it takes no advertisements" "$(ns quiet cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 0
if nft add table bridge probe 2>/dev/null; then
	nft delete table bridge probe
	ns quiet python3 -c 'if True:
		from socket import *
		s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
		s.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255)
		s.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, if_nametoindex("eth0"))
		advert = bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8)
		s.sendto(advert, ("ff02::1", 0))
		s.sendto(bytes([137]) + bytes(39), ("ff02::1", 0))
		s.setsockopt(IPPROTO_IPV6, IPV6_HOPOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
		s.sendto(advert, ("ff02::1", 0))
		s.sendto(bytes([128]) + bytes(7), ("ff02::1", 0))'
	tap_check "what it sends reaches b" it_wait 20 echo_seen
	tap_empty "its reports, advertisements and redirects reach nobody" \
		"$(ns b nft list set ip6 watch seen | grep -F "$(field .mac)")"
	tap_empty "b has no other router" "$(ns b ip -6 route show default via fe80::/10)"
else
	tap_skip "what members may not send" "the kernel has no tables of the bridge family"
fi
ns b nft delete table ip6 watch
detach quiet default
net_is "and the host's world, masqueraded" a tcp 192.0.2.2 80 "lan 192.0.2.1"
net_is "over IPv6, masqueraded" a tcp 2001:db8::2 80 "lan 2001:db8::1"
tap_is "two members" "$(members default)" 2
try ls --format json
tap_is "ls as JSON" "$(field '.[0] | .name + " " + .mode + " " + (.members | length | tostring)')" \
	"default nat 2"
try ls -q
tap_is "ls -q" "$out" default

attach a default
tap_is "once more: eth1" "$status $(field .ifname)" "0 eth1"
detach a default --ifname eth1
tap_is "eth1 is detached" "$status $err" "0 "
tap_is "its name is free at once" "$(ns a ip -o link show eth1 2>&1 | grep -c 'does not exist')" 1
attach a default --ifname eth1 --name web2
tap_is "and can be had at once" "$status $err" "0 "
detach a default --ifname eth1
detach b default
tap_is "detach" "$status $err" "0 "
it_wait 20 eval '[ "$(members default)" = 1 ]'
tap_is "one member less" "$(members default)" 1
detach b default
tap_like "again: it is not there" "$status $err" '^125 .*no such member of network default'
it_wait 20 eval '[ -z "$(ns b ip -o link | grep -v lo:)" ]'
tap_empty "its links are gone" "$(ns b ip -o link | grep -v lo:)"

# --- what is asked for ---------------------------------------------------------------------------

try create --subnet 10.77.0.0/24 --subnet fd77::/64 --gateway 10.77.0.254 --label who=me --mtu 1400 \
	own
tap_is "create" "$status $out" "0 own"
try create own
tap_like "a name is taken" "$status $err" '^125 .*network own exists already'
try create --subnet 10.77.0.128/25 other
tap_like "a subnet overlaps a network's" "$status $err" \
	'^125 .*10.77.0.128/25 overlaps 10.77.0.0/24: network own has it'
try create --subnet 192.0.0.0/16 other
tap_like "a subnet overlaps the host's" "$status $err" \
	'^125 .*192.0.0.0/16 overlaps 192.0.2.0/24: .*lan0'
try create --subnet 10.78.0.1/24 other
tap_like "bits behind the length" "$status $err" '^125 .*has bits set behind its length'
try create --subnet 10.78.0.0/24 --gateway 10.79.0.1 other
tap_like "a gateway of elsewhere" "$status $err" '^125 .*in no --subnet'
try create --subnet 10.78.0.0/24 --ip-range 10.78.1.0/24 other
tap_like "a range of elsewhere" "$status $err" '^125 .*not within 10.78.0.0/24'
try create --mtu 1000 other
tap_like "an MTU that IPv6 cannot have" "$status $err" \
	'^125 .*MTU of 1000 is too small for IPv6, which needs 1280.*--ipv6=no'
try create --mtu 1000 --subnet 10.78.0.0/24 --ipv6=no other
attach small-mtu other
tap_is "it can without" "$status $(field .mtu)" "0 1000"
try rm -f other
try create --ipv6=no --subnet fd99::/64 other
tap_like "--ipv6=no with a subnet of it" "$status $err" \
	'^125 .*--ipv6=no and --subnet=fd99::/64 exclude each other'
try create --ipv6=yes -m bridge=lan0 other
tap_like "--ipv6=yes with a bridge of the host's" "$status $err" \
	'^125 .*--ipv6=yes and --mode=bridge=lan0 exclude each other'
for n in host none -x a/b ..; do
	try create -- "$n"
	tap_like "no network is called $n" "$status" '^125$'
done
attach a own --ip 10.77.0.9 --ip6 fd77::9 --mac 02:11:22:33:44:55 --ifname lan --alias x
tap_is "what was asked for is given" "$status $(field '[.ip4, .ip6, .mac, .ifname, .mtu] | map(tostring) | join(" ")')" \
	"0 10.77.0.9/24 fd77::9/64 02:11:22:33:44:55 lan 1400"
tap_is "one default route, the first network's" "$(ns a ip route show default | wc -l)" 1
attach b own --ip 10.77.0.9
tap_like "an address in use" "$status $err" '^125 .*10.77.0.9 of network own belongs to [0-9a-f]{64}'
attach b own --mac 02:11:22:33:44:55
tap_like "a MAC address in use" "$status $err" '^125 .*02:11:22:33:44:55 belongs to'
bridge_mac=$(ip -j link show "$(net inspect own | jq -r '.[0].bridge')" | jq -r '.[0].address')
attach b own --mac "$bridge_mac"
tap_like "the bridge's MAC address" "$status $err" "^125 .*$bridge_mac belongs to the network's bridge"
attach b own --ip 10.77.0.254
tap_like "the gateway's address" "$status $err" '^125 .*cannot be had'
attach b own --ip 10.1.1.1
tap_like "an address of elsewhere" "$status $err" '^125 .*10.1.1.1 cannot be had in 10.77.0.0/24'
attach a own --ifname lan
tap_like "an interface of that name" "$status $err" '^125 .*there is an interface lan'
attach b own --ifname 'a/b'
tap_like "no name of an interface" "$status $err" "^125 .*interface's name has no"
attach b none-such
tap_like "no such network" "$status $err" '^125 .*network none-such does not exist'
try attach own --netns "$it_tmp"
tap_like "no namespace" "$status $err" '^125 .*is not a network namespace'
try attach own --netns /proc/self/ns/net
tap_like "not the command's own" "$status $err" '^125 .*does not say how long'
try attach own --netns "/proc/$$/ns/net"
tap_like "nor the host's" "$status $err" "^125 .*is the host's own network namespace"
try ls --filter label=who=me -q
tap_is "ls by label" "$out" own
try ls --filter mode=routed -q
tap_is "ls by mode" "$out" ""
try inspect own
tap_is "inspect" "$(field '.[0] | [.labels.who, .subnets[0].gateway, .members[0].aliases[0]] | join(" ")')" \
	"me 10.77.0.254 x"
try rm own
tap_like "rm of one in use" "$status $err" '^125 .*network own is in use by [0-9a-f]{64}'
detach a own
it_wait 20 eval '[ "$(members own)" = 0 ]'
try rm own
tap_is "rm" "$status $out" "0 own"
tap_check "its bridge is gone" no_link caisson1
tap_unlike "nothing of it in the firewall" "$(nft list ruleset)" '10\.77\.0'

# --- ranges --------------------------------------------------------------------------------------

try create --subnet 10.79.0.0/24 --ip-range 10.79.0.8/30 --ipv6=no small
for i in 1 2 3 4; do
	attach "s$i" small
	got[i]=$(field .ip4)
done
tap_is "the range, in its order" "${got[*]}" "10.79.0.8/24 10.79.0.9/24 10.79.0.10/24 10.79.0.11/24"
attach s5 small
tap_like "an exhausted range" "$status $err" '^125 .*no address is free in 10.79.0.0/24'
umount "$it_tmp/ns/s2" && rm "$it_tmp/ns/s2"
attach s5 small
tap_is "a namespace that is gone has given its address back" "$status $(field .ip4)" "0 10.79.0.9/24"
detach s5 small
it_wait 20 eval '[ "$(members small)" = 3 ]'
umount "$it_tmp/ns/s4" && rm "$it_tmp/ns/s4"
attach s5 small
tap_is "the ring goes on" "$(field .ip4)" "10.79.0.11/24"
try rm -f small
tap_is "rm -f detaches" "$status $(ns s1 ip -o link | grep -c eth0)" "0 0"

# --- a namespace with the inode number of a dead one ---------------------------------------------

inode() # NAME
{
	stat -c %d:%i "$it_tmp/ns/$1"
}
again() # a new namespace "new", as the old one was
{
	ns_add new
	[ "$(inode new)" = "$old" ] || { umount "$it_tmp/ns/new" && false; }
}
try create --ipv6=no ino
attach gone ino
# a command looks at some leases in use for dead ones, and not at all
for _ in {1..20}; do
	attach others ino
done
old=$(inode gone)
umount "$it_tmp/ns/gone" && rm "$it_tmp/ns/gone"
if it_wait 20 again; then
	attach new ino
	i4=$(field '.ip4 | split("/")[0]')
	detach new ino
	tap_is "detach of one that has the inode number of a dead one" "$status $err" "0 "
	it_wait 20 eval '! net inspect ino | grep -qF "$i4/"'
	tap_unlike "its own lease is gone" "$(net inspect ino)" "$i4/"
	it_wait 20 eval '[ -z "$(ns new ip -o link | grep -v lo:)" ]'
	tap_empty "and its link" "$(ns new ip -o link | grep -v lo:)"
else
	tap_skip "an inode number of a dead namespace" "the kernel gave none out again"
fi
try rm -f ino

# --- modes ---------------------------------------------------------------------------------------

try create --internal shut
attach i1 shut
tap_is "isolated: no default route" "$status $(ns i1 ip route show default | wc -l)" "0 0"
i4=$(field '.ip4 | split("/")[0]')
attach i2 shut
net_serve i2 i2 tcp:80
i24=$(field '.ip4 | split("/")[0]')
net_is "isolated: members reach each other" i1 tcp "$i24" 80 "i2 $i4"
ns i1 ip route add default via "$(net inspect shut | jq -r '.[0].subnets[0].gateway')"
tap_like "isolated: not the world" "$(ns i1 "$netpeer" ask tcp 192.0.2.2 80)" \
	'^(timeout|unreachable)$' # as the kernel's version takes a refusal's word
attach i2 shut -p 80:80
tap_like "isolated: nothing is published" "$status $err" '^125 .*is isolated'
try create --mode isolated --internal both
tap_is "both words for it" "$status" 0

try create --isolate apart
attach x1 apart


attach x2 apart
x24=$(field '.ip4 | split("/")[0]')
net_serve x2 x2 tcp:80
net_serve host host tcp:8070
tap_like "members apart do not reach each other" \
	"$(ns x1 "$netpeer" ask tcp "$x24" 80)" '^(timeout|unreachable)$'
net_is "but the world" x1 tcp 192.0.2.2 80 "lan 192.0.2.1"

try create --mode routed --subnet 10.80.0.0/24 --ipv6=no plain
attach r1 plain
tap_is "routed: IPv4 only" "$status $(field .ip6)" "0 null"
ns lan ip route add 10.80.0.0/24 via 192.0.2.1
net_is "routed: its own address is seen" r1 tcp 192.0.2.2 80 "lan 10.80.0.2"
net_serve r1 r1 tcp:80
net_is "routed: and reached" lan tcp 10.80.0.2 80 "r1 192.0.2.2"

try create --mode bridge=br0 br
tap_like "no such bridge" "$status $err" '^125 .*bridge br0 does not exist'
net_bridge br0 10.81.0.1/24
try create --mode bridge=lan0 br
tap_like "no bridge" "$status $err" '^125 .*lan0 is not a bridge'
try create --mode bridge=br0 --subnet 10.81.0.0/24 br
tap_like "somebody else's addresses are not given out" "$status $err" '^125 .*give --ip-range'
try create --mode bridge=br0 --subnet 10.81.0.0/24 --gateway 10.81.0.1 --ip-range 10.81.0.50-10.81.0.60 br
tap_is "a bridge that was there" "$status $(in_the_way)" "0 "
attach br1 br
tap_is "an address of the range" "$status $(field .ip4)" "0 10.81.0.50/24"
net_is "and the host is reached" br1 tcp 10.81.0.1 8070 "host 10.81.0.50"
attach br2 br -p 80:80
tap_like "nothing to publish there" "$status $err" "^125 .*bridge of the host's network"
ip link set "$(ip -o link | awk -F '[:@ ]+' -v i="$(ns br1 cat /sys/class/net/eth0/iflink)" \
	'$1 == i { print $2 }')" nomaster
try reload
tap_is "reload puts members back" "$status $(in_the_way)" "0 "
net_is "which reach the host again" br1 tcp 10.81.0.1 8070 "host 10.81.0.50"
try rm -f br
tap_check "the bridge stays" ip link show br0
try create --mode bridge=br0 bare
attach br1 bare --ifname raw
tap_is "without a subnet it is the link alone" "$status $(field '[.ip4, .ip6]' -c) $(ns br1 ip -o -4 addr show dev raw | wc -l)" \
	"0 [
  null,
  null
] 0"
ip link del br0
attach br2 bare
tap_like "a bridge that vanished and is not ours" "$status $err" \
	'^125 .*bridge br0 of network bare is not there'
try rm -f bare
tap_is "and its network can be removed" "$status" 0

# --- ports ---------------------------------------------------------------------------------------

attach p1 default -p 8080:80 -p 127.0.0.1:9000:90/udp --name p1
tap_is "attach with ports" "$status $(field '.ports | join(" ")')" "0 8080:80/tcp 127.0.0.1:9000:90/udp"
net_serve p1 p1 tcp:80 udp:90
net_is "published to the world, which is seen" lan tcp 192.0.2.1 8080 "p1 192.0.2.2"
net_is "to localhost" host tcp 127.0.0.1 8080 "p1 10.201.0.1"
net_is "UDP to localhost" host udp 127.0.0.1 9000 "p1 10.201.0.1"
attach p2 default -p 8080:80
tap_like "a port in use, by whom" "$status $err" '^125 .*port 8080/tcp is published by p1$'
tap_is "nothing is left of that" "$(ns p2 ip -o link | grep -vc lo:)" 0
net_serve host busy tcp:8081
attach p2 default -p 8081:80
tap_like "a port in use by a program" "$status $err" '^125 .*8081.*netpeer'
attach p2 default -p 80
tap_like "a host port is chosen" "$status $(field '.ports[0]')" '^0 [0-9]+:80/tcp'
range=$(cat /proc/sys/net/ipv4/ip_local_port_range)
echo 40000 40019 >/proc/sys/net/ipv4/ip_local_port_range
pids=()
for i in 0 1 2 3 4 5 6 7; do
	ns_add "few$i"
	net attach default --netns "$it_tmp/ns/few$i" -p 80 --format jsonl >"$it_tmp/few.$i" &
	pids+=($!)
done
wait "${pids[@]}"
tap_is "eight at once choose among twenty" \
	"$(cat "$it_tmp"/few.? | jq -r '.ports[0]' | grep -c '^400.*:80/tcp')" 8
for i in 0 1 2 3 4 5 6 7; do
	detach "few$i" default
done
echo "$range" >/proc/sys/net/ipv4/ip_local_port_range
if command -v dnsmasq >/dev/null; then
	tap_like "there is a name server" "$(ss -Hlnu 'sport = :53')" '10\.201\.0\.1:53'
	attach p53 default -p 53:53/udp -p 53:53
	tap_is "port 53 beside our name server" "$status $err" "0 "
	net_serve p53 p53 udp:53 tcp:53
	net_is "is reached" lan udp 192.0.2.1 53 "p53 192.0.2.2"
	net_is "by TCP" lan tcp 192.0.2.1 53 "p53 192.0.2.2"
	detach p53 default
	net_serve host host tcp:8082
	attach p53 default -p 8082:53
	tap_like "a program's is not passed over" "$status $err" '^125 .*8082.*netpeer'
else
	tap_skip "port 53 beside our name server" "dnsmasq is not installed"
fi
detach p1 default
attach p2 default -p 8080:80 --ifname e2
tap_is "a port that was given back" "$status $err" "0 "

# --- what others did ------------------------------------------------------------------------------

nft flush ruleset
attach q1 default
tap_is "attach after a flush" "$status $err" "0 "
net_serve p2 p2 tcp:80
net_is "restores the ports of all" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
nft flush ruleset
try reload
tap_is "reload after a flush" "$status $(in_the_way)" "0 "
net_is "restores them too" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
# shellcheck disable=SC2046 # two words
nft flush table $(nft list tables | awk '$2 == "inet" && $3 ~ /^caisson-/ { print $2, $3 }')
attach q3 default
tap_is "attach after a flush of the table alone, which leaves its sets" "$status $err" "0 "
net_is "restores its rules" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
detach q3 default
ip link del caisson0
try reload
tap_is "reload without the bridge" "$status $(in_the_way)" "0 "
net_is "members are in the new one" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
ip link del caisson0
attach q2 default
tap_is "attach without the bridge" "$status $err" "0 "
net_is "members are in the new one" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
net_is "localhost leads there again" host tcp 127.0.0.1 8080 "p2 10.201.0.1"
try create --subnet 10.82.0.0/24 hurt
attach h1 hurt
mv "$it_tmp/root/networks/hurt/network.json" "$it_tmp/hurt"
echo broken >"$it_tmp/root/networks/hurt/network.json"
nft flush ruleset
try reload
tap_like "reload tells of a damaged network" "$status $err" '^125 .*hurt'
net_is "and puts all others in" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
nft flush ruleset
attach h2 default
tap_is "attach to another is done" "$status" 0
net_is "with all others in" lan tcp 192.0.2.1 8080 "p2 192.0.2.2"
mv "$it_tmp/hurt" "$it_tmp/root/networks/hurt/network.json"
try reload
tap_is "and with all when it is whole" "$status" 0
detach h2 default
ns q2 ip link del eth0
detach q2 default
tap_is "detach of a link that is gone" "$status $err" "0 "
attach q2 default --name same
attach q3 default --name same
tap_like "a name in use" "$status $err" '^125 .*same'
tap_is "nothing is left of that" "$(ns q3 ip -o link | grep -vc lo:)" 0

# Names are names where nobody answers for them, too.
try create --no-dns --ipv6=no mute
for opt in --name --alias; do
	attach n1 mute "$opt" 'a b'
	tap_like "$opt without a name server: no name" "$status $err" '^125 .*"a b" is no name for a host'
done
attach n1 mute --name fine --alias good
tap_is "what is one is kept" "$status $(net inspect mute | jq -r '.[0].members[0].name')" "0 fine"
try rm -f mute

# A port of a namespace that is gone is nobody's.
attach d1 default -p 8088:80
umount "$it_tmp/ns/d1" && rm "$it_tmp/ns/d1"
attach d2 default -p 8088:80
tap_is "a dead one's port can be had" "$status $err" "0 "

# --- what is in the way --------------------------------------------------------------------------

try reload
tap_is "nothing is in the way" "$status $(in_the_way)" "0 "
nft -f - <<END
table ip filter {
	chain DOCKER-USER { }
	chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }
}
END
try reload
tap_like "reload says who drops what, and what helps" "$status $(in_the_way)" \
	'^0 .*network default: Docker .*drops.*this helps: .*DOCKER-USER.*caisson0'
try create away
tap_like "and create" "$status $err" '^0 .*network away: Docker .*drops'
nft delete table ip filter
for dnsmasq in /usr/sbin/dnsmasq /usr/local/sbin/dnsmasq /usr/bin/dnsmasq; do
	[ ! -e $dnsmasq ] || mount --bind /dev/null $dnsmasq
done
attach w1 away
tap_like "without dnsmasq a member is attached, with a note" "$status $err" \
	'^0 .*network away: dnsmasq is not installed'
for dnsmasq in /usr/sbin/dnsmasq /usr/local/sbin/dnsmasq /usr/bin/dnsmasq; do
	[ ! -e $dnsmasq ] || umount $dnsmasq
done
try rm -f away
tap_is "nor is it needed to go" "$status $err" "0 "

# --- prune, rm -----------------------------------------------------------------------------------

try create --label a=b unused
try prune --filter label=a=b -f
tap_is "prune by label" "$status $out" "0 unused"
try create unused
try prune -f
tap_like "prune" "$status $out" '^0 .*unused'
try ls -q
tap_unlike "is gone" "$out" unused
tap_like "the default one stays" "$out" default
for n in $out; do
	net rm -f "$n" >/dev/null || tap_not_ok "rm -f $n"
done
it_wait 20 eval '[ -z "$(ip -o link | grep -E "c[vt][0-9a-f]{8}|caisson")" ]'
tap_empty "no link is left" "$(ip -o link | grep -E 'c[vt][0-9a-f]{8}|caisson')"
tap_unlike "no element is left" "$(nft list ruleset)" 'elements = '
tap_empty "no file is left" "$(find "$it_tmp/root/networks" "$it_tmp/run/networks" -mindepth 1 \
	! -name .lock ! -name .id ! -path "*/$(cat "$it_tmp/root/networks/.id")" ! -name gate ! -name firewall.lock)"
net_done
