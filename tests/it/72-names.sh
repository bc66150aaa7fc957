#!/bin/bash
# The name server of a network, in a host of its own: who finds whom, by UDP and TCP; DHCP with a
# real client; and that it comes and goes with the members, whoever is killed.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
tap_skip_emulated
net_tools ip nsenter dnsmasq dig
[ -e /etc/resolv.conf ] || tap_skip_all "there is no /etc/resolv.conf"

dir=$it_tmp/names
mkdir -m 700 "$dir"
net=(net=n br=br0 v4=10.9.1.1/24 v6=fd00:9:1::1/64)
web=(owner=aaaabbbbccccdddd ip4=10.9.1.2 ip6=fd00:9:1::2 name=web alias=www alias=both)
db=(owner=db-id ip4=10.9.1.3 ip6=fd00:9:1::3 name=db alias=both)
vm=(owner=vm-id ip4=10.9.1.9 ip6=fd00:9:1::9 name=vm mac=02:00:00:00:00:09)

name() # COMMAND [OPTION...]
{
	it_try "$netfw" "$dir" "$@"
}

server() # its pid, if it runs
{
	local pid

	pid=$(cat "$dir/pid" 2>/dev/null) && [ -e "/proc/$pid/root/tmp/hosts" ] && echo "$pid"
}
# shellcheck disable=SC2317 # by it_wait
no_server()
{
	[ -z "$(server)" ]
}
# Whatever happens, none stays.
trap 'kill $(server) 2>/dev/null; it_cleanup' EXIT

q() # QUESTION...: the answers, sorted, on one line; from a member
{
	ns "${from:-a}" dig +short +time=2 +tries=2 "@${at:-10.9.1.1}" "$@" | grep -v '^;' | sort | paste -sd ' '
}
# A question whose answer is on its way: a file has been put, or has gone.
soon() # POINT WANTED QUESTION...
{
	local point=$1 wanted=$2 got end=$((SECONDS + 20))

	shift 2
	until got=$(q "$@"); [ "$got" = "$wanted" ] || [ $SECONDS -ge $end ]; do
		sleep 0.05
	done
	tap_is "$point" "$got" "$wanted"
}

net_bridge br0 10.9.1.1/24 fd00:9:1::1/64
net_member a br0 10.9.1.50/24 10.9.1.1 fd00:9:1::50/64 fd00:9:1::1
# The host's resolver, that knows one name.
ns_add up
ip link add up0 type veth peer name eth0 netns "$it_tmp/ns/up"
ip addr add 192.0.2.1/24 dev up0
ip link set up0 up
ns up ip addr add 192.0.2.53/24 dev eth0
ns up ip link set eth0 up
it_background nsenter --net="$it_tmp/ns/up" dnsmasq --conf-file=/dev/null --keep-in-foreground --no-hosts --no-resolv \
	--pid-file= --listen-address=192.0.2.53 --bind-interfaces \
	--address=/outside.example/203.0.113.7 --user=root
echo "nameserver 192.0.2.53" >"$it_tmp/resolv.conf"
mount --bind "$it_tmp/resolv.conf" "$(readlink -f /etc/resolv.conf)"

# --- names -----------------------------------------------------------------------------------------

tap_is "no server without members" "$(server)" ""
name name "${net[@]}" "${web[@]}"
tap_is "the first member" "$status $err" "0 "
first=$(server)
tap_like "starts it" "$first" '^[0-9]+$'
name name "${net[@]}" "${db[@]}"
tap_is "the second" "$status $err $(server)" "0  $first"
for opt in +notcp +tcp; do
	soon "$opt: a name" 10.9.1.2 $opt web
	soon "$opt: its IPv6 address" fd00:9:1::3 $opt db AAAA
	tap_is "$opt: an alias" "$(q $opt www)" 10.9.1.2
	tap_is "$opt: an alias of two" "$(q $opt both)" "10.9.1.2 10.9.1.3"
	tap_is "$opt: a short id" "$(q $opt aaaabbbbcccc)" 10.9.1.2
	tap_is "$opt: an address's name" "$(q $opt -x 10.9.1.3)" db.
	tap_is "$opt: an IPv6 address's" "$(q $opt -x fd00:9:1::2)" web.
	tap_is "$opt: a name outside" "$(q $opt outside.example)" 203.0.113.7
