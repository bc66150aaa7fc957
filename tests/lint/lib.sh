# What the lint scripts share: TAP and the list of the project's files.
# shellcheck shell=bash

top_srcdir=$(cd "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
cd "$top_srcdir" || exit 1
. tests/tap.sh

# Paths of all files of the project that match a glob pattern of git (find's -path without git),
# one a line: what git tracks or would track, or everything in an unpacked tarball.
lint_files() # PATTERN...
{
	local p args=()

	if [ -e .git ] && command -v git >/dev/null; then
		# the tree may belong to another user than the one who tests (sudo)
		git -c safe.directory='*' ls-files -co --exclude-standard -- "$@" | while read -r p; do
			[ -f "$p" ] && echo "$p"
		done
		return
	fi
	for p in "$@"; do
		args+=(-o -path "./$p")
	done
	# what the autotools made is not ours to judge
	find . \( -path './build*' -o -path './_build' -o -path ./.build-aux -o \
		-path ./autom4te.cache -o -path ./aclocal.m4 -o -path ./configure -o \
		-path ./Makefile.in \) -prune -o \
		-type f \( -false "${args[@]}" \) -printf '%P\n' | sort
}

# Skips the whole script when a tool is missing.
lint_need() # TOOL...
{
	local t

	for t in "$@"; do
		command -v "$t" >/dev/null || tap_skip_all "$t is not installed"
	done
}
