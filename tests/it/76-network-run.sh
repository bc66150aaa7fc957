#!/bin/bash
# The networks of containers as a person runs them: the default one, several, none, host, another
# container's; connected and disconnected by name.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
net_tools ip nft nsenter jq dnsmasq
probe=$(nft add table inet probe 2>&1 && nft delete table inet probe)
[ -z "$probe" ] || tap_skip_all "no nftables here: $probe"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }
trap 'eng_remove_all; it_cleanup' EXIT

members() # NETWORK
{
	caisson network inspect --format '{{len .Members}}' "$1"
}

net_neighbour lan 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64
c network create --ipv6=no two
c run -d --name web -p 8080:80 box httpd -f -h /www
tap_is "run on the default network" "$status $err" "0 "
it_wait 20 ns lan busybox wget -q -O "$it_tmp/page" http://192.0.2.1:8080/
tap_is "its published port" "$(cat "$it_tmp/page")" page
c run --rm box wget -q -O - http://web/
tap_is "another finds it by its name" "$out" page
c run --rm --network none box ip -o link
tap_is "none: only loopback" "$(grep -vc ': lo:' <<<"$out")" 0
c run --rm --network host box ip -o link show lan0
tap_like "host: the host's links" "$status $out" '^0 .*lan0'
c run --rm --network container:web box wget -q -O - http://127.0.0.1/
tap_is "another container's: its loopback" "$out" page
c run --rm --network default --network two box ip -o -4 addr
tap_like "two networks" "$out" 'eth0.*eth1'

c network connect two web
tap_is "connect by name" "$status $err" "0 "
c run --rm --network two box wget -q -O - http://web/
tap_is "found by its name there, too" "$out" page
c network connect two web
tap_like "not twice" "$status $err" '^125 .*web is on network two already'
c restart -t 0 web
c network inspect --format '{{range .Members}}{{.Name}}{{end}}' two
tap_is "a member by that name, also when it was started again" "$out" web
c network disconnect two web
tap_is "disconnect by name" "$status $err" "0 "
it_wait 20 eval '[ "$(members two)" = 0 ]'
tap_is "it is none any more" "$(members two)" 0
c restart -t 0 web
tap_is "nor when it was started again" "$status $(members two) $(members default)" "0 0 1"
c network disconnect two web
tap_like "again: it is not there" "$status $err" '^125 .*no such member of network two'
c stop -t 0 web
c network connect --ip 192.0.2.7 two web
tap_like "connect while it does not run: an address of another subnet" "$status $err" \
	'^125 .*192\.0\.2\.7 cannot be had in '
ns_add member
c network attach --format json --netns "$it_tmp/ns/member" two
c network connect --ip "$(jq -r '.ip4 | split("/")[0]' <<<"$out")" two web
tap_like "a member's" "$status $err" '^125 .* of network two belongs to '
c network detach --netns "$it_tmp/ns/member" two
c network connect --alias 'w w' two web
tap_like "no alias" "$status $err" '^125 .*"w w" is no name for a host'
c network attach --name taken --netns "$it_tmp/ns/member" two
c network connect --alias taken two web
tap_like "nor a member's name" "$status $err" '^125 .*alias taken is the name of .* on this network'
c network connect --name taken two web
tap_like "as its name, too" "$status $err" '^125 .*taken is '
c network detach --netns "$it_tmp/ns/member" two
c network connect --alias www --ifname lan7 two web
tap_is "connect while it does not run" "$status $out$err" "0 "
c network create --ipv6=no three
c network connect --ifname lan7 three web
tap_like "not with another's interface" "$status $err" '^125 .*lan7 of .*web is on network two already'
c network rm three
c start web
c run --rm --network two box wget -q -O - http://www/
tap_is "then it is found, by its alias" "$out" page
c exec web ip -o -4 addr show lan7
tap_is "by the interface's name" "$status" 0
c network disconnect two web
c run -d --name stays --cap-add NET_ADMIN --network container:web box sleep 1000
gateway=$(caisson network inspect default | jq -r '.[0].subnets[0].gateway')
c exec stays ping -c 1 -W 5 "$gateway"
tap_is "who shares its namespace is on the network" "$status" 0
c stop -t 0 web
c exec stays sh -c "ip link set eth0 down; ip link set eth0 up; ping -c 2 -W 1 $gateway"
tap_like "and cannot put itself back once it has ended" "$status $out" '^1 .* 0 packets received'
c rm -f stays
c start web
c network disconnect default web
c network disconnect two web
c restart -t 0 web
c exec web ip -o link
tap_is "on no network" "$status $(grep -vc ': lo:' <<<"$out")" "0 0"
c create --network host box
c network connect two "$out"
tap_like "not one with the host's network" "$status $err" '^125 .*no network of its own'
c network connect two web
c rm -f web
it_wait 20 eval '[ "$(members two)$(members default)" = 00 ]'
tap_is "removed, it is on no network" "$(members two) $(members default)" "0 0"
c network rm two
tap_is "which can be removed" "$status $out" "0 two"
net_done
