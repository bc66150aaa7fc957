#!/bin/bash
# Workloads on networks: a machine behind a tap, whose frames are a kernel's own, and a container that
# is connected and disconnected; and links that vanish while they are made.
. "$(dirname "$0")/netlib.sh"
# shellcheck disable=SC2119
net_host
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
net_tools ip nft nsenter python3
nettap=$net_programs/nettap
[ -x "$nettap" ] || tap_skip_all "tests/it/nettap is not built"

caisson=${top_builddir:-$it_here/../../build}/caisson
probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$probe" ] || tap_skip_all "no nftables here: $probe"

net() # COMMAND...
{
	timeout --foreground -k 5 60 "$caisson" --root "$it_tmp/root" --state "$it_tmp/state" \
		network "$@"
}

try() # COMMAND...
{
	it_try net "$@"
}

field() # JQ-FILTER: of $out
{
	jq -r "$1" <<<"$out"
}

members() # NETWORK
{
	net inspect --format '{{len .Members}}' "$1"
}

net_neighbour lan 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64
ip route add default via 192.0.2.2
net_serve lan lan tcp:80 udp:80
ns lan ip route add 10.201.0.0/22 via 192.0.2.1
for f in /proc/sys/net/bridge/bridge-nf-call-ip{,6}tables; do
	[ ! -e "$f" ] || echo 0 >"$f"
done
ns_add web
try attach default --netns "$it_tmp/ns/web" --name web -p 8080:80 --format json
tap_is "a member" "$status" 0
web4=$(field '.ip4 | split("/")[0]') web6=$(field '.ip6 | split("/")[0]')
net_serve web web tcp:80 udp:80

# --- what only the host may say ------------------------------------------------------------------

hear() # NAME FAMILY PORT: the first datagram that comes
{
	it_background nsenter --net="$it_tmp/ns/$1" python3 -c 'if True:
		import socket, sys
		s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_DGRAM)
		s.settimeout(60)
		s.bind(("", int(sys.argv[2])))
		print("listens", flush=True)
		print(s.recv(99).decode(), flush=True)' "$2" "$3" >"$it_tmp/heard"
	it_wait 60 grep -q listens "$it_tmp/heard"
}

say() # NAME FAMILY FROM-PORT ADDRESS PORT TEXT
{
	ns "$1" python3 -c 'if True:
		import socket, sys
		s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_DGRAM)
		s.bind(("", int(sys.argv[2])))
		s.sendto(sys.argv[5].encode(), (sys.argv[3], int(sys.argv[4])))' "${@:2}"
}

ns_add client
try attach default --netns "$it_tmp/ns/client" --format json
client4=$(field '.ip4 | split("/")[0]') client6=$(field '.ip6 | split("/")[0]')
hear client AF_INET 68
say web AF_INET 67 "$client4" 68 member
say web AF_INET 1067 "$client4" 68 member
say host AF_INET 1067 "$client4" 68 host
it_wait 60 grep -qE '^(member|host)' "$it_tmp/heard"
tap_is "no member answers DHCP, whatever port it is from" "$(tail -n 1 "$it_tmp/heard")" host
hear client AF_INET6 546
say web AF_INET6 547 "$client6" 546 member
say web AF_INET6 1547 "$client6" 546 member
say host AF_INET6 1547 "$client6" 546 host
it_wait 60 grep -qE '^(member|host)' "$it_tmp/heard"
tap_is "nor DHCPv6" "$(tail -n 1 "$it_tmp/heard")" host
try detach default --netns "$it_tmp/ns/client"

# --- a tap -----------------------------------------------------------------------------------------

machine() # sets $vm to the pid of its cable, $out to its record
{
	: >"$it_tmp/cable"
	it_background "$nettap" "$it_tmp/root" "$it_tmp/state" default vm1 "$it_tmp/ns/guest" \
		>"$it_tmp/cable"
	vm=${it_pids[-1]}
	disown
	it_wait 30 [ -s "$it_tmp/cable" ]
	out=$(head -n 1 "$it_tmp/cable")
}

