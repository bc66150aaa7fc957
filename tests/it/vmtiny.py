# Writes a guest of a few instructions as an ELF file with a PVH entry: what any /dev/kvm runs.
#   vmtiny.py WHAT FILE
#     hello   says hello on the serial port, ends with status 7
#     flood   writes 20000 lines there, ends with status 0
#     idle    says that it idles, and does
#     triple  a triple fault
#     dark    halts with interrupts off, for ever
#     spin    turns round with interrupts off, for ever
import struct
import sys

BASE = 0x1000000
CODE = {
    "say": b"\xbe%s\x66\xba\xf8\x03\xac\x84\xc0\x74\x03\xee\xeb\xf8",  # mov $text, %esi; outb each
    "exit": b"\x66\xba\x01\x05\xb0%s\xee\xf4\xeb\xfd",  # mov $0x501, %dx; outb; hlt
    "flood": b"\xb9\x20\x4e\x00\x00\x66\xba\xf8\x03\xb0\x0a\xee\xe2\xfd",  # 20000 times outb '\n'
    "idle": b"\xfb\xf4\xeb\xfc",  # sti; hlt
    "triple": b"\x0f\x01\x1d%s\xcc",  # lidt of zeroes; int3
    "dark": b"\xfa\xf4\xeb\xfc",  # cli; hlt
    "spin": b"\xfa\xeb\xfe",  # cli; jmp to itself
}
TEXT = struct.pack("<I", BASE + 0x100)
ZEROES = struct.pack("<I", BASE + 0x180)


def code(what):
    say = CODE["say"].replace(b"%s", TEXT)
    if what == "hello":
        return say + CODE["exit"].replace(b"%s", b"\x07")
    if what == "flood":
        return CODE["flood"] + CODE["exit"].replace(b"%s", b"\x00")
    if what == "triple":
        return CODE["triple"].replace(b"%s", ZEROES)
    return say + CODE[what]


image = code(sys.argv[1]).ljust(0x100, b"\x90") + b"guest: hello\n\0".ljust(0x100, b"\0")
note = struct.pack("<III4sI", 4, 4, 18, b"Xen", BASE)
eh = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
eh += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE, 64, 0, 0, 64, 56, 2, 0, 0, 0)
at = 64 + 2 * 56
load = struct.pack("<IIQQQQQQ", 1, 7, at, BASE, BASE, len(image), len(image), 16)
notes = struct.pack("<IIQQQQQQ", 4, 4, at + len(image), 0, 0, len(note), len(note), 4)
with open(sys.argv[2], "wb") as f:
    f.write(eh + load + notes + image + note)
