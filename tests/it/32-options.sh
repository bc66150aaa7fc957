#!/bin/bash
# Options that contradict one another, and files that say nothing of use, are refused, not ignored.
. "$(dirname "$0")/lib.sh"

it_start exec
tap_is "a container to exec in" "$status:$err" "0:"
refused() # NAME REGEX OPTION...
{
	it_try oci exec "${@:3}" </dev/null
	tap_like "$1" "$status:$err" "^255:.*$2"
}
refused "exec -d -t without a console socket" 'give --console-socket' -d -t exec sleep 300
refused "exec --console-socket without a terminal" 'the process gets none' \
	-d --console-socket "$it_tmp/s" exec true
refused "exec -t --console-socket without -d" 'is for a detached process' \
	-t --console-socket "$it_tmp/s" exec true
echo '{ "terminal": true, "cwd": "/", "args": ["sleep", "300"] }' >"$it_tmp/tty"
refused "exec -d --process with a terminal" 'give --console-socket' -d -p "$it_tmp/tty" exec
echo '{ "cwd": "/", "args": ["echo", "hello"] }' >"$it_tmp/process"
refused "exec --process --tty, when the file says no" '--tty: .*has no terminal' -t \
	-p "$it_tmp/process" exec
for option in --user=1 --env=A=b --cwd=/tmp --cap=CAP_KILL --additional-gids=1 --apparmor=p \
	--process-label=l --no-new-privs; do
	refused "exec --process $option" "${option%%=*}: does not go with --process" \
		"$option" -p "$it_tmp/process" exec
done
it_try oci exec -p "$it_tmp/process" exec
tap_is "exec --process alone" "$status:$out:$err" 0:hello:
tap_is "nothing of them runs" "$(oci ps --format json exec | jq length)" 1
it_bundle tty '.process.terminal = true | .process.args = ["true"]'
it_try oci run --console-socket "$it_tmp/s" --bundle "$bundle" tty </dev/null
tap_like "run --console-socket without --detach" "$status:$err" '^1:.*is for a detached process'

for text in null '[]' 5 '"x"'; do
	it_try oci update --resources - exec <<<"$text"
	tap_like "update --resources: $text is no object" "$status:$err" \
		'^1:.*--resources -: .*must be an object'
done
it_try oci update --resources - exec <<<'{}'
tap_is "update --resources: an empty object changes nothing" "$status:$err" "0:"
it_done
