#!/bin/bash
# The firewall of netns/ in a host of its own: two nat networks, an isolated and a routed one, and a
# neighbour on the LAN. Every point is a packet that gets through, or does not.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
net_tools ip nft nsenter

fw() # COMMAND [OPTION...]
{
	it_try "$netfw" "$it_tmp/run" "$@"
}

nft_probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$nft_probe" ] || tap_skip_all "no nftables here: $nft_probe"
mkdir "$it_tmp/run"

# Whatever the kernel was told at boot: bridged packets do not pass iptables, unless a test says so.
bridge_calls() # 0|1
{
	local f

	for f in /proc/sys/net/bridge/bridge-nf-call-ip{,6}tables; do
		[ ! -e "$f" ] || echo "$1" >"$f"
	done
}
bridge_calls 0

a=(net=a br=bra v4=10.9.1.1/24 v6=fd00:9:1::1/64)
b=(net=b br=brb v4=10.9.2.1/24 v6=fd00:9:2::1/64)
shut=(net=shut br=brs mode=isolated v4=10.9.3.1/24 v6=fd00:9:3::1/64)
routed=(net=routed br=brr mode=routed v4=10.9.4.1/24 v6=fd00:9:4::1/64)
# shellcheck disable=SC2034 # by name
alone=(net=alone br=brx isolate=1 v4=10.9.5.1/24)
web=(owner=web-id ip4=10.9.1.2 ip6=fd00:9:1::2)
db=(owner=db-id ip4=10.9.2.2 ip6=fd00:9:2::2)

net_bridge bra 10.9.1.1/24 fd00:9:1::1/64
net_bridge brb 10.9.2.1/24 fd00:9:2::1/64
net_bridge brs 10.9.3.1/24 fd00:9:3::1/64
net_bridge brr 10.9.4.1/24 fd00:9:4::1/64
net_bridge brx 10.9.5.1/24
net_member web bra 10.9.1.2/24 10.9.1.1 fd00:9:1::2/64 fd00:9:1::1
net_member web2 bra 10.9.1.3/24 10.9.1.1 fd00:9:1::3/64 fd00:9:1::1
net_member db brb 10.9.2.2/24 10.9.2.1 fd00:9:2::2/64 fd00:9:2::1
net_member in brs 10.9.3.2/24 10.9.3.1 fd00:9:3::2/64 fd00:9:3::1
net_member in2 brs 10.9.3.3/24 10.9.3.1 fd00:9:3::3/64 fd00:9:3::1
net_member rt brr 10.9.4.2/24 10.9.4.1 fd00:9:4::2/64 fd00:9:4::1
net_neighbour lan 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64
# The neighbour knows the way to every network, so only the firewall is between.
ns lan ip route add 10.9.0.0/16 via 192.0.2.1
ns lan ip -6 route add fd00:9::/32 via 2001:db8::1
echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra

proto=(tcp udp)
if "$netpeer" has sctp; then
	proto+=(sctp)
else
	tap_skip "sctp" "the kernel has no sctp"
