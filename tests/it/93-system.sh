#!/bin/bash
# A system container: Debian's systemd boots in it, lets one log in on its console, and ends when it
# is stopped. CAISSON_IT_DEBIAN names a root filesystem with systemd, a folder or a tar; without it
# one is made once, of the host's packages, by mmdebstrap.
# shellcheck disable=SC1091,SC2154 # what the files give
. "$(dirname "$0")/../tap.sh"
tap_skip_emulated
[ "${SANITIZE-}" != yes ] || tap_skip_all "the same program as without sanitizers, and long"

# Prints the path of the one that is kept for the next time.
debian()
{
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/caisson/debian sources=() options=() f

	mkdir -p "$cache" || return
	exec {lock}>"$cache/lock" && flock "$lock" || return
	if [ ! -e "$cache/systemd-1.tar" ]; then
		for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
			[ ! -s "$f" ] || sources+=("$f")
		done
		while read -r f; do
			options+=("--aptopt=$f")
		done < <(apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https)
		rm -f "$cache/new.tar"
		mmdebstrap --quiet "${options[@]}" --variant=essential --include=systemd-sysv,dbus,login,passwd \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' --format=tar '' "$cache/new.tar" "${sources[@]}" >&2 &&
			mv "$cache/new.tar" "$cache/systemd-1.tar" || return
	fi
	exec {lock}>&-
	echo "$cache/systemd-1.tar"
}

command -v python3 >/dev/null || tap_skip_all "python3 is not installed"
if [ -z "${CAISSON_IT_DEBIAN-}" ]; then
	[ -e "${XDG_CACHE_HOME:-$HOME/.cache}/caisson/debian/systemd-1.tar" ] ||
		command -v mmdebstrap >/dev/null || tap_skip_all "mmdebstrap is not installed"
	CAISSON_IT_DEBIAN=$(debian) || tap_skip_all "mmdebstrap could not make a Debian"
fi
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

c run -d -i -t --systemd --network none --name sys debian /sbin/init
tap_is "it starts" "$status" 0
tap_check "systemd comes up" it_wait 120 booted
it_try caisson exec sys systemctl --failed --no-legend
tap_is "no unit has failed" "$out" ""
it_try caisson exec sys cat /proc/1/comm
tap_is "systemd is process 1" "$out" systemd
it_try caisson exec sys systemctl is-active systemd-journald systemd-logind
tap_is "services are active" "$out" $'active\nactive'
it_try caisson exec sys cat /proc/1/cgroup
tap_like "systemd has moved itself into a cgroup of its own subtree" "$out" '/init\.scope($|'$'\n'')'
tap_check "a login waits on the console" it_wait 60 getty

cat >"$it_tmp/login.py" <<'PY'
import sys
from term import Terminal
t = Terminal(sys.argv[1:] + ["console", "sys"], 24, 80)
t.expect(rb"login: ", b"\r")
t.type(b"root\r")
t.expect(rb"Password: ")
t.type(b"secret\r")
t.expect(rb"[#] ")
t.type(b"tty; echo process $((1 + 0)) is $(cat /proc/1/comm)\r")
t.expect(rb"/dev/console\r\n(.*\r\n)*process 1 is systemd\r\n")
t.type(b"exit\r")
t.expect(rb"login: ")
t.type(b"\x1d") # ^], as virsh has it
print("detached", t.wait(), t.restored())
PY
caisson exec -i sys chpasswd <<<root:secret
it_try env PYTHONPATH="$it_here" PYTHONDONTWRITEBYTECODE=1 timeout 300 python3 "$it_tmp/login.py" \
	"$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run"
tap_is "one logs in there with a password, out again, and detaches" "$out" "detached 0 True"

it_try caisson exec sys systemctl start --wait systemd-tmpfiles-clean.service
tap_is "units can be started" "$status" 0
c restart -t 60 sys
tap_is "it restarts" "$status" 0
tap_check "and systemd comes up again" it_wait 120 booted
start=$SECONDS
c stop -t 60 sys
tap_check "stop shuts it down, it is not killed" test $((SECONDS - start)) -lt 50
c inspect sys
tap_is "and it says 0" "$(jq -r '.[0].State.ExitCode' <<<"$out")" 0
eng_done
