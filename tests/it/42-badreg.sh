#!/bin/bash
# Pulls and pushes with a registry that hangs, lies, dies and steals: a clear line, nothing
# referenced that is not whole, a part that can be gone on with, credentials where they belong.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
tap_skip_emulated
command -v python3 >/dev/null || tap_skip_all "python3 is not installed"

img_badreg || { echo "Bail out! badreg.py does not start"; exit 1; }
plain=(--tls-verify=false --timeout 1s --retry 1)

# Pulls KIND and expects failure with a line that has TEXT; the store stays clean.
fails() # KIND TEXT [OPTION...]
{
	local kind=$1 text=$2
	shift 2

	rm -rf "$img_root"
	img_pull "${plain[@]}" "$@" "127.0.0.1:$bad/$kind/img"
	if [ "$status" != 125 ]; then
		tap_not_ok "$kind: refused" "status $status: $err"
		return
	fi
	img_like "$kind: says why" "$text" "$(tail -n 1 <<<"$err")"
	tap_empty "$kind: leaves nothing" "$(img_clean)"
}

works() # KIND [OPTION...]
{
	local kind=$1
	shift

	rm -rf "$img_root"
	img_pull "${plain[@]}" "$@" "127.0.0.1:$bad/$kind/img"
	img_is "$kind: pulled" "0 $id" "$status ${out##*$'\n'}" "$err"
}

asked() # JQ-FILTER: of the requests since the last mark
{
	tail -n "+$((mark + 1))" "$badlog" | jq -c "$1"
}

set_mark()
{
	mark=$(wc -l <"$badlog")
}

img_pull "${plain[@]}" "127.0.0.1:$bad/good/img"
id=$out
img_like "a good one is pulled" '^sha256:[0-9a-f]{64}$' "$id" "$err"

# --- answers that are none ---------------------------------------------------------------------
fails status-401 'refuses us and names no way to log in'
fails status-403 'access denied \(403\): so it is'
fails status-404 'not found: so it is'
fails status-500 'answers 500: so it is'
fails status-502 'answers 502'
fails limit 'rate limit is reached: you have reached your limit; try again in 900 s'
fails escape 'no\?\[31m\?second line\?\?\?x+; is there'
fails hangmanifest 'too slow|timed out'
fails hangblob 'too slow|timed out'
works busy --retry 2
works flaky

# --- lies --------------------------------------------------------------------------------------
fails wrongdigest 'stops in the middle|digest'
fails garbage 'not a tar'
fails short 'the registry has [0-9]+ bytes, the manifest says'
fails long 'the registry has [0-9]+ bytes, the manifest says'
fails size 'the registry has [0-9]+ bytes, the manifest says'
fails hugesize 'the registry has|limit|larger|more than'
fails endless 'longer than|more than'
fails cutchunks 'ends after 1000000 of'
fails endlessmanifest 'longer than'
fails hugemanifest 'longer than'
fails deep 'nested'
fails headers 'bytes of headers'
fails nojson 'manifest'
fails lyingdigest 'says its digest is sha256:0000'
fails path 'digest: must be'
fails foreign 'foreign layer'
fails urls 'URLs of its own'
fails many 'more than 500'
fails diffid "its diffID is"
fails schema1 'schema 1'
fails swapped 'its diffID is'
fails twice 'two diffIDs'

# What a config says of another image's layer is not believed because that layer is there.
for have in good good,second; do
	rm -rf "$img_root"
	img_pull "${plain[@]}" "127.0.0.1:$bad/good/img"
	[ "$have" = good ] || img_pull "${plain[@]}" "127.0.0.1:$bad/second/img"
	img_is "swapped, $have: there are others" 0 "$status" "$err"
	img_pull "${plain[@]}" "127.0.0.1:$bad/swapped/img"
	img_like "swapped, $have: refused" '^125 .*its diffID is' "$status $err"
	img_is "swapped, $have: not entered" "" "$(grep -o swapped "$img_root/images/index.json")"
done
set_mark
for i in 0 1 2 3 4 5 6; do
	fails "tags-$i" 'which is no tag' --all-tags
done
tap_empty "tags: none of them is asked for" "$(asked 'select(.path | contains("/tags/list") | not)')"

# --- connections that break --------------------------------------------------------------------
works die --retry 3
works norange
works wrongrange

# What has come is kept, and the next pull goes on from there.
fails dead 'layer'
part=$(find "$img_root/images/partial" -name '*.part' -size +500k)
img_like "dead: a part is left" '\.part$' "$part"
set_mark
img_pull "${plain[@]}" "127.0.0.1:$bad/good/img"
img_is "dead: the next pull succeeds" "0 $id" "$status $out" "$err"
img_like "dead: by going on" '^"bytes=[1-9][0-9]*-"$' \
	"$(asked 'select(.path | contains("/blobs/")) | .headers.range // empty')"
tap_empty "dead: and no part is left" "$(ls "$img_root/images/partial")"

# A part with other bytes, as a power cut may leave it: all of it again.
rm -rf "$img_root"
img_pull "${plain[@]}" "127.0.0.1:$bad/dead/img"
part=$(find "$img_root/images/partial" -name '*.part' -size +500k)
printf 'xxxxxxxx' | dd of="$part" bs=1 seek=5000 conv=notrunc 2>/dev/null
img_pull "${plain[@]}" "127.0.0.1:$bad/good/img"
img_is "a damaged part is fetched again" "0 $id" "$status $out" "$err"

