#!/usr/bin/env python3
"""For 40-layers.sh: makes layers and an OCI layout of them, all in a folder of its own each (make
FOLDER), and compares trees (compare NAME IMPLIED OURS LABEL=THEIRS...)."""
import hashlib
import io
import json
import os
import stat
import struct
import subprocess
import sys
import tarfile

MANY = 2000 if os.environ.get("CAISSON_LAB") else 50000
T0 = 1700000000


class Layer:
    """A tar under way, all in one folder."""

    def __init__(self, path, fmt, folder):
        self.tar = tarfile.open(path, "w", format=fmt)
        self.folder = folder

    def within(self, name):
        for front in ("./", "/"):
            if name.startswith(front):
                return front + self.folder + "/" + name[len(front):]
        return self.folder + "/" + name

    def add(self, name, data=b"", kind=tarfile.REGTYPE, **kw):
        ti = tarfile.TarInfo(self.within(name))
        ti.type = kind
        ti.mode = kw.pop("mode", 0o755 if kind == tarfile.DIRTYPE else 0o644)
        ti.mtime = kw.pop("mtime", T0)
        ti.pax_headers = kw.pop("pax", {})
        for key, value in kw.items():
            setattr(ti, key, value)
        ti.size = len(data)
        self.tar.addfile(ti, io.BytesIO(data))

    def dir(self, name, **kw):
        self.add(name, kind=tarfile.DIRTYPE, **kw)

    def sym(self, name, to, **kw):
        self.add(name, kind=tarfile.SYMTYPE, linkname=to, **kw)

    def link(self, name, to, **kw):
        self.add(name, kind=tarfile.LNKTYPE, linkname=self.within(to), **kw)

    def dev(self, name, kind, major=0, minor=0, **kw):
        self.add(name, kind=kind, devmajor=major, devminor=minor, **kw)


def xattr(name, value):
    return {"SCHILY.xattr." + name: value}


def noise(n, seed=b"x"):
    out = bytearray()
    while len(out) < n:
        seed = hashlib.sha256(seed).digest()
        out += seed
    return bytes(out[:n])


def empty(l):
    pass


def one_file(l):
    l.add("f", b"hello\n")


def empty_file(l):
    l.add("f")


def folders(l):
    for i, mode in enumerate((0o700, 0o1777, 0o2755, 0o4711, 0o0)):
        l.dir("d%d" % i, mode=mode, uid=i, gid=10 * i)
        l.dir("d%d/e" % i, mode=mode)


def symlinks(l):
    l.sym("abs", "/etc/passwd")
    l.sym("rel", "../../x")
    l.sym("nowhere", "no/such/file")
    for n in (1, 59, 60, 1000, 4000, 4031, 4032, 4033, 4095):
        l.sym("long%d" % n, "t" * n, uid=n)


def hardlinks(l):
    l.dir("a")
    l.add("a/f", b"content", mode=0o600, uid=5)
    l.link("a/g", "a/f", mode=0o600, uid=5)
    l.dir("b")
    l.link("b/h", "./a/f", mode=0o600, uid=5)
    l.sym("s", "a/f")
    l.add("big", noise(9000))
    l.link("big2", "big")


def link_to_symlink(l):
    l.sym("s", "x")
    l.link("s2", "s")


def devices(l):
    l.dev("null", tarfile.CHRTYPE, 1, 3, mode=0o666)
    l.dev("sda", tarfile.BLKTYPE, 8, 0, mode=0o660, gid=6)
    l.dev("far", tarfile.CHRTYPE, 400, 70000)
    l.dev("fifo", tarfile.FIFOTYPE, mode=0o622)


def setuid(l):
    l.add("su", b"x", mode=0o4755)
    l.add("sg", b"x", mode=0o2755, gid=42)
    l.add("none", b"x", mode=0)


def big_ids(l):
    l.add("a", b"x", uid=100000, gid=165535)
    l.add("b", b"x", uid=4294967290, gid=3000000000)
    l.dir("c", uid=2000000000, gid=2000000001)


