#!/bin/bash
# The AppArmor profile that containers have by default: loaded when it is missing, with rules that
# bind, and not where it is not wanted. Needs a kernel with AppArmor, as `tests/lab/run --apparmor`
# has.
# shellcheck disable=SC2086 # several words in one variable
. "$(dirname "$0")/../it/netlib.sh"
net_host "$@"
. "$(dirname "$0")/../it/lib.sh"
. "$(dirname "$0")/../it/englib.sh"
[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] ||
	tap_skip_all "AppArmor is not enabled; tests/lab/run --apparmor has it"
[ -r /sys/kernel/security/apparmor/profiles ] || tap_skip_all "securityfs is not mounted"
command -v apparmor_parser >/dev/null || tap_skip_all "apparmor is not installed"
eng_image || { echo "Bail out! the image could not be made"; exit 1; }

is_loaded() { grep -c '^caisson-default ' /sys/kernel/security/apparmor/profiles; }
unload() { ! is_loaded >/dev/null || echo 'profile caisson-default {}' | apparmor_parser --remove; }
unload
current='cat /proc/self/attr/current'
b() { c run --rm --network none "$@"; } # [OPTION...] box COMMAND...
b --privileged box $current
tap_is "--privileged: none" "$out$err" unconfined
b --security-opt apparmor=unconfined box $current
tap_is "apparmor=unconfined: none" "$out$err" unconfined
tap_is "nor was it loaded for them" "$(is_loaded)" 0
b box $current
tap_is "else there is one" "$status $out$err" "0 caisson-default (enforce)"
tap_is "which is loaded now" "$(is_loaded)" 1
b --init box sh -c "$current; kill -0 1 && echo signals"
tap_is "with --init, too" "$status $out$err" $'0 caisson-default (enforce)\nsignals'

c run -d --name up --network none box sleep 1000
c exec up $current
tap_is "exec has it" "$out$err" "caisson-default (enforce)"
c stop -t 5 up
tap_is "stop ends it" "$status $err" "0 "
c rm up
rules='for f in kernel/core_pattern kernel/modprobe vm/swappiness fs/file-max; do
		cat /proc/sys/$f >/tmp/was
		(cat /tmp/was >/proc/sys/$f) 2>/dev/null && echo "wrote $f"
	done
	cat /proc/sys/kernel/shmmni >/tmp/n && cat /tmp/n >/proc/sys/kernel/shmmni && echo shm
	mkdir /tmp/m && mount -t tmpfs none /tmp/m && echo mounts'
all=(--cap-add ALL --security-opt systempaths=unconfined --security-opt seccomp=unconfined)
b "${all[@]}" --security-opt apparmor=unconfined box sh -c "$rules"
tap_is "what the rules are against" "$out" \
	"wrote kernel/core_pattern
wrote kernel/modprobe
wrote vm/swappiness
wrote fs/file-max
shm
mounts"
b "${all[@]}" box sh -c "$rules"
tap_is "the host's knobs are not written with all capabilities, its own are, and it may mount" \
	"$out" $'shm\nmounts'
unload
eng_done
