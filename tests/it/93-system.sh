#!/bin/bash
# A system container: Debian's systemd boots in it, gives a login on its console, and ends when it is
# stopped. CAISSON_IT_DEBIAN names a root filesystem with systemd and dbus:
#	debootstrap --variant=minbase --include=systemd-sysv,dbus,login bookworm DIR
# shellcheck disable=SC1091,SC2154 # what the files give
[ -n "${CAISSON_IT_DEBIAN-}" ] || {
	echo "1..0 # SKIP CAISSON_IT_DEBIAN names no root filesystem with systemd"
	exit 0
}
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
caisson import "$CAISSON_IT_DEBIAN" debian >/dev/null ||
	{ echo "Bail out! the image could not be made"; exit 1; }

booted()
{
	state=$(caisson exec sys systemctl is-system-running 2>/dev/null)
	[[ $state = running || $state = degraded ]]
}

getty()
{
	[ "$(caisson exec sys systemctl is-active console-getty)" = active ]
}

c run -d -t --systemd --network none --name sys debian /sbin/init
tap_is "it starts" "$status" 0
tap_check "systemd comes up" it_wait 120 booted
it_try caisson exec sys systemctl --failed --no-legend
tap_is "no unit has failed" "$out" ""
it_try caisson exec sys cat /proc/1/comm
tap_is "systemd is process 1" "$out" systemd
it_try caisson exec sys systemctl is-active systemd-journald systemd-logind
tap_is "services run in cgroups of their own" "$out" $'active\nactive'
tap_check "a login waits on the console" it_wait 60 getty
it_try caisson exec sys systemctl start --wait "dev-null.device" "systemd-tmpfiles-clean.service"
tap_unlike "units can be started" "$err" 'denied'
start=$SECONDS
c stop -t 60 sys
tap_check "stop shuts it down, it is not killed" test $((SECONDS - start)) -lt 50
c inspect sys
tap_is "and it says 0" "$(jq -r '.[0].State.ExitCode' <<<"$out")" 0
eng_done
