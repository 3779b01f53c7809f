"""A board's end of a serial line: a pseudo-terminal, and a Jacdac bus behind a TCP socket on 127.0.0.1.

Frames go over the line as DeviceScript's firmware sends them over USB: FE FC, the frame with each FE doubled into FE F8, FE FD.
Prints the terminal's path and lives until standard input ends. What comes there is what the board's program prints: it goes over the
line between frames, as the firmware sends it.
"""

import os
import pty
import select
import socket
import sys
import tty

MAGIC, LITERAL, START, END = 0xFE, 0xF8, 0xFC, 0xFD


def quoted(frame):
    return bytes([MAGIC, START]) + frame.replace(bytes([MAGIC]), bytes([MAGIC, LITERAL])) + bytes([MAGIC, END])


class Line:
    """Finds frames in what comes over the line; what is outside of them is padding."""

    def __init__(self):
        self.frame = None
        self.magic = False

    def take(self, data):
        for byte in data:
            if not self.magic and byte == MAGIC:
                self.magic = True
                continue
            if self.magic:
                self.magic = False
                if byte == START:
                    self.frame = bytearray()
                    continue
                if byte == END:
                    if self.frame is not None:
                        yield bytes(self.frame)
                    self.frame = None
                    continue
                if byte != LITERAL:
                    continue
                byte = MAGIC
            if self.frame is not None:
                self.frame.append(byte)


def main():
    bus = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    master, slave = pty.openpty()
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    line = Line()
    pending = b""
    while True:
        ready, _, _ = select.select([bus, master, sys.stdin], [], [])
        if sys.stdin in ready:
            printed = os.read(0, 4096)
            if not printed:
                return
            os.write(master, printed)
        if master in ready:
            for frame in line.take(os.read(master, 4096)):
                # what is for the USB bridge itself goes no further: frames for a class of services have this flag
                if not frame[3] & 0x04:
                    bus.sendall(bytes([len(frame)]) + frame)
        if bus in ready:
            data = bus.recv(4096)
            if not data:
                return
            pending += data
            while pending and len(pending) > pending[0]:
                length = pending[0]
                os.write(master, quoted(pending[1 : 1 + length]))
                pending = pending[1 + length :]


main()