def times(l):
    l.add("ns", b"x", mtime=T0 + 0.5, pax={"mtime": "1700000000.123456789"})
    l.add("old", b"x", mtime=0)
    l.add("neg", b"x", mtime=0, pax={"mtime": "-100.25"})
    l.add("far", b"x", mtime=5000000000)
    l.dir("d", pax={"mtime": "1600000000.000000001"})
    l.sym("s", "ns", pax={"mtime": "1500000000.999999999"})


def long_names(l):
    d = "d" * 100
    l.dir(d)
    l.dir(d + "/" + "e" * 255)
    l.add(d + "/" + "e" * 255 + "/" + "f" * 255, b"x")
    l.sym("s", "y" * 300)
    l.link("h", d + "/" + "e" * 255 + "/" + "f" * 255)


def ustar_names(l):
    l.dir("p" * 80)
    l.add("p" * 80 + "/" + "n" * 90, b"prefix")


def user_xattrs(l):
    l.add("a", b"x", pax=xattr("user.a", "one"))
    l.add("b", b"x", pax={**xattr("user.a", "one"), **xattr("user.b", "two")})
    l.dir("d", pax=xattr("user.dir", "y" * 300))
    l.dir("e", pax=xattr("user.dir", "y" * 300))


def empty_xattr(l):
    l.add("f", b"x", pax=xattr("user.empty", ""))


def xattr_many(l):
    for i in range(300):
        l.add("f%d" % i, b"x" * i, pax={**xattr("user.same", "s" * 20),
                                        **xattr("user.own", "%d" % i)})


def xattr_big(l):
    l.add("f", b"x" * 4000, pax=xattr("user.big", "v" * 2000))
    l.add("g", b"x" * 4000, pax={"SCHILY.xattr.user.%d" % i: "v%d" % i for i in range(60)})


def trusted(l):
    l.add("t", b"x", pax=xattr("trusted.key", "v"))
    cap = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0).decode("latin-1")
    l.add("ping", b"x", mode=0o755, pax=xattr("security.capability", cap))


def sizes(l):
    for n in (0, 1, 2, 511, 512, 513, 4000, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192,
              8193, 12288, 100000, 1 << 20):
        l.add("s%d" % n, noise(n))


def replaced(l):
    l.add("f", b"first", mode=0o600)
    l.add("g", b"other")
    l.add("f", b"second", mode=0o640)
    l.dir("d", mode=0o700)
    l.add("d/x", b"x")
    l.dir("d", mode=0o711)


def other_kind(l):
    l.dir("d")
    l.add("d/x", b"x")
    l.add("d", b"now a file")
    l.add("e", b"file")
    l.dir("e")
    l.add("e/y", b"y")


def implied(l):
    l.add("a/b/c/f", b"x")
    l.add("a/g", b"x")


def through_symlink(l):
    l.dir("usr")
    l.dir("usr/lib")
    l.sym("lib", "usr/lib")
    l.add("lib/x", b"in usr/lib")
    l.sym("abs", "/usr/lib")
    l.add("abs/y", b"in usr/lib too")


def odd_paths(l):
    l.dir("./")
    l.dir("./etc/")
    l.add("./etc//passwd", b"x")
    l.add("/abs/olute", b"x")


def big_folder(l):
    l.dir("d")
    for i in range(3000):
        l.add("d/file-with-a-name-%d" % (i * 7919 % 3000), b"%d" % i)


def deep(l):
    path = ""
    for _ in range(120):
        path += "deep/"
        l.dir(path)
    l.add(path + "f", b"x")


def odd_names(l):
    for name in (" ", "!", "-", "+", ".a", "..b", "~", "a b", "ä", "日本", "\\", "*", "new\nline",
                 "\x01", "!!", "zz", "..."):
        l.add(name, name.encode())


def whiteouts(l):
    l.dir("d")
    l.add("d/.wh.gone", b"")
    l.add("d/kept", b"x")
    l.add(".wh.top", b"")
    l.dir("o")
    l.add("o/.wh..wh..opq", b"")
    l.add("o/new", b"x")


def same_layer_whiteout(l):
    l.add(".wh.f", b"")
    l.add("f", b"it stays")
    l.add(".wh.d", b"")
    l.dir("d")
    l.add("d/x", b"x")


def v7ish(l):
    l.dir("a")
    l.add("a/b", b"x", uid=1, gid=2)


