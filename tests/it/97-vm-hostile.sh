#!/bin/bash
# A workload that means ill: root of the guest, with a driver of its own for the machine's devices in
# place of the kernel's (tests/guest/hostile.c), and root of a container with all capabilities. It gets
# no further than its guest: not to the host's files, not to networks, machines and streams of others.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
tap_skip_emulated
. "$(dirname "$0")/vmpackage.sh"
hostile=$build/tests/guest/hostile
[ -x "$hostile" ] || { echo "Bail out! $hostile is not there: build it first"; exit 1; }
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

# Nothing of the host's has changed, and the guest has made nothing beside its volume.
untouched() # WHAT
{
	tap_is "$1: the host's file is as it was" \
		"$(cat "$it_tmp/secret"; stat -c '%a %s' "$it_tmp/secret")" $'secret\n600 7'
	tap_is "$1: and so is all around" "$(cd "$it_tmp/files" && find . -path './volume/*' -prune -o -print |
		sort | tr '\n' ' ')" ". ./keep ./keep/file ./keep/is-read-only ./volume "
}

mkdir -p "$it_tmp/files/volume" "$it_tmp/files/keep"
echo secret >"$it_tmp/secret" && chmod 600 "$it_tmp/secret"
echo kept | tee "$it_tmp/files/keep/file" "$it_tmp/files/keep/is-read-only" >"$it_tmp/files/volume/file"
ln -s "$it_tmp/secret" "$it_tmp/files/volume/out"
ln -s / "$it_tmp/files/volume/root"
mknod "$it_tmp/files/volume/null" c 1 3
mkfifo "$it_tmp/files/volume/pipe"
volumes=(-v "$it_tmp/files/volume:/volume" -v "$it_tmp/files/keep:/keep:ro")

tap_comment <<<"root of the guest, with its own driver"
"$(dirname "$0")/../../kvm/guest/initramfs" "$hostile" "$it_tmp/initrd"
vm run --vm --network none --name h "${volumes[@]}" --kernel "$CAISSON_GUEST/vmlinux" \
	--initrd "$it_tmp/initrd" --append "$(<"$CAISSON_GUEST/cmdline") secret=$it_tmp/secret" box true
tap_like "it ends without having run anything: 125" "$status $err" '^125 .*its machine has ended'
vm logs --boot h
tap_comment <<<"$out"
said=$(printf '%s\n' "$out" | tr -d '\r')
if grep -q 'not ok the machine.s devices' <<<"$said"; then
	tap_skip "the guest's kernel keeps its devices from its root: there is no /dev/mem"
else
	tap_empty "all that it tried was in vain" "$(grep '^not ok' <<<"$said")"
	tap_is "and it tried all" "$(grep -c "^ok" <<<"$said")" 19
	tap_like "to its end" "$said" 'hostile: done'
fi
vm rm h
untouched "its driver"
tap_empty "nothing of it is left" "$(pgrep -x vmm; pgrep -x vmm-fs; pgrep -x caisson-vm)"

tap_comment <<<"root of a container"
cp "$hostile" "$it_tmp/files/volume/hostile"
vm run -d --vm --network none --name m --cap-add ALL --security-opt seccomp=unconfined "${volumes[@]}" \
	box /volume/hostile dial 1000
said() { caisson logs m 2>&1 | grep -q dials; }
it_wait 60 said
for n in 1 2 3 4; do
	it_try sh -c "echo in-$n | timeout 120 '$CAISSON' --root '$it_tmp/lib' --state '$it_tmp/run' \
		exec -i m sh -c 'cat; exit $n'"
	tap_is "an exec's stream is its own, whoever else dials ($n)" "$status $out" "$n in-$n"
done
vm logs m
tap_empty "nobody answered it" "$(grep '^not ok' <<<"$out$err")"
vm exec m sh -c 'mknod /tmp/mem c 1 1; cat /tmp/mem | head -c 1 | wc -c; mknod /tmp/port c 1 4; cat /tmp/port'
tap_like "memory and ports of the guest are not its, for all its capabilities" "$err" 'Operation not permitted'
vm exec m sh -c 'mkdir /tmp/share; mount -t virtiofs caisson /tmp/share && ls /tmp/share/..
	echo x >/tmp/share/m1/file; echo x >/keep/file; mount -o remount,rw /keep; echo x >/keep/file; rm /keep/file'
untouched "all capabilities"
tap_is "what is read-only stays so" "$(cat "$it_tmp/files/keep/file")" kept
vm rm -f m

tap_comment <<<"its network"
caisson network create one >/dev/null
caisson network create two >/dev/null
caisson run -d --name web --network two box httpd -f -h /www >/dev/null
caisson run -d --name near --network one box httpd -f -h /www >/dev/null
mkdir "$it_tmp/www" && echo host >"$it_tmp/www/index.html"
busybox httpd -f -p 127.0.0.1:8077 -h "$it_tmp/www" &
it_pids+=($!)
far=$(caisson inspect web --format '{{.NetworkSettings.Networks.two.IPAddress}}')
near=$(caisson inspect near --format '{{.NetworkSettings.Networks.one.IPAddress}}')
cat >"$it_tmp/files/volume/net" <<-'SH'
	get() { timeout 4 wget -qO- "http://$1/" 2>/dev/null || echo "no $2"; }
	far=$1 near=$2
	own=$(ip route | awk '/^default/ { print $3 }')
	get "$near" near
	get "$far" "another network's member"
	ip route add "$far" via "$own" 2>/dev/null; get "$far" "nor by a route"
	ip addr add "${far%.*}.77/24" dev eth0; get "$far" "nor from an address there"
	ip addr del "${far%.*}.77/24" dev eth0
	ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via "$own"; get 127.0.0.1:8077 "host's loopback"
	ping -c 1 -W 3 -I 8.8.8.8 "$near" >/dev/null 2>&1; echo "foreign source $?"
	ip addr add "$far/32" dev eth0; ping -c 1 -W 3 -I "$far" "$near" >/dev/null 2>&1; echo "another's source $?"
SH
for wall in container vm; do
	vm run --rm --isolation "$wall" --network one --cap-add ALL --sysctl net.ipv4.conf.all.route_localnet=1 \
		"${volumes[@]}" box sh /volume/net "$far" "$near"
	printf '%s\n' "$out" >"$it_tmp/net.$wall"
	tap_comment <<<"$wall: $out $err"
done
tap_is "a machine reaches what a container does, with every trick" "$(<"$it_tmp/net.vm")" "$(<"$it_tmp/net.container")"
tap_is "a member, and neither another network nor the host's loopback" "$(head -n 5 "$it_tmp/net.vm")" "page
no another network's member
no nor by a route
no nor from an address there
no host's loopback"
eng_done