if [ -c /dev/net/tun ]; then
	ns_add guest
	machine
	tap_like "a tap on the bridge" "$(field '.hostif + " " + .bridge + .ifname')" '^ct[0-9a-f]{8} caisson0$'
	vm4=$(field .ip4) vm6=$(field .ip6) gateway6=$(field .gateway6) gateway4=$(field .gateway4)
	hostif=$(field .hostif)
	tap_is "its address is of both families" "$(field '(.ip4 != null) and (.ip6 != null)')" true
	tap_is "it has no address on the host" "$(ip -o addr show dev "$hostif" | wc -l)" 0
	ns guest ip link set eth0 up
	if command -v udhcpc >/dev/null && command -v dnsmasq >/dev/null; then
		cat >"$it_tmp/bound" <<-'END'
			#!/bin/sh
			[ "$1" = bound ] || exit 0
			ip addr add "$ip/$mask" dev eth0
			ip route add default via "$router"
			echo "$ip/$mask $router $hostname"
		END
		chmod +x "$it_tmp/bound"
		it_try ns guest udhcpc -f -q -n -t 20 -T 1 -i eth0 -s "$it_tmp/bound"
		tap_is "its DHCP client is given the address it has, and its name" "$out" \
			"$vm4 $gateway4 vm1"
	else
		tap_skip "DHCP through the tap" "udhcpc or dnsmasq is not installed"
		ns guest ip addr add "$vm4" dev eth0
		ns guest ip route add default via "$gateway4"
	fi
	ns guest ip -6 addr add "$vm6" dev eth0 nodad
	ns guest ip -6 route add default via "$gateway6"
	net_serve guest vm tcp:80 udp:80
	net_is "it reaches a member" guest tcp "$web4" 80 "web ${vm4%/*}"
	net_is "by UDP over IPv6" guest udp "$web6" 80 "web ${vm6%/*}"
	net_is "a member reaches it" web tcp "${vm4%/*}" 80 "vm $web4"
	net_is "by UDP over IPv6" web udp "${vm6%/*}" 80 "vm $web6"
	net_is "so does the host" host tcp "${vm4%/*}" 80 "vm $gateway4"
	net_is "it reaches the world" guest tcp 192.0.2.2 80 "lan 192.0.2.1"
	net_is "and a published port" guest tcp 192.0.2.1 8080 "web $gateway4"
	net_is "nobody outside reaches it" lan tcp "${vm4%/*}" 80 timeout
	if command -v ping >/dev/null; then
		tap_check "ping" ns guest ping -q -c 2 -W 5 "$web4"
		tap_check "ping over IPv6" ns guest ping -q -c 2 -W 5 "$web6"
	else
		tap_check "ping" ns guest busybox ping -q -c 2 -W 5 "$web4"
		tap_skip "ping over IPv6" "ping is not installed"
	fi
	# A megabyte each way is segmented, and summed, by nobody on the way.
	head -c 1000000 /dev/zero | tr '\0' x >"$it_tmp/much"
	for who in "web guest $web4" "guest web ${vm4%/*}"; do
		read -r from to addr <<<"$who"
		# shellcheck disable=SC2016 # for the shell that is started
		it_background nsenter --net="$it_tmp/ns/$from" \
			bash -c 'exec busybox nc -l -p 9000 <"$0"' "$it_tmp/much" >/dev/null 2>&1
		disown
		it_wait 20 eval '[ -n "$(ns "$from" ss -Hltn "sport = :9000")" ]'
		ns "$to" timeout 60 bash -c "cat </dev/tcp/$addr/9000" >"$it_tmp/got"
		tap_check "a megabyte from $from to $to arrives" cmp "$it_tmp/much" "$it_tmp/got"
	done
	kill -USR1 "$vm"
	it_wait 10 eval '[ "$(wc -l <"$it_tmp/cable")" = 2 ]'
	tap_like "with checksums and segmentation left to the other side" "$(tail -n 1 "$it_tmp/cable")" \
		'^in [1-9][0-9]* [1-9][0-9]* out [1-9][0-9]* [1-9][0-9]*$'
	tap_is "two members" "$(members default)" 2
	kill -9 "$vm"
	it_wait 20 eval '[ "$(members default)" = 1 ]'
	tap_is "its process gone, it is none any more" "$(members default)" 1
	tap_empty "its tap is gone" "$(ip -o link | grep -o 'ct[0-9a-f]\{8\}')"
	machine
	tap_is "another can have its name" "$(field '.name')" vm1
	# The link vanishes while it is used.
	ip link del "$(field .hostif)"
	it_wait 20 eval '! kill -0 "$vm" 2>/dev/null'
	tap_is "a tap that is removed ends its cable" $? 0
	it_wait 20 eval '[ "$(members default)" = 1 ]'
	tap_is "and is no member" "$(members default)" 1
else
	tap_skip "a tap" "there is no /dev/net/tun"
fi

# --- a container -----------------------------------------------------------------------------------