# --- credentials -------------------------------------------------------------------------------
set_mark
works redirect --creds alice:s3cret
img_is "redirect: the other host sees no credentials" 3 \
	"$(asked 'select(.port == 1 and .headers.authorization == null)' | grep -c plain)"
tap_empty "redirect: none at all" "$(asked 'select(.port == 1) | .headers.authorization // empty')"
fails redirect 'wants credentials: caisson login'
fails redirect 'does not take our credentials' --creds alice:wrong
set_mark
fails steal 'wants credentials of its own' --creds alice:s3cret
tap_empty "steal: the thief gets none" "$(asked 'select(.port == 1) | .headers.authorization // empty')"
tap_empty "steal: and no token is asked for" "$(asked 'select(.path | startswith("/token"))')"
fails loop 'redirects'
fails file 'redirect|URL|not found|too many'

set_mark
works token
img_like "token: asked for the repository" 'repository%3Atoken%2Fimg%3Apull' \
	"$(asked 'select(.path | startswith("/token")) | .path')"
img_is "token: once" 1 "$(asked 'select(.path | startswith("/token"))' | wc -l)"
works token --creds alice:s3cret
fails token 'does not take our credentials' --creds alice:wrong
fails norealm 'does not say from where'
fails newline 'no usable token'
fails never 'does not take our credentials'

# A mirror is not the place the user named.
mirrored() # INSECURE: registries.conf with the other port as a mirror
{
	cat >"$img_conf" <<-END
	[[registry]]
	location = "127.0.0.1:$bad"
	[[registry.mirror]]
	location = "127.0.0.1:$bad2"
	insecure = $1
	END
	set_mark
}
mirrored true
works redirect --creds alice:s3cret
img_is "mirror: it is asked" 1 \
	"$(asked 'select(.port == 1 and (.path | contains("/manifests/")))' | wc -l)"
tap_empty "mirror: --creds are not for it" \
	"$(asked 'select(.port == 1) | .headers.authorization // empty')"
mirrored false
works good
tap_empty "mirror: nor is --tls-verify=false" "$(asked 'select(.port == 1) | .path')"
mirrored true
img_pull --timeout 1s --retry 0 --tls-verify=true "127.0.0.1:$bad/good/img"
img_is "mirror: --tls-verify=true is for it, too" "125 " "$status $(asked .path)"
: >"$img_conf"

# An identity token is exchanged by POST.
jq -n --arg h "127.0.0.1:$bad" '{auths: {($h): {identitytoken: "identity-token"}}}' >"$img_auth"
set_mark
works refresh
img_is "refresh: by POST" '"POST"' "$(asked 'select(.path == "/token") | .method')"
rm -f "$img_auth"

# --- pushes ------------------------------------------------------------------------------------
rm -rf "$img_root"
img_pull "${plain[@]}" "127.0.0.1:$bad/good/img"
img_push "${plain[@]}" "127.0.0.1:$bad/good/img" "127.0.0.1:$bad/push/img:v1"
img_is "a push" "0" "$status" "$err"
set_mark
img_push "${plain[@]}" "127.0.0.1:$bad/good/img" "127.0.0.1:$bad/push/img:v1"
tap_empty "a second push sends no blob" "$(asked 'select(.path | contains("/uploads/"))')"
img_push "${plain[@]}" "127.0.0.1:$bad/good/img" "127.0.0.1:$bad/push-foreign/img:v1"
img_like "an upload is not sent elsewhere" 'which is not it|not found' "$status $err"
tap_empty "not a byte of it" "$(asked 'select(.path == "/steal")')"
img_push --tls-verify=false "127.0.0.1:$bad/good/img" "127.0.0.1:$bad/push-flaky/img:v1"
img_is "a push through broken connections" "0" "$status" "$err"

# --- TLS ---------------------------------------------------------------------------------------
if command -v openssl >/dev/null; then
	img_tls
	img_badreg "$it_tmp/tls/server.crt" "$it_tmp/tls/server.key" "$it_tmp/tls/ca.crt"
	plain=(--timeout 1s --retry 0)
	fails good 'certificate'
	plain+=(--cert-dir "$it_tmp/tls")
	works good
	set_mark
	works redirect --creds alice:s3cret
	works token
	img_is "the client's certificate is for the registry alone" "[0,true] [1,false]" \
		"$(asked '[.port, .client]' | sort -u | paste -sd' ')"
	img_is "a token server and the host of blobs were asked" '"/plain" "/token"' \
		"$(asked 'select(.port == 1) | .path[:6]' | sort -u | paste -sd' ')"
	fails downgrade 'from https to plain http|by plain http'
	fails realm 'credentials sent by plain http'
	plain=(--timeout 1s --retry 0 --tls-verify=false)
	works good
	set_mark
	works redirect --creds alice:s3cret --cert-dir "$it_tmp/tls"
	tap_empty "TLS: the other host sees no credentials" \
		"$(asked 'select(.port == 1) | .headers.authorization // empty')"
else
	tap_skip "TLS" "openssl is not installed"
fi
it_done
