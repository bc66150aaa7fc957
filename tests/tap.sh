# TAP (testanything.org) for bash scripts: source it, call tap_* once a test point, end with
# tap_done. What a command printed is shown, as comments, when its point fails; tap_* then return 1.
# shellcheck shell=bash

tap_n=0
tap_failures=0

# Comment lines from stdin.
tap_comment()
{
	sed 's/^/# /'
}

tap_ok() # NAME
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

tap_not_ok() # NAME [DETAILS]
{
	tap_n=$((tap_n + 1))
	tap_failures=$((tap_failures + 1))
	if [ -n "${2-}" ]; then
		printf '%s\n' "$2" | tap_comment
	fi
	echo "not ok $tap_n - $1"
	return 1 # for `|| show_more`
}

tap_skip() # NAME REASON
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# Skips the whole script.
tap_skip_all() # REASON
{
	echo "1..0 # SKIP $1"
	exit 0
}

# Skips the whole script in the lab: its waits are made for a real machine.
tap_skip_emulated()
{
	if [ -n "${CAISSON_LAB-}" ] && [ -z "${CAISSON_LAB_ALL-}" ]; then
		tap_skip_all "not made for an emulated host's pace; CAISSON_LAB_ALL=1 runs it there too"
	fi
}

# One point: the command succeeds.
tap_check() # NAME COMMAND...
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		tap_ok "$name"
	else
		tap_not_ok "$name" "$1 gave $?: $out"
	fi
}

# One point: the text is empty; else it is shown.
tap_empty() # NAME TEXT
{
	if [ -z "$2" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "$2"
	fi
}

# One point: the two texts are the same.
tap_is() # NAME GOT WANTED
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got:    '$2'
wanted: '$3'"
	fi
}

# One point: the text matches the extended regular expression.
tap_like() # NAME TEXT REGEX
{
	if [[ $2 =~ $3 ]]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got:               '$2'
wanted a match of: '$3'"
	fi
}

# One point: the text does not match.
tap_unlike() # NAME TEXT REGEX
{
	if [[ $2 =~ $3 ]]; then
		tap_not_ok "$1" "got:                 '$2'
wanted no match of: '$3'"
	else
		tap_ok "$1"
	fi
}

# Ends the script: the plan, then exit status 1 if a point failed.
tap_done()
{
	echo "1..$tap_n"
	exit $((tap_failures > 0))
}
