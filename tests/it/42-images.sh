#!/bin/bash
# The image commands without a registry: images made by other programs are loaded, listed, named,
# saved, read back by others, mounted, verified and removed.
. "$(dirname "$0")/lib.sh"
tap_skip_emulated

caisson=${top_builddir:-$it_here/../../build}/caisson
[ -x "$caisson" ] || tap_skip_all "caisson is not built"
unset SOURCE_DATE_EPOCH

ca() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 120 "$caisson" --root "$it_tmp/store" --state "$it_tmp/run" "$@"
}

# What the store holds beside its own files.
content()
{
	find "$it_tmp/store/images/blobs/sha256" "$it_tmp/store/images/layers" \
		"$it_tmp/store/images/staging" -mindepth 1 -maxdepth 1
}

diff_ids() # IMAGE
{
	ca image inspect --format '{{json .RootFS.Layers}}' "$1"
}

# All that can be seen of a tree.
listing() # FOLDER
{
	(cd "$1" && find . ! -type d -printf '%P %y %#m %U:%G %s %T@ %n %l\n' -o \
		-printf '%P %y %#m %U:%G %T@\n' | sort)
}

it_rootfs
rootfs=$it_tmp/rootfs
ln "$rootfs/etc/passwd" "$rootfs/etc/passwd.hard"
ln -s passwd "$rootfs/etc/passwd.sym"
chmod 1777 "$rootfs/tmp"
chown 12:34 "$rootfs/var"
mkfifo "$rootfs/var/fifo"
mknod "$rootfs/dev/null" c 1 3
truncate -s 100000 "$rootfs/var/sparse"
touch -d '2001-02-03 04:05:06.123456789' "$rootfs/etc/group"
long=$(printf 'x%.0s' {1..120})
mkdir "$rootfs/var/$long" && echo long >"$rootfs/var/$long/$long"

# --- import ---------------------------------------------------------------------------------------

it_try ca import -c 'CMD ["/bin/sh"]' -c 'ENV A=b c' -c 'LABEL x="y z"' -c 'EXPOSE 80 53/udp' \
	-c 'WORKDIR /tmp' -m note "$rootfs" busy:1
tap_is "import of a folder" "$status:$err" "0:"
tap_like "it prints the id" "$out" '^sha256:[0-9a-f]{64}$'
id=$out
it_try ca image inspect busy:1
tap_is "its configuration is what the instructions say" "$(jq -c '.[0].Config' <<<"$out")" \
	'{"Cmd":["/bin/sh"],"Env":["A=b c"],"ExposedPorts":{"80/tcp":{},"53/udp":{}},"Labels":{"x":"y z"},"WorkingDir":"/tmp"}'
tap_is "history says it" "$(ca history --format '{{.CreatedBy}}|{{.Comment}}' busy:1)" \
	"caisson import|note"

it_try ca image mount busy:1
mnt=$out
tap_is "image mount" "$status:$err" "0:"
tap_is "it is the folder, file by file" "$(listing "$mnt")" "$(listing "$rootfs")"
tap_like "it cannot be written to" "$(touch "$mnt/x" 2>&1)" 'Read-only'
tap_is "image mount lists it" "$(ca image mount)" "${id#sha256:} $mnt"
it_try ca rmi busy:1
tap_is "an image that is mounted is not removed" "$status" 125
tap_like "and the message says what to do" "$err" 'used by a mount \(caisson image unmount'
ca tag busy:1 busy:again
it_try ca rmi busy:again
tap_is "but a name of it" "$status:$err" "0:"
ca image prune --all >/dev/null
tap_is "nor is it pruned" "$(ca image inspect --format '{{.Id}}' busy:1)" "$id"
it_try ca image unmount busy:1
tap_is "image unmount" "$status:$err:$(ca image mount)" "0::"

tar -C "$rootfs" -czf "$it_tmp/rootfs.tar.gz" .
it_try ca import - tarred <"$it_tmp/rootfs.tar.gz"
tap_is "import of a compressed tar from standard input" "$status:$err" "0:"
mnt=$(ca image mount tarred)
tap_is "it holds what the tar has" \
	"$(cd "$mnt" && find . -printf '%P %y %#m %U:%G\n' | sort)" \
	"$(cd "$rootfs" && find . -printf '%P %y %#m %U:%G\n' | sort)"
