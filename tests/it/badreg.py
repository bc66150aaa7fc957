#!/usr/bin/python3
"""A registry that misbehaves, and a token server: for tests of pulls and pushes.

badreg.py DIRECTORY [CERT KEY [CA]]

Listens on two free ports of 127.0.0.1 (with CERT and KEY: by TLS) and writes them to
DIRECTORY/ports. The first path component of a repository says what is wrong with it: see the
functions bad_*. Each request is a line of JSON in DIRECTORY/log.jsonl: port, method, path, headers,
client: whether a certificate was shown (asked for with CA, which must have signed it).
"""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
USER, PASSWORD = "alice", "s3cret"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(seed, size):
    """Bytes that do not compress, the same each time."""
    out = bytearray()
    block = seed.encode()
    while len(out) < size:
        block = hashlib.sha512(block).digest()
        out += block
    return bytes(out[:size])


class Image:
    """Two layers, the first of some size."""

    def __init__(self, seed, size, platform=("linux", "amd64", "")):
        self.blobs = {}
        layers, diff_ids = [], []
        for i, n in enumerate((size, 1000)):
            tar = tar_of([(f"file-{seed}-{i}", noise(f"{seed}{i}", n))])
            blob = gzip.compress(tar, 1, mtime=0)
            diff_ids.append(digest(tar))
            layers.append(self.add(blob, OCI + "layer.v1.tar+gzip"))
        config = {
            "os": platform[0],
            "architecture": platform[1],
            "config": {"Cmd": ["/file"], "Labels": {"seed": seed}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        if platform[2]:
            config["variant"] = platform[2]
        self.manifest = {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": self.add(json.dumps(config).encode(), OCI + "config.v1+json"),
            "layers": layers,
        }

    def add(self, data, media_type):
        self.blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def text(self):
        return json.dumps(self.manifest).encode()

    def big(self):
        """The digest of the first layer."""
        return self.manifest["layers"][0]["digest"]


class State:
    def __init__(self, directory):
        self.lock = threading.Lock()
        self.log = open(directory + "/log.jsonl", "a", buffering=1)
        self.counts = {}
        self.uploads = {}
        self.pushed = {}
        self.image = Image("good", 3 << 20)
        self.second = Image("second", 100000)
        self.ports = [0, 0]
        self.scheme = "http"

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None
    port_index = 0

    def log_message(self, *args):
        pass

    # --- answers ------------------------------------------------------------------------------

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            for v in value if isinstance(value, list) else [value]:
                self.send_header(name, v)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message, headers=None):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, dict({"Content-Type": "application/json"}, **(headers or {})))

    def drop(self):
        """Ends the connection as a crash would."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def hang(self):
        self.wfile.flush()
        time.sleep(60)
        self.close_connection = True

    def other(self):
        return f"{self.state.scheme}://127.0.0.1:{self.state.ports[1]}"

    def me(self):
        return f"{self.state.scheme}://127.0.0.1:{self.state.ports[self.port_index]}"

    # --- what a good registry does ------------------------------------------------------------

    def manifest(self, data, media_type=OCI + "manifest.v1+json", headers=None):
        h = {"Content-Type": media_type, "Docker-Content-Digest": digest(data)}
        h.update(headers or {})
        self.answer(200, data, h)

    def range_start(self):
        r = self.headers.get("Range", "")
        return int(r[6:].split("-")[0]) if r.startswith("bytes=") else 0

    def blob(self, data, cut=None):
        """A blob; with cut, the connection ends after so many bytes of the answer."""
        start = self.range_start()
        headers = {"Content-Type": "application/octet-stream"}
        part = data[start:]
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if cut is None or cut >= len(part):
            self.answer(206 if start else 200, part, headers)
            return
        self.answer(206 if start else 200, part[:cut], headers, length=len(part))
        self.drop()

    def serve(self, kind, what, ref, image=None):
        image = image or self.state.image
        if what == "manifests":
            self.manifest(image.text())
        elif ref in image.blobs:
            self.blob(image.blobs[ref])
        else:
            self.error(404, "BLOB_UNKNOWN", "no such blob")

    # --- what is wrong with the others --------------------------------------------------------

    def bad_status(self, kind, what, ref):
        """status-NNN: that answer to everything."""
        self.error(int(kind[7:]), "X", "so it is")

    def bad_escape(self, kind, what, ref):
        self.error(403, "DENIED", "no\x1b[31m\nsecond line\r\u009b" + "x" * 5000)

    def bad_busy(self, kind, what, ref):
        """429 twice, then it serves."""
        if self.state.count(self.path) <= 2:
            self.error(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": "1"})
        else:
            self.serve(kind, what, ref)

    def bad_limit(self, kind, what, ref):
        self.error(429, "TOOMANYREQUESTS", "you have reached your limit", {"Retry-After": "900"})

    def bad_flaky(self, kind, what, ref):
        if self.state.count(self.path) == 1:
            self.error(503, "X", "later")
        else:
            self.serve(kind, what, ref)

    def bad_hangmanifest(self, kind, what, ref):
        if what == "manifests":
            self.hang()
        else:
            self.serve(kind, what, ref)

    def bad_hangblob(self, kind, what, ref):
        image = self.state.image
        if what == "blobs" and ref == image.big():
            self.answer(200, image.blobs[ref][:100000], length=len(image.blobs[ref]))
            self.hang()
        else:
            self.serve(kind, what, ref)

    def big_only(self, kind, what, ref):
        """Serves all but the big layer; returns that one's bytes."""
        image = self.state.image
        if what == "blobs" and ref == image.big():
            return image.blobs[ref]
        self.serve(kind, what, ref)
        return None

    def bad_die(self, kind, what, ref):
        """The connection ends after a million bytes, again and again."""
        data = self.big_only(kind, what, ref)
        if data:
            self.blob(data, 1200000)

    def bad_dead(self, kind, what, ref):
        """As die, but nothing comes any more once it died: until 'dead' is asked for a third
        time by somebody else."""
        data = self.big_only(kind, what, ref)
        if not data:
            return
        if self.range_start() or self.state.count(self.path) > 1:
            self.drop()
        else:
            self.blob(data, 1200000)

    def bad_norange(self, kind, what, ref):
        """Dies once, and knows no ranges."""
        data = self.big_only(kind, what, ref)
        if data:
            if self.state.count(self.path) == 1:
                self.answer(200, data[:1200000], length=len(data))
                self.drop()
            else:
                self.answer(200, data)

    def bad_wrongrange(self, kind, what, ref):
        """Dies once, then answers ranges with other ones."""
        data = self.big_only(kind, what, ref)
        if not data:
            return
        start = self.range_start()
        if self.state.count(self.path) == 1:
            self.blob(data, 1200000)
        elif start:
            start -= 1000
            self.answer(206, data[start:],
                        {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})
        else:
            self.answer(200, data)

    def bad_wrongdigest(self, kind, what, ref):
        data = self.big_only(kind, what, ref)
        if data:
            self.blob(data[:-20] + b"x" * 20)

    def bad_garbage(self, kind, what, ref):
        data = self.big_only(kind, what, ref)
        if data:
            self.blob(b"x" * len(data))

    def bad_short(self, kind, what, ref):
        data = self.big_only(kind, what, ref)
        if data:
            self.answer(200, data[:-5])

    def bad_long(self, kind, what, ref):
        data = self.big_only(kind, what, ref)
        if data:
            self.answer(200, data + b"more")

    def chunks(self, blocks):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Type", OCI + "manifest.v1+json")
        self.end_headers()
        try:
            for b in blocks:
                self.wfile.write(b"%x\r\n" % len(b) + b + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def endless(self):
        while True:
            yield b"{" * 65536

    def bad_endless(self, kind, what, ref):
        data = self.big_only(kind, what, ref)
        if data:
            self.chunks([data[:-1], *[b"y" * 65536] * 2000])

    def bad_cutchunks(self, kind, what, ref):
        """Less than there should be, properly ended."""
        data = self.big_only(kind, what, ref)
        if data:
            self.chunks([data[:1000000]])

    def bad_endlessmanifest(self, kind, what, ref):
        self.chunks(self.endless())

    def bad_hugemanifest(self, kind, what, ref):
        m = dict(self.state.image.manifest, annotations={"x": "y" * (5 << 20)})
        self.manifest(json.dumps(m).encode())

    def bad_deep(self, kind, what, ref):
        self.manifest(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}")

    def bad_headers(self, kind, what, ref):
        self.manifest(self.state.image.text(), headers={"X": ["y" * 60000] * 3})

    def bad_nojson(self, kind, what, ref):
        self.manifest(b"<html>hello</html>")

    def bad_lyingdigest(self, kind, what, ref):
        self.manifest(self.state.image.text(),
                      headers={"Docker-Content-Digest": "sha256:" + "0" * 64})

    def changed(self, change):
        m = json.loads(self.state.image.text())
        change(m)
        self.manifest(json.dumps(m).encode())

    def bad_path(self, kind, what, ref):
        """A digest that is a path."""
        evil = "sha256:../../../../../../tmp/" + "a" * 38
        self.changed(lambda m: m["layers"][0].update(digest=evil))

    def bad_foreign(self, kind, what, ref):
        self.changed(lambda m: m["layers"][0].update(
            mediaType=OCI + "layer.nondistributable.v1.tar+gzip",
            urls=[self.other() + "/steal"]))

    def bad_urls(self, kind, what, ref):
        """An ordinary layer with an address of its own."""
        if what == "manifests":
            self.changed(lambda m: m["layers"][0].update(urls=[self.other() + "/steal"]))
        else:
            self.serve(kind, what, ref)

    def bad_size(self, kind, what, ref):
        """The manifest says another size."""
        if what == "manifests":
            self.changed(lambda m: m["layers"][0].update(size=m["layers"][0]["size"] + 1))
        else:
            self.serve(kind, what, ref)

    def bad_hugesize(self, kind, what, ref):
        if what == "manifests":
            self.changed(lambda m: m["layers"][0].update(size=1 << 62))
        else:
            self.serve(kind, what, ref)

    def bad_many(self, kind, what, ref):
        self.changed(lambda m: m.update(layers=m["layers"] * 5000))

    def bad_diffid(self, kind, what, ref):
        """A config with other diffIDs than the layers have."""
        image = self.state.image
        config = json.loads(image.blobs[image.manifest["config"]["digest"]])
        config["rootfs"]["diff_ids"][0] = "sha256:" + "1" * 64
        text = json.dumps(config).encode()
        if what == "manifests":
            self.changed(lambda m: m["config"].update(digest=digest(text), size=len(text)))
        elif ref == digest(text):
            self.blob(text)
        else:
            self.serve(kind, what, ref)

    def bad_second(self, kind, what, ref):
        """Nothing is wrong: another image."""
        self.serve(kind, what, ref, self.state.second)

    def bad_swapped(self, kind, what, ref):
        """The second image's layer by the diffID of the first one's."""
        second = self.state.second
        if what == "manifests":
            self.changed(lambda m: m["layers"].__setitem__(0, second.manifest["layers"][0]))
        elif ref in second.blobs:
            self.blob(second.blobs[ref])
        else:
            self.serve(kind, what, ref)

    def bad_twice(self, kind, what, ref):
        """One blob for the two diffIDs of the config."""
        if what == "manifests":
            self.changed(lambda m: m["layers"].__setitem__(1, m["layers"][0]))
        else:
            self.serve(kind, what, ref)

    def bad_tags(self, kind, what, ref):
        """Tags that are none: tags-N lists the Nth of them after a good one."""
        tags = ["../../good/img/manifests/v1", "1?x=/y@z", "a/b", "", "-x", "x" * 129, "a\n\x1b[2J"]
        if what == "tags":
            self.answer(200, json.dumps({"tags": ["ok", tags[int(kind[5:])]]}).encode())
        else:
            self.serve(kind, what, ref)

    def bad_schema1(self, kind, what, ref):
        self.manifest(json.dumps({"schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": []})
                      .encode(), DOCKER + "distribution.manifest.v1+prettyjws")

    # --- redirects ----------------------------------------------------------------------------

    def bad_redirect(self, kind, what, ref):
        """Blobs are elsewhere, as with most registries; this one wants Basic."""
        if not self.basic_ok():
            self.error(401, "UNAUTHORIZED", "who?", {"WWW-Authenticate": 'Basic realm="r"'})
        elif what == "blobs":
            self.answer(307, b"", {"Location": f"{self.other()}/plain/{ref}?sig=a%2Fb"})
        else:
            self.serve(kind, what, ref)

    def bad_steal(self, kind, what, ref):
        """Blobs are elsewhere, where credentials are asked for."""
        if not self.basic_ok():
            self.error(401, "UNAUTHORIZED", "who?", {"WWW-Authenticate": 'Basic realm="r"'})
        elif what == "blobs":
            self.answer(302, b"", {"Location": self.other() + "/steal"})
        else:
            self.serve(kind, what, ref)

    def bad_loop(self, kind, what, ref):
        self.answer(301, b"", {"Location": self.path})

    def bad_file(self, kind, what, ref):
        self.answer(302, b"", {"Location": "file:///etc/passwd"})

    def bad_downgrade(self, kind, what, ref):
        self.answer(302, b"", {"Location": f"http://127.0.0.1:{self.state.ports[1]}/plain/x"})

    # --- tokens -------------------------------------------------------------------------------

    def basic_ok(self):
        want = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get("Authorization") == want

    def challenge(self, realm, scope):
        self.error(401, "UNAUTHORIZED", "authentication required", {
            "WWW-Authenticate": f'Bearer realm="{realm}",service="badreg",scope="{scope}"'})

    def repo_of(self):
        return self.path[len("/v2/"):].split("/manifests/")[0].split("/blobs/")[0]

    def bearer_ok(self):
        """A token that the token server gave for this repository."""
        auth = self.headers.get("Authorization", "")
        if not auth.startswith("Bearer tok."):
            return False
        try:
            said = json.loads(base64.urlsafe_b64decode(auth.split(".")[1]))
        except (ValueError, IndexError):
            return False
        return any(s.startswith(f"repository:{self.repo_of()}:") for s in said["scope"])

    def bad_token(self, kind, what, ref):
        """Bearer tokens, from the other port."""
        if self.bearer_ok():
            self.serve(kind, what, ref)
        else:
            self.challenge(self.other() + "/token", f"repository:{self.repo_of()}:pull")

    def bad_refresh(self, kind, what, ref):
        self.bad_token(kind, what, ref)

    def bad_realm(self, kind, what, ref):
        """A realm by plain http, whatever we speak."""
        self.challenge(f"http://127.0.0.1:{self.state.ports[1]}/token", "x")

    def bad_norealm(self, kind, what, ref):
        self.error(401, "UNAUTHORIZED", "no", {"WWW-Authenticate": 'Bearer service="x"'})

    def bad_newline(self, kind, what, ref):
        """A token that would be two headers."""
        if "Authorization" in self.headers:
            self.error(403, "DENIED", "no")
        else:
            self.challenge(self.other() + "/newlinetoken", "x")

    def bad_never(self, kind, what, ref):
        """No token is ever good enough."""
        self.challenge(self.other() + "/token", "x")

    def token(self, query, form):
        scopes = (form or query).get("scope", [])
        scopes = [s for t in scopes for s in t.split()]
        if form:
            if form.get("refresh_token") != ["identity-token"]:
                self.error(401, "UNAUTHORIZED", "no")
                return
        elif any(":private/" in s or "/private" in s for s in scopes) and not self.basic_ok():
            self.error(401, "UNAUTHORIZED", "no")
            return
        elif "Authorization" in self.headers and not self.basic_ok():
            self.error(401, "UNAUTHORIZED", "wrong")
            return
        said = base64.urlsafe_b64encode(json.dumps({"scope": scopes}).encode()).decode()
        key = "access_token" if form else "token"
        self.answer(200, json.dumps({key: "tok." + said, "expires_in": 300}).encode())

    # --- pushes -------------------------------------------------------------------------------

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def push(self, kind, parts):
        """POST, PATCH, PUT of uploads; PUT of manifests. push-*: what goes wrong."""
        state, url = self.state, urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        body = self.read_body()
        if kind == "push-foreign" and self.command == "POST":
            self.answer(202, b"", {"Location": self.other() + "/steal"})
        elif kind == "push-flaky" and state.count(self.command + url.path) == 1:
            self.drop()
        elif self.command == "POST" and "mount" in query:
            if query["from"] == [kind + "/base"]:
                state.pushed[query["mount"][0]] = b""
                self.answer(201)
            else:
                self.begin()
        elif self.command == "POST":
            self.begin()
        elif self.command == "PATCH":
            data = state.uploads.get(url.path, b"")
            want = self.headers.get("Content-Range", "")
            if want and not want.startswith(f"{len(data)}-"):
                self.error(416, "RANGE", "not in order")
                return
            state.uploads[url.path] = data + body
            self.answer(202, b"", {"Location": self.path,
                                   "Range": f"0-{len(data + body) - 1}"})
        elif "/manifests/" in url.path:
            state.pushed[url.path] = body
            self.answer(201, b"", {"Docker-Content-Digest": digest(body)})
        else:
            data = state.uploads.get(url.path, b"") + body
            if query.get("digest") != [digest(data)]:
                self.error(400, "DIGEST_INVALID", "not what was said")
                return
            state.pushed[digest(data)] = data
            self.answer(201)

    def begin(self):
        n = self.state.count("upload")
        path = self.path.split("?")[0]
        self.answer(202, b"", {"Location": f"{path}{n}?state=a"})

    # --- dispatch -----------------------------------------------------------------------------

    def note(self):
        with self.state.lock:
            self.state.log.write(json.dumps({
                "port": self.port_index, "method": self.command, "path": self.path,
                "client": bool(getattr(self.connection, "getpeercert", dict)()),
                "headers": {k.lower(): v for k, v in self.headers.items()}}) + "\n")

    def dispatch(self):
        self.note()
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        parts = url.path.split("/")
        if url.path == "/token":
            form = urllib.parse.parse_qs(self.read_body().decode())
            self.token(query, form)
        elif url.path == "/newlinetoken":
            self.answer(200, json.dumps({"token": "a\r\nX-Injected: 1"}).encode())
        elif parts[1] == "plain":
            self.blob(self.state.image.blobs.get(parts[2], b""))
        elif parts[1] == "steal":
            self.error(401, "UNAUTHORIZED", "give", {"WWW-Authenticate": [
                'Basic realm="x"', f'Bearer realm="{self.me()}/token",service="x"']})
        elif url.path == "/v2/":
            self.answer(200, b"{}")
        elif len(parts) < 5 or parts[1] != "v2":
            self.error(404, "NAME_UNKNOWN", "no such thing")
        elif parts[2].startswith("push") and self.command in ("POST", "PATCH", "PUT"):
            self.push(parts[2], parts)
        elif parts[2].startswith("push"):
            self.pushed(parts[2], parts[-1])
        else:
            kind = parts[2]
            f = getattr(self, "bad_" + kind.split("-")[0], self.serve)
            f(kind, parts[-2], parts[-1])

    def pushed(self, kind, ref):
        if ref in self.state.pushed and kind != "push-foreign":
            self.answer(200, self.state.pushed[ref])
        else:
            self.error(404, "BLOB_UNKNOWN", "no such blob")

    def do_GET(self):
        try:
            self.dispatch()
        except OSError:
            self.close_connection = True

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass


def main():
    directory = sys.argv[1]
    state = State(directory)
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        if len(sys.argv) > 4:
            context.load_verify_locations(sys.argv[4])
            context.verify_mode = ssl.CERT_OPTIONAL
        state.scheme = "https"
    for i in range(2):
        handler = type("H", (Handler,), {"state": state, "port_index": i})
        server = Server(("127.0.0.1", 0), handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        state.ports[i] = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(directory + "/ports.new", "w") as f:
        f.write("%d %d\n" % tuple(state.ports))
    os.rename(directory + "/ports.new", directory + "/ports")
    threading.Event().wait()


if __name__ == "__main__":
    main()
