# What tests of containers as a person types them share: caisson with stores of the test's own, an
# image made of busybox, and clean-up. net_host of netlib.sh runs first, then lib.sh, then this.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # results are for the test, it_tmp comes from lib.sh

: "${CAISSON:=${top_builddir:-$it_here/../../build}/caisson}"
if [ ! -x "$(command -v "$CAISSON")" ]; then
	echo "Bail out! $CAISSON is not there: build first, or set CAISSON"
	exit 1
fi
unset XDG_RUNTIME_DIR XDG_DATA_HOME
export HOME=$it_tmp/home
: "${CAISSON_GUEST=/nowhere}" # none is made, or looked for, on the host
export CAISSON_GUEST
mkdir -p "$HOME"

caisson() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 "${CAISSON_LIMIT:-120}" "$CAISSON" --root "$it_tmp/lib" --state "$it_tmp/run" "$@"
}

# As it_try: $out, $err, $status; stdin is empty.
c() # COMMAND [ARGUMENT...]
{
	it_try caisson "$@" </dev/null
}

# The image "box": busybox with /etc/passwd, a volume, an exposed port and a command.
eng_image()
{
	it_rootfs
	mkdir -p "$it_tmp/rootfs/data" "$it_tmp/rootfs/www"
	echo hello >"$it_tmp/rootfs/data/seed"
	echo page >"$it_tmp/rootfs/www/index.html"
	chmod 1777 "$it_tmp/rootfs/tmp"
	caisson import --change 'CMD ["sh"]' --change 'ENV FROM=image' --change 'LABEL made=test' \
		--change 'EXPOSE 80/tcp' "$it_tmp/rootfs" box >/dev/null
}

# Everything of the test ends, whatever it was.
eng_remove_all()
{
	caisson rm --all --force >/dev/null 2>&1
}

# What must not be left when all containers are removed; prints it.
eng_leftovers()
{
	it_mounts | grep -v "^$it_tmp/lib/images/"
	find "$it_tmp/run/containers" -mindepth 1 -maxdepth 1 -name '[!.]*' 2>/dev/null
	# an empty one is what a create leaves that was killed before it took its lock
	find "$it_tmp/lib/containers" -mindepth 1 -maxdepth 1 -name '[!.]*' ! -empty 2>/dev/null
	find "$it_tmp/lib/containers/.names" -mindepth 1 2>/dev/null
	find "$it_tmp/run" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' 2>/dev/null |
		grep -E '/[0-9a-f]{64}$'
	[ -d "$it_tmp/lib/networks" ] && find "$it_tmp/run/networks" -name 'c*.json' 2>/dev/null
	# its cgroups: by the ids that were ever created
	jq -r 'select(.Action == "create") | .Actor.ID' "$it_tmp/lib/containers/.events" 2>/dev/null |
		while read -r n; do
			find /sys/fs/cgroup -maxdepth 5 -type d -name "$n" 2>/dev/null
		done
}

# Ends a test of the engine.
eng_done()
{
	eng_remove_all
	caisson network ls -q 2>/dev/null | while read -r n; do
		caisson network rm --force "$n" >/dev/null 2>&1
	done
	tap_empty "nothing is left of the containers" "$(eng_leftovers)"
	tap_done
}

# The cgroup that containers of every store are made in stays: gone again if it was not there.
eng_parents=()
for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do
	[ ! -e "$d/cgroup.procs" ] || [ -d "$d/caisson" ] || eng_parents+=("$d/caisson")
done

# For the trap: lib.sh's clean-up comes after.
eng_cleanup()
{
	eng_remove_all
	rmdir "${eng_parents[@]}" 2>/dev/null
	it_cleanup
}
trap eng_cleanup EXIT
