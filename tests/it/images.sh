# What tests of pulls and pushes share: caisson with a store of the test's own, images to pull, and
# registries. Sourced after tests/it/lib.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # results are for the test, it_tmp comes from lib.sh

: "${CAISSON:=${top_builddir:-$it_here/../../build}/caisson}"
if [ ! -x "$(command -v "$CAISSON")" ]; then
	echo "Bail out! $CAISSON is not there: build first, or set CAISSON"
	exit 1
fi

# Nobody's credentials, settings and proxies but the test's.
unset REGISTRY_AUTH_FILE DOCKER_CONFIG CONTAINERS_REGISTRIES_CONF XDG_RUNTIME_DIR XDG_CONFIG_HOME
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
export HOME=$it_tmp/home
mkdir -p "$HOME"
img_root=$it_tmp/lib
img_conf=$it_tmp/registries.conf
: >"$img_conf"
img_auth=$it_tmp/auth.json

caisson() # COMMAND [ARGUMENT...]
{
	timeout --foreground -k 5 60 "$CAISSON" --root "$img_root" "$@"
}

img_pull() # [OPTION...] NAME; with it_try: $out, $err, $status
{
	it_try caisson pull --registries-conf "$img_conf" --authfile "$img_auth" "$@"
}

img_push() # [OPTION...] NAME [NAME]
{
	it_try caisson push --registries-conf "$img_conf" --authfile "$img_auth" "$@"
}

# The store has nothing half made, and no name for what was not pulled.
img_clean() # prints what is wrong
{
	local s=$img_root/images

	find "$s/staging" -mindepth 1 2>/dev/null
	[ ! -s "$s/index.json" ] || jq -r '.manifests[]?.annotations | tojson' "$s/index.json"
}

# badreg.py; sets $bad and $bad2 to its ports, $badlog to what it was asked.
img_badreg() # [CERT KEY [CA]]
{
	local d
	d=$(mktemp -d "$it_tmp/badreg.XXXXXX")

	it_background python3 "$it_here/badreg.py" "$d" "$@"
	it_wait 20 test -f "$d/ports" || return
	read -r bad bad2 <"$d/ports"
	badlog=$d/log.jsonl
}

# Debian's docker-registry with NAME's folder and configuration; sets $reg to its port.
img_registry() # NAME [YAML-LINE...]
{
	local name=$1 port
	shift

	for port in $(shuf -i 20000-32000 -n 5); do
		mkdir -p "$it_tmp/reg-$name"
		{
			printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n'
			printf 'storage:\n  delete: {enabled: true}\n'
			printf '  filesystem: {rootdirectory: %s}\n' "$it_tmp/reg-$name"
			printf 'http:\n  addr: 127.0.0.1:%s\n' "$port"
			printf '  secret: test\n'
			printf '%s\n' "$@"
		} >"$it_tmp/$name.yml"
		it_background docker-registry serve "$it_tmp/$name.yml" >"$it_tmp/$name.log" 2>&1
		reg=$port
		it_wait 10 img_answers "$port" && return
	done
	return 1
}

img_answers() # PORT
{
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A certificate authority, a server's and a client's certificate in $it_tmp/tls.
img_tls()
{
	local d=$it_tmp/tls

	mkdir -p "$d"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$d/ca.key" -out "$d/ca.crt" \
		-subj /CN=test-ca -days 2 2>/dev/null
	for n in server client; do
		openssl req -newkey rsa:2048 -nodes -keyout "$d/$n.key" -out "$d/$n.csr" \
			-subj "/CN=$n" 2>/dev/null
		openssl x509 -req -in "$d/$n.csr" -CA "$d/ca.crt" -CAkey "$d/ca.key" \
			-CAcreateserial -out "$d/$n.crt" -days 2 2>/dev/null \
			-extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
	done
	cp "$d/client.crt" "$d/client.cert"
}

# Points that show more than what is compared: usually what the command said.
img_is() # NAME WANTED GOT [WHY]
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got: '$3', wanted: '$2'
${4-}"
	fi
}

img_like() # NAME REGEX TEXT [WHY]
{
	if [[ $3 =~ $2 ]]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got: '$3', wanted a match of: '$2'
${4-}"
	fi
}

# What a dead process has left that a later pull should have taken away.
img_left()
{
	find "$img_root/images/staging" "$img_root/images/partial" -mindepth 1 2>/dev/null
}
