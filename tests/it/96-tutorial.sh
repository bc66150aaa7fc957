#!/bin/bash
# The README's five minutes, as they stand there: each of its command lines, typed by who has just
# cloned it. Only the folders of caisson are the test's own, the build is the one that is tested, and
# the image is made instead of pulled from a registry that is an example's.
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"
for tool in busybox dnsmasq script wget; do
	command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done
[ -x /usr/bin/busybox ] || tap_skip_all "busybox is not in /usr/bin"

mkdir -p "$it_tmp/bin" "$it_tmp/home"
cat >"$it_tmp/bin/caisson" <<END
#!/bin/sh
exec "$(readlink -f "$CAISSON")" --root "$it_tmp/lib" --state "$it_tmp/run" "\$@"
END
chmod +x "$it_tmp/bin/caisson"
readme=$(dirname "$0")/../../README.md
# the block's lines without what is said of them
mapfile -t lines < <(awk '
	/^## / { within = /^## Five minutes/ }
	within && /^    / { sub(/^ +/, ""); sub(/ +# .*/, ""); print }' "$readme")
tap_check "the README has a tutorial" test "${#lines[@]}" -gt 10

# One line in the folder that the others were typed in; a terminal where it asks for one.
line() # COMMAND
{
	local as=(bash -c "$1")

	[[ $1 != *" -it "* ]] || as=(script -qec "$1" /dev/null)
	it_try env PATH="$it_tmp/bin:$PATH" HOME="$it_tmp/home" \
		timeout 60 env -C "$it_tmp/home" "${as[@]}" <<<'exit'
	out=${out//$'\r'/}
}

for l in "${lines[@]}"; do
	case $l in
	"sudo ./quickstart build" | "caisson pull registry.example/"*) continue ;;
	*127.0.0.1:8080*) # its server may take a moment yet
		it_wait 20 wget -qO /dev/null http://127.0.0.1:8080/ ;;
	esac
	line "$l"
	[ "$status" = 0 ] || tap_comment <<<"$out" # a terminal has its errors there
	tap_is "$l" "$status $err" "0 "
	case $l in
	*"echo hello") tap_is "prints it" "$out" hello ;;
	*wget*) tap_is "the web server answers" "$out" "it works" ;;
	"caisson ps") tap_like "shows it with its port" "$out" '8080->80/tcp.*site' ;;
	*"exec site ps") tap_like "shows its processes" "$out" httpd ;;
	esac
	seen+=$l$'\n'
done
tap_is "the server was asked from the host, and by its name" "$(grep -c wget <<<"$seen")" 2
eng_done