def many(l):
    for i in range(MANY // 500):
        l.dir("dir%03d" % i)
        for k in range(500):
            l.add("dir%03d/f%d" % (i, k), b"%d\n" % k * (k % 700), mode=0o640, uid=k)


def acl(l):
    # user::rw- user:1000:r-- group::r-- mask::r-- other::---
    value = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, perm, who) for tag, perm, who in
        ((1, 6, 0xffffffff), (2, 4, 1000), (4, 4, 0xffffffff), (0x10, 4, 0xffffffff),
         (0x20, 0, 0xffffffff)))
    l.tar.errors = "surrogateescape"
    l.add("f", b"x", mode=0o640,
          pax=xattr("system.posix_acl_access", value.decode("utf-8", "surrogateescape")))


PAX, GNU, USTAR = tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT
# name, maker, format, the tools that understand it as we do
LAYERS = [
    ("empty", empty, PAX, "ub"), ("one-file", one_file, USTAR, "ub"),
    ("empty-file", empty_file, GNU, "ub"), ("folders", folders, USTAR, "ub"),
    ("symlinks", symlinks, PAX, "ub"), ("hardlinks", hardlinks, USTAR, "ub"),
    ("link-to-symlink", link_to_symlink, USTAR, "ub"), ("devices", devices, GNU, "ub"),
    ("setuid", setuid, USTAR, "ub"), ("big-ids-gnu", big_ids, GNU, "ub"),
    ("big-ids-pax", big_ids, PAX, "ub"), ("times", times, PAX, "u"),
    ("long-names-gnu", long_names, GNU, "ub"), ("long-names-pax", long_names, PAX, "ub"),
    ("ustar-names", ustar_names, USTAR, "ub"), ("user-xattrs", user_xattrs, PAX, "ub"),
    ("empty-xattr", empty_xattr, PAX, "b"), ("xattr-many", xattr_many, PAX, "ub"), ("xattr-big", xattr_big, PAX, "ub"),
    ("trusted", trusted, PAX, "ub"), ("sizes", sizes, USTAR, "ub"),
    ("replaced", replaced, USTAR, "ub"), ("other-kind", other_kind, USTAR, "u"),
    ("implied", implied, USTAR, "ub"), ("through-symlink", through_symlink, USTAR, "u"),
    ("odd-paths", odd_paths, USTAR, "ub"), ("big-folder", big_folder, USTAR, "ub"),
    ("deep", deep, PAX, "ub"), ("odd-names", odd_names, GNU, "u"),
    ("whiteouts", whiteouts, USTAR, "u"), ("same-layer-whiteout", same_layer_whiteout, USTAR, ""),
    ("v7ish", v7ish, USTAR, "ub"), ("acl", acl, PAX, "u"), ("many", many, USTAR, "ub"),
]


def sparse_files(folder):
    """By GNU tar, which knows four ways to write a sparse file."""
    src = os.path.join(folder, "src")
    os.mkdir(src)
    with open(src + "/s", "wb") as f:
        f.truncate(300000)
        for off in (0, 40000, 41000, 123456, 299996):
            f.seek(off)
            f.write(b"data")
    with open(src + "/hole", "wb") as f:
        f.truncate(1 << 20)
    with open(src + "/pieces", "wb") as f:
        for i in range(40):
            f.seek(i * 65536 + 5000)
            f.write(b"%d" % i)
    # umoci refuses GNU's own form, and the others fill the holes of a huge file
    forms = [("gnu", "gnu", "0.0", "b"), ("pax-0.0", "pax", "0.0", "ub"),
             ("pax-0.1", "pax", "0.1", "ub"), ("pax-1.0", "pax", "1.0", "ub"),
             ("huge", "pax", "1.0", "")]
    for form, fmt, version, tools in forms:
        name = "sparse-" + form
        if form == "huge":
            with open(src + "/huge", "wb") as f:
                f.seek((5 << 30) - 3)
                f.write(b"end")
        os.rename(src, folder + "/" + name)
        subprocess.run(["tar", "-S", "--format=" + fmt, "--sparse-version=" + version,
                        "--sort=name", "-cf", "%s/%s.tar" % (folder, name), "-C", folder, name],
                       check=True)
        os.rename(folder + "/" + name, src)
        with open("%s/%s.tools" % (folder, name), "w") as f:
            f.write(tools)
    subprocess.run(["rm", "-r", src], check=True)


