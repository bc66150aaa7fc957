#!/bin/bash
# Pulls from and pushes to Debian's docker-registry: images that other programs made, with and
# without TLS and passwords, read back by other programs; interrupted pulls, two at once, a full
# disk.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/images.sh"
tap_skip_emulated
for tool in docker-registry skopeo umoci openssl htpasswd; do
	command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done

plain=(--tls-verify=false --retry 0)
lay=$it_tmp/layout

quiet() # COMMAND [ARGUMENT...]
{
	"$@" >"$it_tmp/quiet" 2>&1 || { tap_not_ok "$1 $2" "$(<"$it_tmp/quiet")"; return 1; }
}

# An image of two layers in the OCI layout $lay, made by umoci: NAME, and a file of its own.
make_image() # NAME SIZE
{
	local d=$it_tmp/tree-$1

	[ -d "$lay" ] || quiet umoci init --layout "$lay"
	quiet umoci new --image "$lay:$1"
	mkdir -p "$d/etc" "$d/bin"
	head -c "$2" /dev/urandom >"$d/bin/data"
	echo "$1" >"$d/etc/name"
	ln -s name "$d/etc/link"
	quiet umoci insert --rootless --image "$lay:$1" "$d/bin" /bin
	quiet umoci insert --rootless --image "$lay:$1" "$d/etc" /etc
	quiet umoci config --image "$lay:$1" --config.cmd /bin/sh --config.env A=b
}

copy() # SOURCE DESTINATION [OPTION...]
{
	quiet skopeo --insecure-policy copy "${@:3}" --dest-tls-verify=false --src-tls-verify=false \
		--authfile "$it_tmp/skopeo.json" "$1" "$2"
}
echo '{}' >"$it_tmp/skopeo.json"

# The id (digest of the config) that the registry has.
id_of() # PORT NAME
{
	skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$1/$2" | jq -r .config.digest
}

img_registry plain || { echo "Bail out! docker-registry does not start"; exit 1; }
preg=$reg
make_image one 3000000
make_image two 200000
copy "oci:$lay:one" "docker://127.0.0.1:$preg/one:gzip"
copy "oci:$lay:one" "docker://127.0.0.1:$preg/one:zstd" --dest-compress-format zstd --dest-compress
copy "oci:$lay:one" "dir:$it_tmp/dir" --dest-decompress
copy "dir:$it_tmp/dir" "docker://127.0.0.1:$preg/one:tar"
copy "oci:$lay:one" "docker://127.0.0.1:$preg/one:v2s2" --format v2s2
copy "oci:$lay:two" "docker://127.0.0.1:$preg/two:latest"