ca image unmount tarred
ca rmi tarred >/dev/null

# --- names and lists ------------------------------------------------------------------------------

it_try ca tag busy:1 other registry.example:5000/team/busy:2
tap_is "tag" "$status:$err" "0:"
tap_is "images by a template" "$(ca images --format '{{.Repository}}:{{.Tag}}')" \
	"localhost/busy:1
localhost/other:latest
registry.example:5000/team/busy:2"
tap_is "images --quiet" "$(ca images -q | sort -u)" "${id:7:12}"
tap_is "a heading" "$(ca images | head -1 | tr -s ' ')" "REPOSITORY TAG IMAGE ID CREATED SIZE"
tap_is "images --format json" "$(ca images --format json | jq -r '.[0].ID')" "$id"
tap_is "a table of one's own" "$(ca images --format 'table {{.Tag}}\t{{upper .Repository}}' other)" \
	"TAG       REPOSITORY
latest    LOCALHOST/OTHER"
tap_is "by repository" "$(ca images --format '{{.Tag}}' registry.example:5000/team/busy)" 2
tap_is "--filter reference" "$(ca images --filter 'reference=busy*' --format '{{.Tag}}')" 1
tap_is "--filter label" "$(ca images -q --filter 'label=x=y z' | wc -l)" 3
tap_is "--filter label, another value" "$(ca images -q --filter label=x=z)" ""
tap_is "--filter before itself" "$(ca images -q --filter before=other)" ""
for name in busy:1 localhost/busy:1 team/busy:2 "$id" "${id#sha256:}" "${id:7:6}" \
	"busy@$(ca image inspect --format '{{.Digest}}' other)"; do
	tap_is "it is found as $name" "$(ca image inspect --format '{{.Id}}' "$name")" "$id"
done
it_try ca untag other other
tap_is "untag" "$status:$err:$(ca images -q other)" "0::"
it_try ca import -m second "$rootfs/etc" team/busy:2
tap_is "a name can mean another image" "$status:$err" "0:"
ca tag team/busy:2 registry.example:5000/team/busy:2
tap_is "and the first keeps its other names" "$(ca images --format '{{.Repository}}' --no-trunc |
	sort -u | tr '\n' ' ')" "localhost/busy localhost/team/busy registry.example:5000/team/busy "
ca untag busy:1
tap_is "an image without names is dangling" \
	"$(ca images --filter dangling=true --format '{{.ID}} {{.Tag}}')" "${id:7:12} <none>"
it_try ca image prune
tap_like "image prune removes it" "$out" "^Deleted: $id"
tap_like "and says how much that was" "$out" 'Total reclaimed space: [0-9.]+MB'
tap_is "the others stay" "$(ca images -q | sort -u | wc -l)" 1
it_try ca rmi "$(ca images -q team/busy:2 | head -1)"
tap_is "by id it goes only when it has one name" "$status" 125
tap_like "and the message says what to do" "$err" '--force'
it_try ca rmi --force "$(ca images -q | head -1)"
tap_is "rmi --force" "$status:$err" "0:"
tap_is "nothing is left in the store" "$(content)" ""

# --- save, and others read it ---------------------------------------------------------------------

ca import -c 'CMD ["/bin/sh"]' "$rootfs" busy:1 >/dev/null
ca tag busy:1 other:2
id=$(ca image inspect --format '{{.Id}}' busy:1)
digest=$(ca image inspect --format '{{.Digest}}' busy:1)
it_try ca save -o "$it_tmp/docker.tar" busy:1 other:2
tap_is "save" "$status:$err" "0:"
it_try ca save --format oci-archive -o "$it_tmp/oci.tar" busy:1 other:2
tap_is "save --format oci-archive" "$status:$err" "0:"
it_try ca save --format oci-dir -o "$it_tmp/oci" busy:1
tap_is "save --format oci-dir" "$status:$err" "0:"
it_try ca save --format docker-dir -o "$it_tmp/dir" busy:1
tap_is "save --format docker-dir" "$status:$err" "0:"
ca save busy:1 other:2 >"$it_tmp/piped.tar"
tap_check "standard output gets the same bytes" cmp "$it_tmp/docker.tar" "$it_tmp/piped.tar"

