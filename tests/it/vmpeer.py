# The host's end of a test machine's devices.
#   vmpeer.py TAP VSOCK COMMAND...  runs COMMAND with a tap, named t0 and up with 10.99.0.1/24, as its
#                                   fd TAP and the machine's end of a vsock owner as its fd VSOCK
# What comes to the port 5000 of vsock or 5001 of TCP is sent back; 5002 takes all, 5003 gives and gives
# (TCP). On both, 5004 takes the stream that tests/guest/devices.c makes, checks each byte and tells how
# many were right; 5005 gives as much of it as it is asked for.
import array
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000
DIAL, ANSWER = 1, 2
BLOCK = 65536


def echo(s):
    while True:
        data = s.recv(65536)
        if not data:
            break
        s.sendall(data)
    s.close()


def sink(s):
    room = bytearray(262144)
    while s.recv_into(room):
        pass
    s.close()


def source(s):
    data = bytes(262144)
    try:
        while True:
            s.sendall(data)
    except OSError:
        s.close()


# Bytes that no two blocks of a stream have at the same place.
def texture():
    word, out = 9, bytearray()
    for _ in range(2 * BLOCK // 8):
        word = (word * 6364136223846793005 + 1442695040888963407) % 2**64
        out += word.to_bytes(8, "little")
    return bytes(out)


def block(i):
    at = i * 8 * 1021 % BLOCK
    return TEXTURE[at : at + BLOCK]


def take(s):
    room, right, i = bytearray(BLOCK), 0, 0
    while True:
        n = s.recv_into(room, BLOCK, socket.MSG_WAITALL)
        if not n or room[:n] != block(i)[:n]:
            break
        right += n
        i += 1
    s.sendall(struct.pack("<Q", right))
    s.close()


def give(s):
    (left,) = struct.unpack("<Q", s.recv(8, socket.MSG_WAITALL))
    i = 0
    while left:
        s.sendall(block(i)[: min(left, BLOCK)])
        left -= min(left, BLOCK)
        i += 1
    s.close()


def tcp(port, serve):
    s = socket.create_server(("10.99.0.1", port))
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()


def owner(s):
    while True:
        msg = s.recv(64)
        if not msg:
            return
        kind, number, port, _ = struct.unpack("<IIII", msg)
        if kind != DIAL:
            continue
        answer = struct.pack("<IIII", ANSWER, number, port, 0)
        if port not in VSOCK:
            s.send(answer)
            continue
        ours, theirs = socket.socketpair()
        fds = array.array("i", [theirs.fileno()])
        s.sendmsg([answer], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        theirs.close()
        threading.Thread(target=VSOCK[port], args=(ours,), daemon=True).start()


TEXTURE = texture()
VSOCK = {5000: echo, 5004: take, 5005: give}
TCP = {5001: echo, 5002: sink, 5003: source, 5004: take, 5005: give}
tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"t0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
subprocess.run(["ip", "addr", "add", "10.99.0.1/24", "dev", "t0"], check=True)
subprocess.run(["ip", "link", "set", "t0", "up"], check=True)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    os.close(tap)
    theirs.close()
    for port, serve in TCP.items():
        threading.Thread(target=tcp, args=(port, serve), daemon=True).start()
    owner(ours)
    os._exit(0)
ours.close()
os.dup2(tap, int(sys.argv[1]))
os.dup2(theirs.fileno(), int(sys.argv[2]))
os.execvp(sys.argv[3], sys.argv[3:])
