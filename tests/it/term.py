"""A terminal of its own for a command: what is typed there, and what is to be seen."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


class Terminal:
    def __init__(self, argv, rows, cols):
        self.master, self.slave = pty.openpty()
        self._size(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.execvp(argv[0], argv)
        self.seen = b""

    def _size(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def resize(self, rows, cols):
        self._size(rows, cols)
        os.kill(self.pid, signal.SIGWINCH)

    def type(self, keys):
        os.write(self.master, keys)

    def expect(self, what, again=None):
        """Waits for a match of what and types again whenever it is quiet; then forgets what it saw."""
        end = time.time() + 60
        while not re.search(what, self.seen):
            if time.time() > end:
                print("not seen: %r in %r" % (what, self.seen[-500:]))
                sys.exit(1)
            if select.select([self.master], [], [], 0.5)[0]:
                self.seen += os.read(self.master, 4096)
            elif again:
                self.type(again)
        self.seen = b""

    def wait(self):
        """Its exit status; minus the signal that ended it."""
        end = time.time() + 60
        while time.time() < end:
            if select.select([self.master], [], [], 0.01)[0]:
                self.seen += os.read(self.master, 4096)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        print("did not end")
        sys.exit(1)

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before
