#!/bin/bash
# The same command behind both walls: each line of parity.tbl is run without and with --vm, and what
# it prints, to which stream, and its exit statuses are compared. Lines, with " :: " between fields:
#
#	in GROUP :: OPTIONS :: SCRIPT	SCRIPT is run in a container with OPTIONS ("-": none), and with
#					those of all lines of the group: one container for all of it
#	out :: COMMANDS			COMMANDS, one after the other; what lines before it made is there
#	err :: COMMANDS			the same, but they fail, behind both walls alike
#	no :: COMMANDS :: MESSAGE	refused in a machine with that message, and not in a container
#	# slow				the rest of this part is not made for an emulated host's pace
#
# Each wall has stores of its own, so that names are the same; "run" and "create" get --vm, and
# "--network none" if they say nothing of networks. $dir is a folder; ids, addresses and what differs
# by chance are made alike before they are compared.
#
#	99-parity.sh --table		prints man/PARITY.md
# shellcheck disable=SC1091,SC2154 # what the files give
if [ "${1-}" = --table ]; then
	exec awk -f "$(dirname "$0")/parity.awk" "$(dirname "$0")/parity.tbl"
fi
. "$(dirname "$0")/netlib.sh"
net_host "$@"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/englib.sh"

. "$(dirname "$0")/vmpackage.sh"
CAISSON=$(readlink -f "$CAISSON")
table=$it_here/parity.tbl
it_rootfs
mkdir -p "$it_tmp/rootfs/data" "$it_tmp/rootfs/www"
echo hello >"$it_tmp/rootfs/data/seed"
echo page >"$it_tmp/rootfs/www/index.html"
chmod 1777 "$it_tmp/rootfs/tmp"
v=$(it_cgroup_version)

# Lines of the table, numbered.
slowly=yes
if [ -n "${CAISSON_LAB-}" ] && [ -z "${CAISSON_LAB_ALL-}" ]; then
	slowly=no
	tap_skip "what is slow" "not made for an emulated host's pace; CAISSON_LAB_ALL=1 runs it there too"
fi
lines()
{
	awk -v slowly="$slowly" '/^== / { slow = 0 } /^# slow$/ { slow = slowly == "no" }
		/^(in|out|err|no) / && !slow { print NR " :: " $0 }' "$table"
}

# --- what a wall has ---------------------------------------------------------------------------

# A folder with an image and stores, and a command "caisson" for it.
make_wall() # WALL
{
	dir=$it_tmp/$1
	mkdir -p "$dir/bin" "$dir/share"
	# somewhere else for who wants to see them while it runs
	mkdir -p "${PARITY_RESULTS:-$dir}/$1" && ln -sfn "${PARITY_RESULTS:-$dir}/$1" "$dir/res"
	echo shared >"$dir/share/f"
	echo file >"$dir/file"
	printf 'B=from-file\n# none\n' >"$dir/env"
	printf 'one=1\ntwo\n' >"$dir/labels"
	echo '{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [ { "names": [ "mkdir", "mkdirat" ],
		"action": "SCMP_ACT_ERRNO" } ] }' >"$dir/seccomp.json"
	cat >"$dir/bin/caisson" <<-SH
		#!/bin/sh
		what=\$1
		shift
		case \$what in
		run | create)
			case " \$* " in
			*" --network"*) ;;
			*) set -- --network none "\$@" ;;
			esac
			set -- --isolation=$1 "\$@"
			;;
		esac
		exec timeout --foreground -k 5 120 "$CAISSON" --root "$dir/lib" --state "$dir/run" \\
			"\$what" "\$@"
	SH
	chmod 755 "$dir/bin/caisson"
	"$dir/bin/caisson" import --change 'CMD ["sh"]' --change 'ENV FROM=image' --change \
		'EXPOSE 80/tcp' "$it_tmp/rootfs" box >"$dir/image"
}

# --- running -----------------------------------------------------------------------------------

# What differs by chance.
alike()
{
	tr -d '\r' | sed -E "s|$dir|DIR|g; s/\b[0-9a-f]{64}\b/ID/g
		s/\b[0-9a-f]{12}\b/ID/g; s/\b(10|172|192)(\.[0-9]+){3}/ADDRESS/g
		s/\bfd[0-9a-f]{2}(:[0-9a-f]*){3,7}/ADDRESS6/g
		s/container [a-z]+[_-][a-z]+\b/container NAME/g; s/mounts\[[0-9]+\]/mounts[N]/g"
}