fi
ports=(tcp:80 udp:80 tcp:81 tcp:82 tcp:83 udp:90)
[ ${#proto[@]} = 2 ] || ports+=(sctp:80)
net_serve web web "${ports[@]}"
net_serve web2 web2 tcp:80
net_serve db db tcp:80 udp:80
net_serve in in tcp:80
net_serve rt rt tcp:80
net_serve lan lan tcp:80 udp:80

# --- networks ------------------------------------------------------------------------------------

for n in a b shut routed alone; do
	declare -n list=$n
	fw add "${list[@]}"
	tap_is "network $n is added" "$status $err" "0 "
done
fw add "${a[@]}"
tap_is "again it is no error" "$status $err" "0 "
fw is-in "${a[@]}"
tap_is "network a is in" "$out" 1
fw is-in net=a br=bra v4=10.9.9.1/24
tap_is "with another subnet it is not" "$out" 0
fw add net=a br=bra v4=10.9.9.1/24
tap_like "and is not added" "$err" 'bra is in the firewall as another network.*network reload'
tap_is "router advertisements are still taken" \
	"$(cat /proc/sys/net/ipv6/conf/lan0/{accept_ra,forwarding} | tr '\n' ' ')" "2 1 "
tap_is "but not from a network, nor by later links" \
	"$(cat /proc/sys/net/ipv6/conf/{bra,brb,brs,brr,brx,default,lo}/accept_ra | tr '\n' ' ')" \
	"0 0 0 0 0 1 1 "

for f in "10.9.1.2 10.9.2.2 192.0.2" "fd00:9:1::2 fd00:9:2::2 2001:db8:"; do
	read -r webip dbip lannet <<<"$f"
	lan=$lannet.2
	host=$lannet.1
	case $f in fd00*) lan=$lannet:2 host=$lannet:1 ;; esac
	dbnet=${dbip%2}
	net_is "$lan: a member goes out as the host" web tcp "$lan" 80 "lan $host"
	net_is "$lan: by UDP too" web udp "$lan" 80 "lan $host"
	net_is "$webip: nobody outside comes in" lan tcp "$webip" 80 timeout
	net_is "$webip: the host does" host tcp "$webip" 80 "web ${webip%2}1"
	net_is "$dbip: another network does not" web udp "$dbip" 80 unreachable
	net_is "${dbnet}1: nor is a port of the host's one of another network's" web tcp "${dbnet}1" 80 refused
done
net_serve host names tcp:53 udp:53
for f in "10.9.2.1 10.9.2.2" "fd00:9:2::1 fd00:9:2::2"; do
	read -r gw dbip <<<"$f"
	for p in tcp udp; do
		net_is "$gw: $p, a name server answers its network" db $p "$gw" 53 "names $dbip"
		net_is "$gw: and the host" host $p "$gw" 53 "names $gw"
		net_is "$gw: no other network" web $p "$gw" 53 timeout
		net_is "$gw: nor the LAN" lan $p "$gw" 53 timeout
	done
done
net_is "members reach each other" web2 tcp 10.9.1.2 80 "web 10.9.1.3"
net_is "isolated members reach each other" in2 tcp 10.9.3.2 80 "in 10.9.3.3"
net_is "isolated members are told that nothing is outside" in udp 192.0.2.2 80 unreachable
net_is "by IPv6 too" in udp 2001:db8::2 80 unreachable
net_is "nobody reaches them" lan tcp 10.9.3.2 80 timeout
net_is "nor by IPv6" lan tcp fd00:9:3::2 80 timeout
net_is "a routed member goes out with its address" rt tcp 192.0.2.2 80 "lan 10.9.4.2"
net_is "by IPv6 too" rt tcp 2001:db8::2 80 "lan fd00:9:4::2"
net_is "and is reached at it" lan tcp 10.9.4.2 80 "rt 192.0.2.2"
net_is "by IPv6 too" lan tcp fd00:9:4::2 80 "rt 2001:db8::2"
net_is "but not from another network" web udp 10.9.4.2 80 unreachable

# --- ports ---------------------------------------------------------------------------------------

# A flow from before the port is published is not stuck to the host.
net_is "UDP before it is published" lan udp 192.0.2.1 8080 refused
publish=(port=8080:80 port=8080:80/udp port=9000-9002:81-83 port=127.0.0.1:8081:81 "port=[::1]:8081:81"
	port=192.0.2.1:8082:82 "port=[2001:db8::1]:8082:82" port=0.0.0.0:8083:83 port=5353:90/udp)
[ ${#proto[@]} = 2 ] || publish+=(port=8080:80/sctp)
fw publish "${a[@]}" "${web[@]}" "${publish[@]}"
tap_is "ports are published" "$status $err" "0 "
tap_is "with the owner's id" \
	"$(nft list map inet caisson-test host4 | grep -o '127.0.0.1 [^:]*')" \
	'127.0.0.1 . tcp . 8081 comment "web-id" '

for host in 192.0.2.1 2001:db8::1; do
	case $host in
	*::*) client=2001:db8::2 ip=fd00:9:1:: peer=fd00:9:2::2 loop=::1 ;;
	*) client=192.0.2.2 ip=10.9.1. peer=10.9.2.2 loop=127.0.0.1 ;;
	esac
	for p in "${proto[@]}"; do
		net_is "$host: $p from outside, with the client's address" lan "$p" "$host" 8080 "web $client"
		net_is "$host: $p from the host" host "$p" "$host" 8080 "web $host"
		net_is "$host: $p from localhost" host "$p" "$loop" 8080 "web ${ip}1"
		net_is "$host: $p hairpin to itself" web "$p" "$host" 8080 "web ${ip}1"
	done
	net_is "$host: hairpin from its network" web2 tcp "$host" 8080 "web ${ip}1"
	net_is "$host: from another network, with its address" db tcp "$host" 8080 \
		"web $peer"
	net_is "$host: but not from an isolated one" in udp "$host" 8080 unreachable
	net_is "$host: by the gateway's address" web2 tcp "${ip}1" 8080 "web ${ip}1"
	net_is "$host: the last of a range" lan tcp "$host" 9002 "web $client"
	net_is "$host: the one behind it" lan tcp "$host" 9003 refused
	net_is "$host: a port of localhost" host tcp "$loop" 8081 "web ${ip}1"
	net_is "$host: is not at the LAN's address" lan tcp "$host" 8081 refused
	net_is "$host: a port of one address" lan tcp "$host" 8082 "web $client"
	net_is "$host: is not at another" host tcp "$loop" 8082 refused
done
net_is "every IPv4 address" lan tcp 192.0.2.1 8083 "web 192.0.2.2"
net_is "is no IPv6 one" lan tcp 2001:db8::1 8083 refused
net_is "another port number by UDP" lan udp 192.0.2.1 5353 "web 192.0.2.2"

fw publish "${routed[@]}" owner=rt-id ip4=10.9.4.2 ip6=fd00:9:4::2 port=8090:80
net_is "a routed network sees who comes from a nat one" web tcp 192.0.2.1 8090 "rt 10.9.1.2"
net_is "by IPv6 too" web tcp 2001:db8::1 8090 "rt fd00:9:1::2"
fw unpublish "${routed[@]}" owner=rt-id ip4=10.9.4.2 ip6=fd00:9:4::2 port=8090:80

# The neighbour sends packets for the host's loopback addresses by its link.
ns lan ip addr del 127.0.0.1/8 dev lo
ns lan ip route add 127.0.0.1 via 192.0.2.1
echo 1 | ns lan tee /proc/sys/net/ipv4/conf/{all,eth0}/route_localnet >/dev/null
for port in 8080 8081; do
	net_is "no LAN at 127.0.0.1, port $port" lan tcp 127.0.0.1 $port timeout
done
ns web2 ip addr del 127.0.0.1/8 dev lo
ns web2 ip route add 127.0.0.1 via 10.9.1.1
echo 1 | ns web2 tee /proc/sys/net/ipv4/conf/{all,eth0}/route_localnet >/dev/null
net_serve host local tcp:7777
for port in 7777 8080 8081; do
	net_is "no member at 127.0.0.1, port $port" web2 tcp 127.0.0.1 $port timeout
done
nft -f - <<-END
	table inet watch {
		counter seen { }
		chain input {
			type filter hook input priority 0;
			ip saddr 127.0.0.0/8 iifname bra counter name seen
		}
	}
END
ns web2 ip addr add 127.0.0.5/32 dev eth0
ns web2 ip route add 10.9.1.1 dev eth0 src 127.0.0.5
echo 0 | tee /proc/sys/net/ipv4/conf/{all,bra}/rp_filter >/dev/null
net_is "nor as 127.0.0.5" web2 udp 10.9.1.1 7777 timeout
tap_like "the host sees nothing of it" "$(nft list counter inet watch seen)" 'packets 0 '
ns web2 ip addr del 127.0.0.5/32 dev eth0
ns web2 ip route del 10.9.1.1 2>/dev/null
nft delete table inet watch
net_is "where the host listens" web2 tcp 10.9.1.1 7777 "local 10.9.1.3"

# --- in the way ----------------------------------------------------------------------------------

fw publish "${b[@]}" "${db[@]}" port=8080:80
tap_is "a port is published once" "$status $err" "1 port 8080/tcp is published by web-id"
fw publish "${b[@]}" "${db[@]}" port=7000:80 port=127.0.0.1:8080:80
tap_is "also on one address" "$status $err" "1 port 8080/tcp is published by web-id"
fw publish "${b[@]}" "${db[@]}" port=7000:80 port=8081:80
tap_is "and on all of them" "$status $err" "1 port 8081/tcp is published by web-id"
net_is "nothing of these is published" lan tcp 192.0.2.1 7000 refused
fw unpublish "${b[@]}" "${db[@]}" port=8080:80
net_is "nobody takes back another's port" lan tcp 192.0.2.1 8080 "web 192.0.2.2"
fw publish "${b[@]}" "${db[@]}" port=8080:80 port=8080:80/udp dead=web-id
tap_is "but a dead one's" "$status $err" "0 "
net_is "it is at its new place" lan tcp 192.0.2.1 8080 "db 192.0.2.2"
net_is "also a flow of UDP" lan udp 192.0.2.1 8080 "db 192.0.2.2"
fw unpublish "${a[@]}" "${web[@]}" "${publish[@]}"
tap_is "the dead one's ports are taken back" "$status $err" "0 "
net_is "but that one" lan tcp 192.0.2.1 8080 "db 192.0.2.2"
net_is "they refuse" lan tcp 192.0.2.1 9000 refused
fw unpublish "${a[@]}" "${web[@]}" "${publish[@]}"
tap_is "again it is no error" "$status $err" "0 "
fw publish net=alone br=brx v4=10.9.5.1/24 owner=x ip4=10.9.5.2 'port=[::1]:1:1'
tap_like "no address of that family" "$err" 'publish \[::1\]:1:1/tcp: the workload has no address'

fw choose "${a[@]}" "${web[@]}" port=7777:80
tap_like "a port of a program" "$err" '^port 7777/tcp is in use by netpeer \(process [0-9]+\)$'
fw choose "${a[@]}" "${web[@]}" port=203.0.113.9:1:1
tap_like "an address of nobody" "$err" '^publish on 203.0.113.9: the host has no such address$'
fw choose "${a[@]}" "${web[@]}" port=80 port=90-99/udp
tap_like "free ports" "$out" '^[0-9]+:80/tcp.[0-9]+-[0-9]+:90-99/udp$'

# --- a flush, and kills ----------------------------------------------------------------------------

nft flush ruleset
net_is "after a flush no member is at 127.0.0.1" web2 tcp 127.0.0.1 7777 timeout
net_is "nor the LAN" lan tcp 127.0.0.1 7777 timeout
fw is-in "${a[@]}"
tap_is "after a flush it is not in" "$out" 0
fw publish "${a[@]}" "${web[@]}" port=8080:80
tap_like "nothing is published" "$err" 'table "inet caisson-test" is gone: run "caisson network reload"'
fw restore "${a[@]}" "${web[@]}" "${publish[@]}" "${b[@]}" "${db[@]}" port=80:80 "${shut[@]}" "${routed[@]}"
tap_is "all is restored" "$status $err" "0 "
net_is "a port" lan tcp 192.0.2.1 8080 "web 192.0.2.2"
net_is "another's" lan tcp 2001:db8::1 80 "db 2001:db8::2"
net_is "the way out" db tcp 192.0.2.2 80 "lan 192.0.2.1"
net_is "and the wall between" web udp 10.9.2.2 80 unreachable
fw restore "${a[@]}" "${web[@]}" port=1:1 "${b[@]}" "${db[@]}" port=1:1
tap_like "not with a port twice" "$err" '^restore the firewall: '
net_is "then all is as it was" lan tcp 192.0.2.1 8080 "web 192.0.2.2"

nft list ruleset >"$it_tmp/before"
for _ in {1..20}; do
	it_try timeout -s KILL 0.00"$((RANDOM % 9 + 1))" "$netfw" "$it_tmp/run" publish "${b[@]}" "${db[@]}" \
		port=2000-2400:80-480
	fw unpublish "${b[@]}" "${db[@]}" port=2000-2400:80-480
	[ "$status" = 0 ] || break
done
tap_is "killed while it publishes, the next mends it" "$status $err" "0 "
tap_empty "and nothing is left" "$(nft list ruleset | sort | diff - <(sort "$it_tmp/before"))"

# --- bridged packets through iptables, and others' rules -----------------------------------------

if [ -e /proc/sys/net/bridge/bridge-nf-call-ip6tables ]; then
	bridge_calls 1
	fw unpublish "${a[@]}" "${web[@]}" "${publish[@]}"
	fw publish "${a[@]}" "${web[@]}" "${publish[@]}"
	net_is "br_netfilter: from outside" lan tcp 192.0.2.1 8080 "web 192.0.2.2"
	net_is "br_netfilter: localhost" host tcp 127.0.0.1 8080 "web 10.9.1.1"
	net_is "br_netfilter: ::1 refuses, it does not hang" host tcp ::1 8080 refused
	net_is "br_netfilter: hairpin" web2 tcp 192.0.2.1 8080 "web 10.9.1.3"
	net_is "br_netfilter: members" web2 tcp fd00:9:1::2 80 "web fd00:9:1::3"
	it_try "$netfw" "$it_tmp/run" foreign bra
	tap_like "br_netfilter is told of" "$out" 'bridge-nf-call-iptables is on.*sysctl net.bridge'
	bridge_calls 0
else
	tap_skip "br_netfilter" "the kernel has none"
fi
it_try "$netfw" "$it_tmp/run" foreign bra
tap_is "nobody is in the way" "$out$err" ""

for family in ip ip6; do
	nft -f - <<-END
	table $family filter {
		chain DOCKER-USER { }
		chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }
	}
	END