if command -v skopeo >/dev/null; then
	for from in "docker-archive:$it_tmp/docker.tar:localhost/busy:1" \
		"oci-archive:$it_tmp/oci.tar:localhost/other:2" \
		"oci:$it_tmp/oci:localhost/busy:1" "dir:$it_tmp/dir" \
		"oci:$it_tmp/store/images:localhost/other:2"; do
		rm -rf "$it_tmp/copy"
		tap_check "skopeo reads ${from/"$it_tmp"\//}" \
			skopeo --insecure-policy copy -q "$from" "dir:$it_tmp/copy"
		tap_is "and finds the same image" \
			"sha256:$(jq -r '.config.digest | ltrimstr("sha256:")' "$it_tmp/copy/manifest.json")" \
			"$id"
	done
else
	tap_skip "skopeo reads what is saved" "skopeo is not installed"
fi
if command -v podman >/dev/null && [ -z "${CAISSON_LAB-}" ]; then
	it_try podman --root "$it_tmp/podman" --runroot "$it_tmp/podman-run" --storage-driver vfs \
		load -q -i "$it_tmp/docker.tar"
	tap_like "podman loads it" "$out" 'localhost/busy:1'
	tap_like "as the same image" "$(podman --root "$it_tmp/podman" --runroot \
		"$it_tmp/podman-run" --storage-driver vfs images -q --no-trunc)" "^$id"
	rm -rf "$it_tmp/podman"
else
	tap_skip "podman loads it" "podman is not installed, or the host is emulated"
fi

layers=$(diff_ids busy:1)
for from in "docker-archive:$it_tmp/docker.tar" "oci-archive:$it_tmp/oci.tar" "oci:$it_tmp/oci" \
	"dir:$it_tmp/dir" "$it_tmp/docker.tar" "$it_tmp/oci.tar" "$it_tmp/oci" "$it_tmp/dir"; do
	ca rmi -f "$id" >/dev/null
	it_try ca load "$from"
	tap_is "load ${from/"$it_tmp"\//}" "$status:$err" "0:"
	tap_is "it is the same image" "$(ca image inspect --format '{{.Id}}' "$id"):$(diff_ids "$id")" \
		"$id:$layers"
done
ca rmi -f "$id" >/dev/null
tap_is "an OCI archive keeps the digest, too" "$(ca load -i "$it_tmp/oci.tar" >/dev/null &&
	ca image inspect --format '{{.Digest}}' busy:1)" "$digest"
it_try ca load -i "$it_tmp/docker.tar"
tap_is "loading what is there is quiet work" "$status:$err:$(ca images | wc -l)" "0::3"
gzip -kf "$it_tmp/docker.tar"
it_try ca load <"$it_tmp/docker.tar.gz"
tap_is "load of a compressed archive from standard input" "$status:$err" "0:"
it_try ca image verify
tap_is "image verify has nothing to say" "$status:$out:$err" "0::"

# --- images of other programs ---------------------------------------------------------------------