done
tap_is "at the IPv6 address of the gateway" "$(at=fd00:9:1::1 q web)" 10.9.1.2
tap_is "from the host" "$(from=host q web)" 10.9.1.2
tap_like "a plain name of nobody" "$(ns a dig @10.9.1.1 nobody)" 'status: NXDOMAIN'
tap_like "it has no user's rights" \
	"$(awk '/^(Uid|CapEff|NoNewPrivs):/ { print $2 }' "/proc/$first/status" | paste -sd ' ')" \
	"^$(id -u "$(ps -o user= -p "$first")") 0000000000000[04]00 1\$"
tap_is "it cannot write" "$(awk '$5 != "/tmp" && $6 !~ /^ro/' "/proc/$first/mountinfo")" ""

name name "${net[@]}" owner=other ip4=10.9.1.4 name=db
tap_is "a name in use" "$status $err" "1 name db is in use by db-id on this network"
name name "${net[@]}" owner=other ip4=10.9.1.4 name=other alias=db
tap_is "an alias that is another's name" "$status $err" "1 alias db is the name of db-id on this network"
name name "${net[@]}" "${db[@]}" alias=db
tap_is "one that is its own" "$status $err" "0 "
for name in both BOTH; do
	name name "${net[@]}" owner=other ip4=10.9.1.4 name=$name
	tap_like "a name that is another's alias: $name" "$status $err" \
		"^1 name $name is an alias of (db-id|aaaabbbbccccdddd) on this network"
done
name name "${net[@]}" owner=other ip4=10.9.1.4 name=DB
tap_is "a name in use, in capitals" "$status $err" "1 name DB is in use by db-id on this network"
name name "${net[@]}" owner=other ip4=10.9.1.4 name=other alias=Db
tap_is "an alias that is another's name, in capitals" "$status $err" \
	"1 alias Db is the name of db-id on this network"
for id in AAAAbbbbcccc db-id; do
	name name "${net[@]}" owner=other ip4=10.9.1.4 name=$id
	tap_like "a name that is another's id: $id" "$status $err" \
		"^1 name $id is the id of (db-id|aaaabbbbccccdddd) on this network"
done
name unname "${net[@]}" owner=other
name name "${net[@]}" owner=web ip4=10.9.1.4
tap_is "an id that is another's name" "$status $err" "0 "
soon "is not found by it" 10.9.1.2 web
name unname "${net[@]}" owner=web
name name "${net[@]}" "${db[@]}"
for bad in 'a b' 'a
10.9.1.9 evil' ../x '' -a .a; do
	name name "${net[@]}" owner=other ip4=10.9.1.4 "name=$bad"
	tap_like "a name that is none: ${bad@Q}" "$status $err" '^1 ".*" is no name for a host'
done
name hosts "${net[@]}" owner=self-id ip4=10.9.1.7 name=self
tap_is "a file of hosts" "$(sort <<<"$out")" "$(sort <<-END
	127.0.0.1 localhost
	::1 localhost ip6-localhost ip6-loopback
	10.9.1.7 self self-id
	10.9.1.2 web www both aaaabbbbcccc
	fd00:9:1::2 web www both aaaabbbbcccc
	10.9.1.3 db both db-id
	fd00:9:1::3 db both db-id
	END
)"

name unname "${net[@]}" "${db[@]}"
tap_is "a member goes" "$status $err $(server)" "0  $first"
soon "and its name" "" db
tap_is "the alias is the other's" "$(q both)" 10.9.1.2
name unname "${net[@]}" "${db[@]}"
tap_is "again it is no error" "$status $err" "0 "
name name "${net[@]}" owner=other ip4=10.9.1.4 name=db
tap_is "its name is free" "$status $err" "0 "
soon "and another's" 10.9.1.4 db
name unname "${net[@]}" owner=other

# shellcheck disable=SC2317 # by it_wait
lease_is() # WANTED
{
	it_try ns guest udhcpc -f -q -n -t 2 -T 1 -i eth0 -s "$it_tmp/bound"
	[ "$out" = "$1" ]
}

# --- addresses -------------------------------------------------------------------------------------