done
net_is "Docker's rules: no way out" db tcp 192.0.2.2 80 timeout
it_try "$netfw" "$it_tmp/run" foreign brb
for t in "ip filter" "ip6 filter"; do
	tap_like "$t is told of" "$out" "Docker \\(chain FORWARD of table $t\\) drops"
done
help=$(sed -n '/of table ip filter/{n;p}' <<<"$out")
tap_is "the rule that helps" "$help" \
	$'\t''iptables -I DOCKER-USER -i brb -j ACCEPT && iptables -I DOCKER-USER -o brb -j ACCEPT'
if command -v iptables-nft >/dev/null; then
	(eval "iptables() { iptables-nft \"\$@\"; }; $help")
else
	nft add rule ip filter DOCKER-USER iifname brb accept
	nft add rule ip filter DOCKER-USER oifname brb accept
fi
net_is "it does" db tcp 192.0.2.2 80 "lan 192.0.2.1"
it_try "$netfw" "$it_tmp/run" foreign brb
tap_is "and is no more told of" "$(grep -c 'table ip filter' <<<"$out")" 0
nft delete table ip filter
nft delete table ip6 filter
nft add table inet firewalld
nft 'add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; }'
it_try "$netfw" "$it_tmp/run" foreign brb
tap_like "firewalld is told of" "$out" 'firewalld refuses.*--zone=trusted --add-interface=brb'
nft delete table inet firewalld
nft 'add table ip filter'
nft 'add chain ip filter INPUT { type filter hook input priority 0; policy drop; }'
nft 'add chain ip filter ufw-user-input'
it_try "$netfw" "$it_tmp/run" foreign brb
tap_like "ufw is told of" "$out" 'ufw \(chain INPUT.*name server.*ufw allow in on brb'
nft delete table ip filter
if command -v iptables-legacy >/dev/null && iptables-legacy -P FORWARD DROP 2>/dev/null; then
	it_try "$netfw" "$it_tmp/run" foreign brb
	tap_like "the old iptables is told of" "$out" \
		'of the old iptables\) drops.*iptables-legacy -I FORWARD -i brb -j ACCEPT'
	iptables-legacy -I FORWARD -i brb -j ACCEPT
	it_try "$netfw" "$it_tmp/run" foreign brb
	tap_is "and no more with a rule" "$out$err" ""
	iptables-legacy -P FORWARD ACCEPT
else
	tap_skip "the old iptables" "not here"
fi

# --- the end ---------------------------------------------------------------------------------------

fw unpublish "${b[@]}" "${db[@]}" port=80:80
fw unpublish "${a[@]}" "${web[@]}" "${publish[@]}"
for n in a b shut routed; do
	declare -n list=$n
	fw del "${list[@]}"
	tap_is "network $n goes" "$status $err" "0 "
done
tap_empty "and nothing of them is left" \
	"$(nft list ruleset | grep -E 'elements = ' | grep -v '::1 }')"
net_done
