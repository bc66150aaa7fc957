# sd_notify(3) from both ends, for the tests.
#   notify.py manage SOCKET COMMAND...  is the service manager of a command: prints its exit status
#                                       and the lines it was told up to READY=1, sorted
#   notify.py say                       starts slowly, is ready, and stays
import os
import socket
import subprocess
import sys
import time


def manage(path, command):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(20)
    os.environ["NOTIFY_SOCKET"] = path
    status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
    told = []
    while "READY=1" not in told:
        told += s.recv(512).decode().split("\n")
    print(status, *sorted(told))


def say():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(os.environ["NOTIFY_SOCKET"])
    s.send(b"STATUS=still starting")
    time.sleep(0.5)
    s.send(b"STATUS=up\nREADY=1\nWATCHDOG=1")
    time.sleep(300)


if sys.argv[1] == "manage":
    manage(sys.argv[2], sys.argv[3:])
else:
    say()
