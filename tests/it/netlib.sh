# What tests of networks share, beside lib.sh: a host of their own. net_host moves the script into
# network and mount namespaces of its own, whose network is "the host"; members and neighbours are
# further namespaces joined to it by veth. All of it goes with the script.
# shellcheck shell=bash
# shellcheck disable=SC2154 # it_* are those of lib.sh

# Starts the script again in namespaces of its own. Before lib.sh is sourced.
net_host()
{
	[ "$(id -u)" = 0 ] || return 0
	if [ -z "${NET_HOST-}" ]; then
		NET_HOST=1 exec unshare --net --mount --propagation private "$0" "$@"
	fi
	ip link set lo up
}

net_programs=${top_builddir:-$(dirname "${BASH_SOURCE[0]}")/../../build}/tests/it
netfw=$net_programs/netfw
netpeer=$net_programs/netpeer

net_tools() # PROGRAM...: skips the script when one is missing
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
	done
	[ -x "$netfw" ] || tap_skip_all "tests/it/netfw is not built"
	[ -x "$netpeer" ] || tap_skip_all "tests/it/netpeer is not built"
}

# A namespace NAME.
ns_add() # NAME
{
	mkdir -p "$it_tmp/ns"
	touch "$it_tmp/ns/$1"
	unshare --net="$it_tmp/ns/$1" true
	ns "$1" ip link set lo up
}

# Runs a command in it; "host" is where we are.
ns() # NAME COMMAND...
{
	local name=$1

	shift
	if [ "$name" = host ]; then
		"$@"
	else
		nsenter --net="$it_tmp/ns/$name" "$@"
	fi
}

# A bridge with its addresses.
net_bridge() # NAME IPV4/LEN [IPV6/LEN]
{
	ip link add "$1" type bridge
	ip addr add "$2" dev "$1"
	[ -z "${3-}" ] || ip -6 addr add "$3" dev "$1" nodad
	ip link set "$1" up
}

# A namespace whose eth0 is a port of the bridge; routes by the gateways.
net_member() # NAME BRIDGE IPV4/LEN GATEWAY [IPV6/LEN GATEWAY] [MAC]
{
	ns_add "$1"
	ip link add "v-$1" type veth peer name eth0 netns "$it_tmp/ns/$1"
	ip link set "v-$1" master "$2" up
	ns "$1" ip link set eth0 up
	ns "$1" ip addr add "$3" dev eth0
	ns "$1" ip route add default via "$4"
	[ -n "${5-}" ] || return 0
	ns "$1" ip -6 addr add "$5" dev eth0 nodad
	ns "$1" ip -6 route add default via "$6"
}

# A neighbour of the host: NAME's eth0 and the host's link "NAME0".
net_neighbour() # NAME HOST-IPV4/LEN IPV4/LEN HOST-IPV6/LEN IPV6/LEN
{
	ns_add "$1"
	ip link add "${1}0" type veth peer name eth0 netns "$it_tmp/ns/$1"
	ip addr add "$2" dev "${1}0"
	ip -6 addr add "$4" dev "${1}0" nodad
	ip link set "${1}0" up
	ns "$1" ip addr add "$3" dev eth0
	ns "$1" ip -6 addr add "$5" dev eth0 nodad
	ns "$1" ip link set eth0 up
	# their link-local ones are tried first, and until then nobody is found
	it_wait 20 net_settled "$1"
}

net_settled() # NAME
{
	[ -z "$(ip -6 addr show tentative && ns "$1" ip -6 addr show tentative)" ]
}

# Servers in a namespace that answer "WORD CLIENT-ADDRESS".
net_serve() # NAME WORD PROTO:PORT...
{
	local name=$1 ready=$it_tmp/serve.$1.$2

	shift
	if [ "$name" = host ]; then
		it_background "$netpeer" serve "$@" >"$ready"
	else
		it_background nsenter --net="$it_tmp/ns/$name" "$netpeer" serve "$@" >"$ready"
	fi
	disown
	it_wait 20 [ -s "$ready" ]
}

# One point: what a namespace gets from there: "WORD CLIENT-ADDRESS", "refused", "timeout",
# "unreachable".
net_is() # POINT-NAME NAME PROTO ADDRESS PORT WANTED
{
	tap_is "$1" "$(ns "$2" "$netpeer" ask "$3" "$4" "$5")" "$6"
}

# Ends the test, instead of it_done.
net_done()
{
	local p

	for p in "${it_pids[@]}"; do
		kill -9 "$p" 2>/dev/null
	done
	umount "$it_tmp"/ns/*
	it_done
}
