# The other end of a machine's control socket, for the tests.
#   vm.py serve SOCKET FD COMMAND...  runs COMMAND with a listening socket at SOCKET as its fd FD
#   vm.py ask SOCKET REQUEST...       sends each request, prints each answer
import os
import socket
import sys


def serve(path, fd, command):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(4)
    os.dup2(s.fileno(), fd)
    os.execv(command[0], command)


def ask(path, requests):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect(path)
    answers = s.makefile("r")
    for r in requests:
        s.sendall(r.encode() + b"\n")
        print(answers.readline().rstrip("\n"))


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
else:
    ask(sys.argv[2], sys.argv[3:])