try create --ipv6=no two
it_start c1
tap_is "a container" "$status" 0
try connect --name c1 --alias cc --ip 10.201.0.200 default c1
tap_is "connect" "$status $err" "0 "
tap_like "says what it has" "$out" 'eth0 .*10.201.0.200/22'
it_try oci exec c1 ip -o -4 addr show dev eth0
tap_like "it has it" "$out" '10.201.0.200/22'
net_is "and is reached, or refuses" web tcp 10.201.0.200 80 refused
try inspect --format '{{range .Members}}{{if eq .Name "c1"}}{{.Owner}} {{join .Aliases ","}}{{end}}{{end}}' default
tap_is "inspect shows it" "$out" "c1 cc"
try connect two c1
tap_is "to a second network" "$status $err" "0 "
it_try oci exec c1 ip -o -4 addr show dev eth1
tap_like "as eth1" "$out" 'eth1 .*/22'
it_try oci exec c1 ip route show default
tap_is "with one default route" "$(grep -c default <<<"$out")" 1
try connect default c1
tap_like "not twice to one" "$status $err" '^125 .*c1 is on network default already'
try connect default none-such
tap_like "no such container" "$status $err" '^125 .*none-such'
try disconnect two c1
tap_is "disconnect" "$status $err" "0 "
it_wait 20 eval '! oci exec c1 ip link show eth1 >/dev/null 2>&1'
tap_is "its interface goes" $? 0
try disconnect two c1
tap_like "again: it is not there" "$status $err" '^125 .*no such member of network two'
try disconnect -f two c1
tap_is "but with -f" "$status $err" "0 "
try disconnect -f none-such c1
tap_like "no such network, with -f neither" "$status $err" '^125 .*none-such'
try connect two c1
tap_is "and is connected again" "$status $err" "0 "
try disconnect two c1
try connect two c1
tap_is "at once" "$status $err" "0 "
oci delete --force c1
it_wait 20 eval '[ "$(members two)" = 0 ] && [ "$(members default)" = 1 ]'
tap_is "deleted, it is on no network" "$(members two) $(members default)" "0 1"
try disconnect default c1
tap_like "nor can it be taken off" "$status $err" '^125 .*no such member'
try connect two c1
tap_like "or put on" "$status $err" '^125 .*c1'

# --- format ----------------------------------------------------------------------------------------

try ls --format '{{.Name}} {{.Mode}} {{len .Members}}'
tap_is "ls by a template" "$out" $'default nat 1\ntwo nat 0'
try ls --format 'table {{.Name}}\t{{.Prefixes}}'
tap_like "ls as a table of one's own" "$out" '^NAME +SUBNETS.*default +10\.201\.0\.0/22,fd'
try ls --filter name=tw --format jsonl
tap_is "ls as lines of JSON" "$(field .name)" two
try ls --format '{{.Name'
tap_like "no template" "$status" '^125$'
try inspect --format '{{json .Labels}}' two
tap_is "inspect by a template" "$status $out" "0 {}"

# --- links that vanish -----------------------------------------------------------------------------

# shellcheck disable=SC2317 # in the background
vanish() # removes what links of members it sees, again and again
{
	while [ -e "$it_tmp/vanish" ]; do
		for l in $(ip -o link | grep -o 'cv[0-9a-f]\{8\}'); do
			ip link del "$l" 2>/dev/null
		done
	done
}
try rm -f default
: >"$it_tmp/vanish"
vanish &
vanisher=$!
bad='' done=0 failed=0
ns_add v
for _ in {1..12}; do
	if log=$(net attach two --netns "$it_tmp/ns/v" -p 8099:80 2>&1 >/dev/null); then
		done=$((done + 1))
	else
		failed=$((failed + 1))
		[[ $log =~ (vanished|cv[0-9a-f]{8}|"set up interface"|"make interface") ]] || bad+=$log$'\n'
	fi
	log=$(net detach two --netns "$it_tmp/ns/v" 2>&1) || [[ $log = *"no such member"* ]] || bad+=$log$'\n'
done
rm "$it_tmp/vanish"
wait "$vanisher"
tap_empty "links that vanish at any time: attached $done times, refused $failed with a word why" "$bad"
it_wait 20 eval '[ "$(members two)" = 0 ]'
tap_is "no member is left" "$(members two)" 0
try attach two --netns "$it_tmp/ns/v" -p 8099:80 --format json
tap_is "and all goes on" "$status" 0
net_serve v v tcp:80
net_is "with its port" lan tcp 192.0.2.1 8099 "v 192.0.2.2"
try rm -f two
net_done