# All lines of a group, in one container.
run_group() # GROUP
{
	local script='' opts=() all n rest o

	while IFS= read -r rest; do
		n=${rest%% *}
		rest=${rest#*" :: "}
		[[ $rest = "in $1 :: "* ]] || continue
		rest=${rest#"in $1 :: "}
		if [ "$v" = 1 ] && [[ $rest = */sys/fs/cgroup* ]]; then
			continue
		fi
		o=${rest%%" :: "*}
		[ "$o" = - ] && o=
		eval "all=($o)"
		for o in "${all[@]}"; do
			# a flag that several lines give
			[[ $o = -t && " ${opts[*]} " = *" -t "* ]] || opts+=("$o")
		done
		script+="echo @@$n; echo @@$n >&2; ( ${rest#*" :: "}
) || echo \"= \$?\"
"
	done < <(lines)
	caisson run --rm --name "g-$1" "${opts[@]}" box sh -c "$script" \
		>"$dir/group.out" 2>"$dir/group.err" </dev/null
	echo "= $?" >>"$dir/group.err"
	split out
	split err
}

split() # out|err
{
	tr -d '\r' <"$dir/group.$1" | awk -v to="$dir/res" -v kind="$1" '
		/^@@[0-9]+$/ { if (n) close(n); n = to "/" substr($0, 3) "." kind; printf "" >>n; next }
		n { print >>n }
		!n { print >>(to "/lost") }'
}

run_wall()
{
	local n what rest done=' ' group

	PATH=$dir/bin:$PATH
	export FROM_HOST=yes
	unset -f caisson
	while IFS= read -r rest; do
		n=${rest%% *}
		rest=${rest#*" :: "}
		what=${rest%%" :: "*}
		rest=${rest#*" :: "}
		echo "$SECONDS $n" >>"$dir/res/times"
		if [[ $what = in\ * ]]; then
			group=${what#in }
			[[ $done = *" $group "* ]] || run_group "$group"
			done+="$group "
			continue
		fi
		[ "$what" = no ] && rest=${rest%" :: "*}
		(
			eval "$rest"
			s=$?
			[ $s = 0 ] || echo "= $s"
		) >"$dir/res/$n.out" 2>"$dir/res/$n.err" </dev/null
	done < <(lines)
	cat "$dir/res/lost" 2>/dev/null
	caisson rm --all --force >/dev/null 2>&1
	caisson network ls -q 2>/dev/null | while read -r n; do
		caisson network rm --force "$n" >/dev/null 2>&1
	done
}

declare -A dirs
for wall in container vm; do
	make_wall $wall
	dirs[$wall]=$dir
done

# Everything of both walls ends, whatever it was; lib.sh's clean-up comes after.
parity_cleanup()
{
	local w

	[ "$BASHPID" = $$ ] || return
	for w in container vm; do
		"${dirs[$w]}/bin/caisson" rm --all --force >/dev/null 2>&1
	done
	eng_cleanup
}
trap parity_cleanup EXIT

for wall in vm container; do
	dir=${dirs[$wall]}
	(run_wall)
done

# --- comparing ---------------------------------------------------------------------------------

# What a line did behind a wall: what it printed, then what to stderr.
result() # WALL LINE
{
	dir=${dirs[$1]}
	{
		cat "$dir/res/$2.out"
		sed 's/^/stderr: /' "$dir/res/$2.err"
	} 2>&1 | alike
}

# Lines of "err" fail, those of "out" do not.
ended_right() # KIND LINE
{
	local failed=no

	[[ $(tail -n 1 "${dirs[vm]}/res/$2.out") =~ ^=\ [0-9]+$ ]] && failed=yes
	case $1 in
	out) [ $failed = no ] ;;
	err) [ $failed = yes ] ;;
	esac
}

while IFS= read -r rest; do
	n=${rest%% *}
	rest=${rest#*" :: "}
	name=${rest//#/\\#}
	if [ "$v" = 1 ] && [[ $rest = *"/sys/fs/cgroup"* ]]; then
		tap_skip "$name" "the host's cgroups are v1, a machine's v2"
		continue
	fi
	here=$(result container "$n")
	there=$(result vm "$n")
	if [[ $rest = "no "* ]]; then
		want=${rest##*" :: "}
		if [[ $there = *"= 125"* && $there = *": $want" && $here != *"$want"* ]]; then
			tap_ok "$name"
		else
			tap_not_ok "$name" "container: $here
machine:   $there"
		fi
	elif [ "$here" = "$there" ] && [ -e "${dirs[vm]}/res/$n.out" ] &&
		ended_right "${rest%% *}" "$n"; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "$(diff -U 99 --label container <(echo "$here") --label machine <(echo "$there"))"
	fi
done < <(lines)
tap_empty "no process of a machine is left" \
	"$(pgrep -x vmm; pgrep -x vmm-fs; pgrep -x caisson-vm)"
tap_empty "no mount is left" "$(it_mounts | grep -v "/lib/images/")"
tap_done