if command -v skopeo >/dev/null; then
	for how in gzip zstd; do
		skopeo --insecure-policy copy -q --dest-compress --dest-compress-format "$how" \
			--format oci "oci:$it_tmp/oci:localhost/busy:1" "oci:$it_tmp/$how:busy" ||
			continue
		ca rmi --all >/dev/null
		it_try ca load "oci:$it_tmp/$how:busy"
		tap_is "load of layers by $how" "$status:$out" "0:Loaded image: localhost/$how:busy"
		tap_is "the layers are the same" "$(diff_ids "$how:busy")" "$layers"
		mnt=$(ca image mount "$how:busy")
		tap_is "and what is in them" "$(listing "$mnt")" "$(listing "$rootfs")"
		ca image unmount --all
	done
	# one layer in two forms is kept once
	ca rmi --all >/dev/null
	ca load "oci:$it_tmp/gzip:busy" >/dev/null
	ca load "oci:$it_tmp/zstd:busy" >/dev/null
	tap_is "one layer, two forms" "$(find "$it_tmp/store/images/layers" -mindepth 1 -maxdepth 1 |
		wc -l)" 1
	# an index for two platforms
	amd=$(jq -c '.manifests[0]' "$it_tmp/gzip/index.json")
	arm=$(jq -c '.manifests[0]' "$it_tmp/zstd/index.json")
	cp -r "$it_tmp/gzip" "$it_tmp/multi"
	cp -n "$it_tmp"/zstd/blobs/sha256/* "$it_tmp/multi/blobs/sha256/"
	jq -n --argjson a "$amd" --argjson b "$arm" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
		($a | del(.annotations) + {platform: {os: "linux", architecture: "amd64"}}),
		($b | del(.annotations) + {platform: {os: "linux", architecture: "arm64", variant: "v8"}})]}' \
		>"$it_tmp/index"
	sum=$(sha256sum <"$it_tmp/index" | cut -d' ' -f1)
	cp "$it_tmp/index" "$it_tmp/multi/blobs/sha256/$sum"
	jq -n --arg d "sha256:$sum" --argjson s "$(stat -c %s "$it_tmp/index")" '{schemaVersion: 2,
		manifests: [{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $s,
		annotations: {"org.opencontainers.image.ref.name": "registry.example/multi:1"}}]}' \
		>"$it_tmp/multi/index.json"
	ca rmi --all >/dev/null
	for arch in amd64 arm64 aarch64; do
		it_try ca load --platform "linux/$arch" -i "$it_tmp/multi"
		tap_is "load --platform linux/$arch" "$status:$out" \
			"0:Loaded image: registry.example/multi:1"
	done
	tap_is "its digest is the index's" "$(ca images --digests --format '{{.Digest}}' multi:1)" \
		"sha256:$sum"
	it_try ca load --platform linux/s390x -i "$it_tmp/multi"
	tap_is "a platform it is not for" "$status" 125
	tap_like "and the message lists those it is for" "$err" 'linux/amd64, linux/arm64/v8'
fi

if command -v umoci >/dev/null; then
	ca rmi --all >/dev/null
	umoci init --layout "$it_tmp/um" && umoci new --image "$it_tmp/um:t"
	umoci insert --image "$it_tmp/um:t" "$rootfs" / >/dev/null 2>&1
	mkdir -p "$it_tmp/more/etc" && echo new >"$it_tmp/more/etc/new"
	umoci insert --image "$it_tmp/um:t" --whiteout /etc/group >/dev/null 2>&1
	umoci insert --image "$it_tmp/um:t" --opaque "$it_tmp/more/etc" /var >/dev/null 2>&1
	umoci raw unpack --image "$it_tmp/um:t" "$it_tmp/unpacked" >/dev/null 2>&1
	it_try ca load "oci:$it_tmp/um:t"
	tap_is "load of umoci's layers with whiteouts" "$status:$out" "0:Loaded image: localhost/um:t"
	mnt=$(ca image mount um:t)
	tap_is "what is hidden is what umoci hides" \
		"$(cd "$mnt" && find . -printf '%P %y %#m %U:%G %l\n' | sort)" \
		"$(cd "$it_tmp/unpacked" && find . -printf '%P %y %#m %U:%G %l\n' | sort)"
	ca image unmount --all
	tap_is "image verify" "$(ca image verify 2>&1)" ""
else
	tap_skip "load of umoci's layers" "umoci is not installed"
fi

if command -v buildah >/dev/null && [ -z "${CAISSON_LAB-}" ]; then
	b() { buildah --root "$it_tmp/bh" --runroot "$it_tmp/bh-run" --storage-driver vfs "$@"; }
	c=$(b from scratch 2>/dev/null) && b add -q "$c" "$rootfs" / >/dev/null &&
		b config --cmd /bin/sh --label made=buildah "$c" &&
		b commit -q "$c" "docker-archive:$it_tmp/bh.tar:localhost/made:1" >/dev/null 2>&1
	it_try ca load -i "$it_tmp/bh.tar"
	tap_is "load of buildah's image" "$status:$out" "0:Loaded image: localhost/made:1"
	tap_is "its label" "$(ca image inspect --format '{{.Labels.made}}' made:1)" buildah
	rm -rf "$it_tmp/bh"
else
	tap_skip "load of buildah's image" "buildah is not installed, or the host is emulated"
fi

# --- bad input ------------------------------------------------------------------------------------

bad() # NAME PATTERN COMMAND...
{
	local name=$1 pattern=$2

	shift 2
	it_try ca "$@" </dev/null
	tap_is "$name: status and lines" "$status:$out:$(wc -l <<<"$err")" "125::1"
	tap_like "$name: the message" "$err" "$pattern"
}

head -c 100000 "$it_tmp/docker.tar" >"$it_tmp/cut.tar"
head -c 100000 /dev/urandom >"$it_tmp/noise"
cp -r "$it_tmp/oci" "$it_tmp/flipped"
big=$(find "$it_tmp/flipped/blobs" -type f -size +100k)
printf x | dd of="$big" bs=1 seek=70000 conv=notrunc status=none
cp -r "$it_tmp/oci" "$it_tmp/path"
sed -i 's/"sha256:[0-9a-f]*"/"sha256:..\/..\/..\/etc\/passwd"/' "$it_tmp/path/index.json"
cp -r "$it_tmp/oci" "$it_tmp/fifo"
big=$(find "$it_tmp/fifo/blobs" -type f -size +100k)
rm "$big" && mkfifo "$big"
cp -r "$it_tmp/oci" "$it_tmp/link"
big=$(find "$it_tmp/link/blobs" -type f -size +100k)
rm "$big" && ln -s /etc/passwd "$big"
mkdir "$it_tmp/empty"
printf '{"schemaVersion":1,"fsLayers":[],"history":[]}' >"$it_tmp/empty/manifest.json"
tar -C "$it_tmp" -cf "$it_tmp/plain.tar" rootfs.tar.gz

ca rmi --all >/dev/null
bad "no such image" 'is not here' rmi nosuch
bad "no such image for inspect" 'is not here' image inspect nosuch
bad "no such file" 'no such file' load -i "$it_tmp/nosuch"
bad "a truncated archive" 'ends in the middle' load -i "$it_tmp/cut.tar"
bad "noise" 'no tar archive' load -i "$it_tmp/noise"
bad "an empty archive" '.' load
bad "a tar without an image" 'holds no image' load -i "$it_tmp/plain.tar"
bad "a damaged layer" 'sha256|digest|damaged' load "oci:$it_tmp/flipped"
bad "a path as digest" '64 lower-case hex digits' load "oci:$it_tmp/path"
bad "a FIFO as blob" 'no regular file' load "oci:$it_tmp/fifo"
bad "a symlink out of the layout" 'no such file' load "oci:$it_tmp/link"
bad "schema 1" 'schema 1' load "dir:$it_tmp/empty"
bad "a transport that is not known" 'not known' load "sif://x"
bad "a name that is none" 'lower-case' tag busy UPPER/Case
bad "a bad filter" 'filter' images --filter nosuch=1
bad "a bad template" 'format' images --format '{{.Name'
bad "a bad instruction" 'change' import -c 'RUN true' "$rootfs"
bad "import of nothing" 'holds no files' import -
bad "noise as root filesystem" '.' import "$it_tmp/noise"
bad "save without a name" 'missing' save
tap_is "nothing of all that is in the store" "$(ca image prune >/dev/null; content)" ""

# --- damage is found ------------------------------------------------------------------------------

ca load -i "$it_tmp/oci.tar" >/dev/null
blob=$(find "$it_tmp/store/images/blobs" -type f -size +100k)
cp "$blob" "$it_tmp/blob"
printf x | dd of="$blob" bs=1 seek=70000 conv=notrunc status=none
it_try ca image verify
tap_is "a changed blob" "$status" 125
tap_like "is named" "$out" '^damaged: localhost/'
cp "$it_tmp/blob" "$blob"
tap_is "put right again" "$(ca image verify 2>&1)" ""
rm "$blob"
it_try ca image verify busy:1
tap_like "a missing blob" "$out" '^missing: localhost/busy:1'
ca load -i "$it_tmp/oci.tar" >/dev/null
tap_is "loading it again mends it" "$(ca image verify 2>&1)" ""

# --- a layer of another image ---------------------------------------------------------------------

# An image whose config has the diffID of a layer of busy:1, and whose blob is something else.
hostile=$it_tmp/hostile
put() # TEXT MEDIA-TYPE: a blob of the layout; its descriptor
{
	local sum
	sum=$(printf %s "$1" | sha256sum | cut -d' ' -f1)
	printf %s "$1" >"$hostile/blobs/sha256/$sum"
	jq -nc --arg d "sha256:$sum" --argjson s "${#1}" --arg m "$2" \
		'{mediaType: $m, digest: $d, size: $s}'
}
mkdir -p "$hostile/blobs/sha256"
printf '{"imageLayoutVersion":"1.0.0"}' >"$hostile/oci-layout"
oci=application/vnd.oci.image
layer=$(put "no tar at all" $oci.layer.v1.tar)
config=$(put "$(jq -nc --argjson d "$(diff_ids busy:1)" '{os: "linux", architecture: "amd64",
	config: {}, rootfs: {type: "layers", diff_ids: $d}}')" $oci.config.v1+json)
manifest=$(put "$(jq -nc --argjson c "$config" --argjson l "$layer" '{schemaVersion: 2,
	mediaType: "application/vnd.oci.image.manifest.v1+json", config: $c, layers: [$l]}')" \
	$oci.manifest.v1+json)
jq -nc --argjson m "$manifest" '{schemaVersion: 2, manifests: [$m]}' >"$hostile/index.json"
for n in 1 2; do
	bad "a blob that is not the layer of its diffID, try $n" 'its diffID is' load "oci:$hostile"
	cp -n "$hostile/blobs/sha256/"* "$it_tmp/store/images/blobs/sha256/"
done
tap_is "it is not entered" "$(ca images -q | sort -u | wc -l)" 1
ca image prune >/dev/null

# --- mounted and gone -----------------------------------------------------------------------------

mnt=$(ca image mount busy:1)
gone=$(ca image inspect --format '{{.Id}}' busy:1)
it_try ca rmi --force "$gone"
tap_is "rmi --force takes a mounted image away" "$status:$err" "0:"
it_try ca image unmount "${gone:7:12}"
tap_is "its mount is ended by the id" "$status:$err:$(ca image mount)" "0::"
tap_check "and its folder is gone" test ! -e "$mnt"
it_try ca image unmount "${gone:7:12}"
tap_like "which is no image any more" "$status $err" '^125 .*is not here'

# --- many at once, and many -----------------------------------------------------------------------

ca rmi --all >/dev/null
for i in 1 2 3 4; do
	ca load -q -i "$it_tmp/oci.tar" >"$it_tmp/load.$i" 2>&1 &
done
wait
tap_is "four loads at once" "$(cat "$it_tmp"/load.[1-4] | sort | uniq -c | tr -s ' ')" " 8 $id"
tap_is "leave one consistent store" "$(ca image verify 2>&1):$(ca images -q | wc -l)" ":2"

names=()
for i in {1..500}; do
	names+=("registry.example/many/n$i:v$i")
done
it_try ca tag busy:1 "${names[@]}"
tap_is "five hundred names" "$status:$(ca images -q | wc -l)" "0:502"
begin=${EPOCHREALTIME/[.,]/}
ca images >/dev/null
took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
echo "# images with 502 entries: $took ms"
[ -n "${CAISSON_LAB-}" ] || tap_check "are listed in less than a second" [ "$took" -lt 1000 ]
it_try ca rmi --all
tap_is "rmi --all" "$status:$err" "0:"
tap_is "nothing is left in the store" "$(content)" ""

it_done
