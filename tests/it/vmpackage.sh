# What tests of containers in machines need: /dev/kvm that runs Linux, and a guest package. After
# lib.sh and englib.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # it_tmp comes from lib.sh

if ! grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo || [ ! -e /dev/kvm ]; then
	tap_skip_all "/dev/kvm that runs Linux is not here; the lab has it"
fi
command -v cpio >/dev/null || tap_skip_all "cpio is not installed"
build=$(cd "$(dirname "$CAISSON_OCI")" && pwd)
export CAISSON_GUEST=$it_tmp/guest
"$build/make-guest" "$CAISSON_GUEST" ||
	tap_skip_all "there is no guest kernel, and none can be downloaded"

# A machine that is emulated takes its time.
vm() # COMMAND [ARGUMENT...]
{
	CAISSON_LIMIT=400 it_try caisson "$@" </dev/null
}
