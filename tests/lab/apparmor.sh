#!/bin/bash
# A container under an AppArmor profile: it has the profile, so has what exec starts in it, and the
# profile's rules bind. Needs a kernel with AppArmor, as `tests/lab/run --apparmor` has.
. "$(dirname "$0")/../it/lib.sh"
[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] ||
	tap_skip_all "AppArmor is not enabled; tests/lab/run --apparmor has it"
command -v apparmor_parser >/dev/null || tap_skip_all "apparmor is not installed"

profile=caisson-it-$$
load() # OPTION
{
	apparmor_parser --skip-cache "$1" <<-END
		profile $profile flags=(attach_disconnected) {
		  file,
		  capability,
		  signal,
		  mount,
		  deny /etc/secret rw,
		}
	END
}
tap_check "the profile is loaded" load --add
trap 'load --remove; it_cleanup' EXIT
with=".process.apparmorProfile = \"$profile\""
current='cat /proc/self/attr/current'

it_sh none "$current"
tap_is "without a profile" "$status:$out:$err" "0:unconfined:"
it_sh confined "$current; cat /proc/1/attr/current" "$with"
tap_is "the first process has the profile, and its children" "$status:$out:$err" \
	"0:$profile (enforce)
$profile (enforce):"
# shellcheck disable=SC2016 # for the container's shell
it_sh rules 'echo x >/etc/public && echo allowed
	(echo x >/etc/secret) 2>/dev/null || echo denied
	grep NoNewPrivs /proc/self/status' "$with | .process.noNewPrivileges = true"
tap_is "its rules bind, also with noNewPrivileges" "$status:$out" "0:allowed
denied
NoNewPrivs:	1"

it_start sleeper "$with"
tap_is "a detached container" "$status:$err" "0:"
pid=$(it_pid sleeper)
tap_is "has the profile, seen from the host" "$(cat "/proc/$pid/attr/current")" \
	"$profile (enforce)"
# shellcheck disable=SC2086 # several words
it_try oci exec sleeper $current
tap_is "so has exec" "$status:$out:$err" "0:$profile (enforce):"

it_start plain
# shellcheck disable=SC2086
it_try oci exec --apparmor "$profile" plain $current
tap_is "exec --apparmor in a container without one" "$status:$out:$err" "0:$profile (enforce):"
# shellcheck disable=SC2086
it_try oci exec plain $current
tap_is "and without the option" "$status:$out:$err" "0:unconfined:"
it_try oci exec --apparmor "$profile-none" plain true
tap_unlike "exec with a profile that is not loaded is refused" "$status" '^0$'
tap_like "and the message names it" "$err" "$profile-none"

it_sh wrong true ".process.apparmorProfile = \"$profile-none\""
tap_unlike "run too" "$status" '^0$'
tap_like "with the name" "$err" "$profile-none"
tap_is "and starts nothing" "$(it_status wrong)" ""
it_done