name name "${net[@]}" "${vm[@]}"
tap_is "a virtual machine" "$status $err" "0 "
soon "has a name" 10.9.1.9 vm
soon "the others keep theirs" 10.9.1.2 web
if command -v udhcpc >/dev/null; then
	ns_add guest
	ip link add v-guest type veth peer name eth0 netns "$it_tmp/ns/guest"
	ip link set v-guest master br0 up
	ns guest ip link set eth0 address 02:00:00:00:00:09 up
	# shellcheck disable=SC2016 # for the script that is written
	printf '%s\n' '#!/bin/sh' '[ "$1" != bound ] || echo "$ip/$mask $router $dns $hostname"' \
		>"$it_tmp/bound"
	chmod +x "$it_tmp/bound"
	it_try ns guest udhcpc -f -q -n -t 10 -T 1 -i eth0 -s "$it_tmp/bound"
	tap_is "is given its address" "$out" "10.9.1.9/24 10.9.1.1 10.9.1.1 vm"
	# words that mean something else where the server is told of addresses
	name unname "${net[@]}" "${vm[@]}"
	for word in ignore infinite 1h; do
		name name "${net[@]}" "${vm[@]/#name=*/name=$word}"
		tap_is "one called $word" "$status $err" "0 "
		it_wait 20 lease_is "10.9.1.9/24 10.9.1.1 10.9.1.1 $word"
		tap_is "is given its address and name" "$out" "10.9.1.9/24 10.9.1.1 10.9.1.1 $word"
		name unname "${net[@]}" "${vm[@]/#name=*/name=$word}"
	done
	name name "${net[@]}" "${vm[@]}"
	it_wait 20 lease_is "10.9.1.9/24 10.9.1.1 10.9.1.1 vm"
	ns guest ip link set eth0 address 02:00:00:00:00:0a
	it_try ns guest udhcpc -f -q -n -t 2 -T 1 -i eth0 -s "$it_tmp/bound"
	tap_is "a stranger is not" "$out" ""
	it_wait 20 eval 'ns guest ip -6 route | grep -q "^default via fe80:.* proto ra"'
	tap_is "it hears of the router" $? 0
else
	tap_skip "DHCP" "udhcpc is not installed"
fi
name unname "${net[@]}" "${vm[@]}"

# --- the end of it, and kills ----------------------------------------------------------------------

pid=$(server)
kill -9 "$pid"
it_wait 10 no_server
name mend "${net[@]}"
tap_is "a killed server is started anew" "$status $err" "0 "
soon "it knows the members" 10.9.1.2 web
# A pid file that lies.
sleep 300 &
it_pids+=($!)
cp "$dir/pid" "$it_tmp/pid"
echo $! >"$dir/pid"
name unname "${net[@]}" "${web[@]}"
tap_check "no other process is killed" kill -0 $!
cp "$it_tmp/pid" "$dir/pid"
name mend "${net[@]}"
tap_is "it ends without members" "$status $err" "0 "
it_wait 10 no_server
tap_is "and is gone" $? 0

for i in {1..8}; do
	it_try timeout -s KILL "0.0$((RANDOM % 4))$((RANDOM % 9 + 1))" \
		"$netfw" "$dir" name "${net[@]}" "${web[@]}"
	[ $((i % 2)) = 0 ] || continue
	name name "${net[@]}" "${web[@]}"
	[ "$status" = 0 ] || break
	name unname "${net[@]}" "${web[@]}"
	[ "$status" = 0 ] || break
done 2>/dev/null
tap_is "killed at any time, the next goes on" "$status $err" "0 "
it_wait 10 no_server
tap_empty "no server is left" "$(server)"
tap_empty "no file of a member either" "$(find "$dir" -mindepth 2)"

net_bridge br1 10.9.2.1/24
name name net=shut br=br1 mode=isolated v4=10.9.2.1/24 "${web[@]}"
tap_is "an isolated network" "$status $err" "0 "
at=10.9.2.1 from=host soon "has names" 10.9.1.2 web
tap_like "but asks nobody outside" "$(dig @10.9.2.1 outside.example)" 'status: REFUSED'
ip link del br1
net_bridge br1 10.9.2.1/24
name mend net=shut br=br1 mode=isolated v4=10.9.2.1/24
at=10.9.2.1 from=host soon "a new bridge of that name gets a new server" 10.9.1.2 web
name unname net=shut br=br1 mode=isolated v4=10.9.2.1/24 "${web[@]}"
net_done