# --- pulls -------------------------------------------------------------------------------------
diff_ids=
for tag in gzip zstd tar v2s2; do
	rm -rf "$img_root"
	img_pull "${plain[@]}" "127.0.0.1:$preg/one:$tag"
	img_is "$tag: pulled" "0 $(id_of "$preg" "one:$tag")" "$status $out" "$err"
	layers=$(find "$img_root/images/layers" -name layer.erofs | wc -l)
	: "${diff_ids:=$(ls "$img_root/images/layers")}"
	img_is "$tag: two layers, of the same names" "2 $diff_ids" "$layers $(ls "$img_root/images/layers")"
	if command -v fsck.erofs >/dev/null; then
		for f in "$img_root"/images/layers/*/layer.erofs; do
			tap_check "$tag: fsck.erofs is content" fsck.erofs "$f"
		done
	fi
done
img_pull "${plain[@]}" "docker://127.0.0.1:$preg/one:v2s2"
img_is "again, with docker://: nothing is fetched" "0 2" \
	"$status $(grep -c 'already there' <<<"$err")" "$err"
digest=$(skopeo inspect --tls-verify=false "docker://127.0.0.1:$preg/one:gzip" | jq -r .Digest)
img_pull "${plain[@]}" "127.0.0.1:$preg/one@$digest"
img_is "by digest" "0 $(id_of "$preg" one:gzip)" "$status $out" "$err"
img_like "its name has the digest" "one@$digest" "$(<"$img_root/images/index.json")"
img_pull "${plain[@]}" "127.0.0.1:$preg/one@sha256:$(printf '0%.0s' {1..64})"
img_like "a digest that is not there" '^125 .*not found' "$status $err"
img_pull "${plain[@]}" "127.0.0.1:$preg/none:latest"
img_like "a repository that is not there" '^125 .*not found' "$status $err"
rm -rf "$img_root"
img_pull "${plain[@]}" --all-tags "127.0.0.1:$preg/one"
img_is "--all-tags" "0 4" "$status $(wc -l <<<"$out")" "$err"
img_pull --retry 0 "127.0.0.1:$preg/two"
img_like "plain http only when asked for" '^125 ' "$status $err"

# --- an index of two platforms -----------------------------------------------------------------
entry() # TAG ARCH
{
	local raw
	raw=$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$preg/$1"; echo .)
	raw=${raw%.}
	jq -nc --arg d "sha256:$(printf %s "$raw" | sha256sum | cut -d' ' -f1)" \
		--argjson s "$(printf %s "$raw" | wc -c)" --arg a "$2" \
		'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s,
		  platform: {os: "linux", architecture: $a}}'
}
copy "oci:$lay:two" "docker://127.0.0.1:$preg/one:other"
jq -nc --argjson a "$(entry one:gzip amd64)" --argjson b "$(entry one:other s390x)" \
	'{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$a, $b]}' \
	>"$it_tmp/index.json"
python3 - "$preg" "$it_tmp/index.json" <<'END'
import sys, urllib.request
r = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/v2/one/manifests/multi", method="PUT",
    data=open(sys.argv[2], "rb").read(),
    headers={"Content-Type": "application/vnd.oci.image.index.v1+json"})
urllib.request.urlopen(r)
END
rm -rf "$img_root"
img_pull "${plain[@]}" --platform linux/amd64 "127.0.0.1:$preg/one:multi"
img_is "an index, one platform" "0 $(id_of "$preg" one:gzip)" "$status $out" "$err"
img_pull "${plain[@]}" --platform s390x "127.0.0.1:$preg/one:multi"
img_is "an index, another platform" "0 $(id_of "$preg" one:other)" "$status $out" "$err"
img_pull "${plain[@]}" --platform linux/arm64 "127.0.0.1:$preg/one:multi"
img_like "an index without the platform" '^125 .*linux/amd64.*linux/s390x' "$status $err"
img_pull "${plain[@]}" --platform a/b/c/d "127.0.0.1:$preg/one:multi"
img_like "a platform that is none" '^125 ' "$status $err"

# --- registries.conf ---------------------------------------------------------------------------
rm -rf "$img_root"
img_pull --retry 0 web
img_like "a short name without a registry" '^125 .*unqualified-search-registries' "$status $err"
cat >"$img_conf" <<END
unqualified-search-registries = ["127.0.0.1:$preg"]
[[registry]]
location = "127.0.0.1:$preg"
insecure = true
[[registry]]
prefix = "r.example/team"
location = "127.0.0.1:$preg"
insecure = true
[[registry.mirror]]
location = "127.0.0.1:1"
insecure = true
[[registry]]
prefix = "blocked.example"
blocked = true
[aliases]
"web" = "r.example/team/two"
END
img_pull --retry 0 two
img_is "a short name" "0 $(id_of "$preg" two)" "$status $out" "$err"
img_pull --retry 0 web
img_is "an alias, a dead mirror and a location" "0 $(id_of "$preg" two)" "$status $out" "$err"
img_like "named as it was asked for" 'r.example/team/two:latest' "$(<"$img_root/images/index.json")"
img_pull --retry 0 blocked.example/x
img_like "a blocked registry" '^125 .*blocks' "$status $err"
img_pull --retry 0 --tls-verify=true "127.0.0.1:$preg/two"
img_like "--tls-verify=true is stronger than the file" '^125 ' "$status $err"
echo 'colour = "red"' >"$it_tmp/bad.conf"
it_try caisson pull --registries-conf "$it_tmp/bad.conf" two
img_like "a file with what is not known" '^125 .*bad.conf: line 1: colour' "$status $err"
: >"$img_conf"

# --- TLS and passwords -------------------------------------------------------------------------
img_tls
htpasswd -Bbn alice s3cret >"$it_tmp/htpasswd" 2>/dev/null
img_registry tls "  tls: {certificate: $it_tmp/tls/server.crt, key: $it_tmp/tls/server.key}" \
	"auth:" "  htpasswd: {realm: test, path: $it_tmp/htpasswd}"
treg=$reg
certs=(--cert-dir "$it_tmp/tls" --retry 0)
login() # [OPTION...]; the password on stdin
{
	it_try caisson login --registries-conf "$img_conf" --authfile "$img_auth" "$@" "127.0.0.1:$treg"
}
img_pull --retry 0 "127.0.0.1:$treg/x"
img_like "an unknown authority" '^125 .*certificate.*certs.d' "$status $err"
img_pull "${certs[@]}" "127.0.0.1:$treg/x"
img_like "credentials are wanted" '^125 .*caisson login' "$status $err"
login --cert-dir "$it_tmp/tls" -u alice --password-stdin <<<wrong
img_like "login with a wrong password" '^125 .*does not take our credentials' "$status $err"
tap_check "nothing is kept of it" test ! -e "$img_auth"
login --cert-dir "$it_tmp/tls" -u alice --password-stdin <<<s3cret
img_is "login" "0 Login Succeeded!" "$status $out" "$err"
img_is "the file is private" 600 "$(stat -c %a "$img_auth")"
rm -rf "$img_root"
img_pull "${plain[@]}" "127.0.0.1:$preg/one:gzip"
img_push "${certs[@]}" "127.0.0.1:$preg/one:gzip" "127.0.0.1:$treg/team/app:v1"
img_is "push by TLS with a password" 0 "$status" "$err"
img_push "${certs[@]}" "127.0.0.1:$preg/one:gzip" "127.0.0.1:$treg/team/app:v2"
img_is "push again: all is there" "0 3" "$status $(grep -c 'already there' <<<"$err")" "$err"
rm -rf "$img_root"
img_pull "${certs[@]}" "127.0.0.1:$treg/team/app:v1"
img_is "pull by TLS with a password" "0 $(id_of "$preg" one:gzip)" "$status $out" "$err"
img_push "${certs[@]}" "127.0.0.1:$treg/team/app:v1" "127.0.0.1:$treg/other:v1"
img_is "push to another repository: mounted" "0 2" \
	"$status $(grep -c ': mounted' <<<"$err")" "$err"
jq -n --arg h "127.0.0.1:$treg" '{auths: {($h): {auth: ("alice:wrong" | @base64)}}}' >"$it_tmp/wrong.json"
img_pull "${certs[@]}" --authfile "$it_tmp/wrong.json" "127.0.0.1:$treg/team/app:v2"
img_like "a wrong password" '^125 .*does not take' "$status $err"
img_pull "${certs[@]}" --authfile "$it_tmp/wrong.json" --creds alice:s3cret "127.0.0.1:$treg/team/app:v2"
img_is "--creds" 0 "$status" "$err"
SSL_CERT_FILE=$it_tmp/tls/ca.crt img_pull --retry 0 "127.0.0.1:$treg/team/app:v1"
img_is "SSL_CERT_FILE" 0 "$status" "$err"
it_try caisson push "${certs[@]}" --creds alice:s3cret --progress plain --timeout 20s \
	--registries-conf "$img_conf" "127.0.0.1:$treg/team/app:v1" "127.0.0.1:$treg/team/app:v3"
img_is "push --creds --timeout --progress" "0 3" "$status $(grep -c 'already there' <<<"$err")" "$err"
it_try caisson image push -q "${certs[@]}" --authfile "$img_auth" "127.0.0.1:$treg/team/app:v1"
img_is "image push" "0 " "$status $err" "$err"
it_try caisson image pull -q "${certs[@]}" --authfile "$img_auth" "127.0.0.1:$treg/team/app:v3"
img_is "image pull" 0 "$status" "$err"
for t in all1 all2; do
	it_try caisson tag "127.0.0.1:$treg/team/app:v1" "127.0.0.1:$treg/team/all:$t"
done
img_push "${certs[@]}" --all-tags "127.0.0.1:$treg/team/all"
img_is "push --all-tags: the second finds all there" "0 3" "$status $(grep -c 'already there' <<<"$err")" "$err"
img_pull "${certs[@]}" "127.0.0.1:$treg/team/all:all2"
img_is "they are there" 0 "$status" "$err"
it_try caisson image push --all-tags "127.0.0.1:$treg/team/all:all1"
img_like "with a tag: refused" '^125 .*without a tag' "$status $err"
it_try caisson push -a "127.0.0.1:$treg/team/none"
img_like "no such name" '^125 .*no image here is called' "$status $err"
for with in "--cert-dir $it_tmp/tls --creds alice:s3cret" "--tls-verify=false --authfile $img_auth"; do
	# shellcheck disable=SC2086 # words
	it_try caisson --state "$it_tmp/state" create --name made --pull always $with \
		--registries-conf "$img_conf" "127.0.0.1:$treg/team/app:v2"
	img_like "create: pulls with ${with%%[ =]*}" '^0 [0-9a-f]{64}$' "$status $out" "$err"
	it_try caisson --state "$it_tmp/state" rm made
	# shellcheck disable=SC2086
	it_try caisson --state "$it_tmp/state" run --rm --pull always --network none $with \
		--registries-conf "$img_conf" "127.0.0.1:$treg/team/app:v2" /bin/no-such
	img_is "run: so does it" 127 "$status" "$err"
done
it_try caisson --state "$it_tmp/state" run --rm --pull always --network none --tls-verify=false \
	--creds alice:wrong --registries-conf "$img_conf" --cert-dir "$it_tmp/tls" \
	--authfile "$img_auth" "127.0.0.1:$treg/team/app:v2"
img_like "run with a wrong password: 125" '^125 .*does not take' "$status $err"
it_try caisson --state "$it_tmp/state" create --tls-verify=false --cert-dir "$it_tmp/tls" \
	--creds alice:wrong --authfile "$img_auth" --pull always "127.0.0.1:$treg/team/app:v2"
img_like "so has create" '^125 .*does not take' "$status $err"
it_try caisson logout --authfile "$img_auth" "127.0.0.1:$treg"
img_is "logout" "0 {}" "$status $(jq -c .auths "$img_auth")" "$err"
it_try caisson logout --authfile "$img_auth" "127.0.0.1:$treg"
img_like "logout again" '^125 .*not logged in' "$status $err"
login --tls-verify=false --timeout 20s -u alice --password s3cret
img_is "login --password --timeout" "0 Login Succeeded!" "$status $out" "$err"
it_try caisson logout --all --authfile "$img_auth"
img_is "logout --all" "0 {}" "$status $(jq -c .auths "$img_auth")" "$err"
mkdir -p "$HOME/.docker"
cp "$it_tmp/wrong.json" "$HOME/.docker/config.json"
it_try env "XDG_RUNTIME_DIR=$it_tmp" "$CAISSON" logout "127.0.0.1:$treg"
img_like "logout names the file that still has some" '^125 .*not logged in.*\.docker/config\.json' \
	"$status $err"
rm -r "$HOME/.docker"

img_registry mtls "  tls:" "    certificate: $it_tmp/tls/server.crt" "    key: $it_tmp/tls/server.key" \
	"    clientcas: [$it_tmp/tls/ca.crt]"
img_push "${certs[@]}" "127.0.0.1:$treg/team/app:v1" "127.0.0.1:$reg/app:v1"
img_is "a client's certificate" 0 "$status" "$err"
SSL_CERT_FILE=$it_tmp/tls/ca.crt img_pull --retry 0 "127.0.0.1:$reg/app:v1"
img_like "none: refused" '^125 ' "$status $err"

# --- pushes, read back by others ---------------------------------------------------------------
img_push "${plain[@]}" --chunk 500k "127.0.0.1:$treg/team/app:v1" "127.0.0.1:$preg/pushed/app:v1"
img_is "a push in pieces" 0 "$status" "$err"
copy "docker://127.0.0.1:$preg/pushed/app:v1" "oci:$it_tmp/back:v1"
img_is "skopeo reads it back: the same manifest" \
	"$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$preg/one:gzip" | sha256sum)" \
	"$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$preg/pushed/app:v1" | sha256sum)"
if command -v podman >/dev/null; then
	tap_check "podman pulls it" podman --root "$it_tmp/podman" --runroot "$it_tmp/podman-run" \
		--storage-driver vfs pull -q --tls-verify=false "127.0.0.1:$preg/pushed/app:v1"
fi

# --- how it is shown ---------------------------------------------------------------------------
rm -rf "$img_root"
img_pull "${plain[@]}" --progress=json "127.0.0.1:$preg/one:gzip"
img_is "--progress=json: objects" "2" \
	"$(jq -rs 'map(select(.state == "done" and .done == .size)) | length' <<<"$err")" "$err"
img_pull "${plain[@]}" -q "127.0.0.1:$preg/one:gzip"
img_is "--quiet" "0  $(id_of "$preg" one:gzip)" "$status $err $out"
img_pull "${plain[@]}" --progress=loud "127.0.0.1:$preg/one:gzip"
img_like "--progress of another kind" '^125 .*--progress' "$status $err"
rm -rf "$img_root"
tty=$(script -qec "stty cols 60; NO_COLOR= '$CAISSON' --root '$img_root' pull --tls-verify=false \
	--registries-conf '$img_conf' --progress=tty 127.0.0.1:$preg/one:gzip" /dev/null </dev/null)
img_like "on a terminal: a line a layer, and a total" $'\e\\[32m.*done.*total' "$tty"
img_is "no line is wider than it" "" "$(sed 's/\x1b\[[0-9]*[a-zA-Z]//g; s/\r//g' <<<"$tty" |
	grep -v '^sha256:' | awk 'length > 60')"
rm -rf "$img_root"
tty=$(script -qec "NO_COLOR=1 '$CAISSON' --root '$img_root' pull --tls-verify=false \
	--registries-conf '$img_conf' 127.0.0.1:$preg/one:gzip" /dev/null </dev/null)
tap_unlike "NO_COLOR" "$tty" $'\e\\[3[0-9]m'

# --- killed, twice at once, a full disk --------------------------------------------------------
want=$(id_of "$preg" one:gzip)
broken=
for i in 2 5 9 14 20 30 45 60 90 130; do
	[ "$i" = 2 ] && rm -rf "$img_root"
	timeout -s KILL "0.0$(printf %03d "$i")" "$CAISSON" --root "$img_root" pull -q "${plain[@]}" \
		--registries-conf "$img_conf" "127.0.0.1:$preg/one:gzip" >"$it_tmp/killed" 2>&1
	if [ $((i % 2)) = 0 ]; then
		img_pull "${plain[@]}" -q "127.0.0.1:$preg/one:gzip"
		[ "$status $out" = "0 $want" ] || broken+="after $i ms: $status $err"$'\n'
		rm -rf "$img_root"
	fi
done
tap_empty "killed at any time: the next pull succeeds" "$broken"
if command -v strace >/dev/null && [ "${SANITIZE-}" != yes ]; then
	broken=
	for call in fsync fdatasync renameat renameat2 rename unlinkat mkdirat flock ftruncate; do
		rm -rf "$img_root"
		strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=2" \
			"$CAISSON" --root "$img_root" pull -q "${plain[@]}" \
			--registries-conf "$img_conf" "127.0.0.1:$preg/one:gzip" >"$it_tmp/killed" 2>&1
		img_pull "${plain[@]}" -q "127.0.0.1:$preg/one:gzip"
		[ "$status $out" = "0 $want" ] || broken+="at $call: $status $err"$'\n'
		[ -z "$(img_left)" ] || broken+="at $call: $(img_left)"$'\n'
	done
	tap_empty "killed at a system call: the next pull succeeds" "$broken"
else
	tap_skip "killed at a system call" "no strace, or sanitizers"
fi

rm -rf "$img_root"
for i in 1 2 3; do
	caisson pull "${plain[@]}" --registries-conf "$img_conf" "127.0.0.1:$preg/one:gzip" \
		>"$it_tmp/out$i" 2>"$it_tmp/err$i" &
	it_pids+=($!)
done
wait "${it_pids[@]: -3}"
img_is "three pulls at once" "$want $want $want" "$(cat "$it_tmp"/out[123] | paste -sd' ')" \
	"$(cat "$it_tmp"/err[123])"

rm -rf "$img_root"
mkdir -p "$img_root"
mount -t tmpfs -o size=2m none "$img_root"
img_pull "${plain[@]}" "127.0.0.1:$preg/one:gzip"
img_like "a full disk" '^125 .*no space left' "$status $err"
mount -o remount,size=40m "$img_root"
img_pull "${plain[@]}" "127.0.0.1:$preg/one:gzip"
img_is "with more room the next pull succeeds" "0 $want" "$status $out" "$err"
umount "$img_root"
it_done