def blob(layout, data, kind):
    digest = hashlib.sha256(data).hexdigest()
    with open("%s/blobs/sha256/%s" % (layout, digest), "wb") as f:
        f.write(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "size": len(data),
            "digest": "sha256:" + digest}


def layout(folder):
    """One image of all layers that umoci is asked about."""
    out = folder + "/layout"
    os.makedirs(out + "/blobs/sha256")
    layers = []
    for name in sorted(n[:-6] for n in os.listdir(folder) if n.endswith(".tools")):
        with open("%s/%s.tools" % (folder, name)) as f:
            if "u" not in f.read():
                continue
        with open("%s/%s.tar" % (folder, name), "rb") as f:
            layers.append(blob(out, f.read(), "layer.v1.tar"))
    config = blob(out, json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [x["digest"] for x in layers]},
    }).encode(), "config.v1+json")
    manifest = blob(out, json.dumps({
        "schemaVersion": 2, "config": config, "layers": layers,
    }).encode(), "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    with open(out + "/index.json", "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, f)
    with open(out + "/oci-layout", "w") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')


def make(folder):
    for name, maker, fmt, tools in LAYERS:
        layer = Layer("%s/%s.tar" % (folder, name), fmt, name)
        maker(layer)
        layer.tar.close()
        with open("%s/%s.tools" % (folder, name), "w") as f:
            f.write(tools)
    sparse_files(folder)
    layout(folder)


def content(path, size):
    """The sha256; of a very large file its two ends'."""
    h = hashlib.sha256()
    with open(path, "rb") as f:
        if size > 1 << 30:
            h.update(f.read(1 << 20))
            f.seek(size - (1 << 20))
        while True:
            b = f.read(1 << 20)
            if not b:
                return h.hexdigest()[:16]
            h.update(b)


def one(root, rel, first, timed):
    """One line of all that can be seen of a file; "" for what only overlayfs is to see."""
    path = os.path.join(root, rel)
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    if kind == stat.S_IFCHR and st.st_rdev == 0:
        return ""
    out = [rel or ".", "%o" % st.st_mode, "%d:%d" % (st.st_uid, st.st_gid)]
    if kind != stat.S_IFDIR:
        out += ["links=%d" % st.st_nlink, "same=" + first.setdefault(st.st_ino, rel)]
    if kind == stat.S_IFREG:
        out += ["size=%d" % st.st_size, content(path, st.st_size)]
    elif kind == stat.S_IFLNK:
        out.append("to=" + os.readlink(path))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        out.append("dev=%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)))
    for x in sorted(os.listxattr(path, follow_symlinks=False)):
        if x != "trusted.overlay.opaque":
            out.append("%s=%r" % (x, os.getxattr(path, x, follow_symlinks=False)))
    if timed:
        out.append("mtime=%d" % st.st_mtime_ns)
    return " ".join(out)


def tree(root, implied):
    """A line for each file; what is implied by the tar only has any time."""
    first = {}
    lines = set()
    for base, dirs, files in os.walk(root):
        dirs.sort()
        for name in sorted(files + dirs) + ([""] if base == root else []):
            rel = os.path.relpath(os.path.join(base, name), root) if name else ""
            line = one(root, rel, first, bool(rel) and rel not in implied)
            if line:
                lines.add(line)
    return lines


def compare(name, implied_file, ours, others):
    implied = set()
    if os.path.exists(implied_file):
        with open(implied_file, "rb") as f:
            for path in f.read().decode("utf-8", "surrogateescape").split("\0"):
                if path.startswith(name + "/"):
                    implied.add(path[len(name) + 1:])
    mine = tree(os.path.join(ours, name), implied)
    print("ours: %d" % len(mine))
    for other in others:
        label, root = other.split("=", 1)
        theirs = tree(os.path.join(root, name), implied)
        for line in sorted(theirs ^ mine)[:20]:
            print("%s: %s %s" % (label, "only ours" if line in mine else "only theirs",
                                 ascii(line)))


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        compare(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])


main()
