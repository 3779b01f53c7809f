#!/usr/bin/env python3
"""A host on the other end of a stream link, written from the RFCs, which knows nothing of the stack it meets.

It listens on a UNIX or TCP socket, speaks Ethernet frames with a 4-byte big-endian length before each, and when a
device has connected it: asks for the device's Ethernet address (RFC 826), pings it (RFC 792), opens a TCP connection to
its echo port (RFC 9293), sends bytes and compares what comes back, closes, and sees that a closed port answers with a
reset. Each step prints a line. Exit code 0: all went well; 1: a step failed; 2: bad arguments.

    python3 test/peers/wire_peer.py unix:x.sock
    npm start -- --link stream:unix:x.sock --ip 10.0.0.2/24
"""

import argparse
import os
import random
import select
import socket
import struct
import sys
import time

MAC = bytes.fromhex("0a0000000001")
BROADCAST = b"\xff" * 6
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Failure(Exception):
    """What the device did wrong, in words."""


def checksum(data):
    """RFC 1071, the plain way: 16-bit words, most significant byte first."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """Frames over a stream socket."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    def send(self, frame):
        frame = frame.ljust(60, b"\0")  # Ethernet's minimum: what is added is not part of the packet
        self.connection.sendall(struct.pack("!I", len(frame)) + frame)

    def receive(self, deadline):
        """The next frame, None when the deadline passes."""
        while True:
            if len(self.buffer) >= 4:
                (length,) = struct.unpack("!I", self.buffer[:4])
                if not 14 <= length <= 1514:
                    raise Failure(f"a frame of {length} bytes")
                if len(self.buffer) >= 4 + length:
                    frame, self.buffer = self.buffer[4 : 4 + length], self.buffer[4 + length :]
                    return frame
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.connection], [], [], left)[0]:
                return None
            data = self.connection.recv(65536)
            if not data:
                raise Failure("the device closed the link")
            self.buffer += data


class Host:
    """This side: answers ARP, keeps what else comes for whoever waits for it."""

    def __init__(self, wire, ip, device):
        self.wire, self.ip, self.device = wire, ip, device
        self.device_mac = None
        self.identification = 1

    def arp(self, operation, target_mac, destination):
        packet = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
        packet += MAC + self.ip + target_mac + self.device
        self.wire.send(destination + MAC + b"\x08\x06" + packet)

    def send_ip(self, protocol, payload):
        self.identification += 1
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), self.identification, 0, 64, protocol, 0, self.ip, self.device
        )
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        self.wire.send(self.device_mac + MAC + b"\x08\x00" + header + payload)

    def wait(self, what, accept, timeout=10.0):
        """The first thing that `accept` takes of what arrives; ARP requests are answered meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self.wire.receive(deadline)
            if frame is None:
                raise Failure(f"no {what} within {timeout:g} s")
            if frame[0:6] not in (MAC, BROADCAST):
                continue
            if frame[12:14] == b"\x08\x06":
                packet = frame[14:42]
                (operation,) = struct.unpack("!H", packet[6:8])
                if operation == 1 and packet[24:28] == self.ip:
                    self.arp(2, packet[8:14], packet[8:14])
                found = accept("arp", packet)
            elif frame[12:14] == b"\x08\x00":
                found = accept(*self.packet(frame[14:]))
            else:
                continue
            if found is not None:
                return found

    def packet(self, data):
        """Protocol and payload of an IPv4 packet that is whole and for us."""
        header = (data[0] & 15) * 4
        (total,) = struct.unpack("!H", data[2:4])
        if data[0] >> 4 != 4 or header < 20 or not header <= total <= len(data):
            raise Failure("an IPv4 header that does not fit")
        if checksum(data[:header]):
            raise Failure("a wrong IPv4 header checksum")
        if data[16:20] != self.ip or data[12:16] != self.device:
            return "other", b""
        payload = data[header:total]
        if data[9] == 1:
            if checksum(payload):
                raise Failure("a wrong ICMP checksum")
            return "icmp", payload
        if data[9] == 6:
            pseudo = data[12:20] + struct.pack("!BBH", 0, 6, len(payload))
            if checksum(pseudo + payload):
                raise Failure("a wrong TCP checksum")
            return "tcp", payload
        return "other", payload


class Segment:
    """A TCP segment's fields."""

    def __init__(self, data):
        (self.source, self.destination, self.seq, self.ack, offset, self.flags, self.window) = struct.unpack(
            "!HHIIBBH", data[:16]
        )
        self.data = data[(offset >> 4) * 4 :]


class Connection:
    """As much of a TCP as a well-behaved wire needs: no retransmission."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.local = random.randrange(32768, 60999)
        self.seq = random.getrandbits(32)
        self.ack = 0

    def send(self, flags, data=b""):
        header = struct.pack(
            "!HHIIBBHHH", self.local, self.port, self.seq, self.ack, 5 << 4, flags, 64240, 0, 0
        )
        pseudo = self.host.ip + self.host.device + struct.pack("!BBH", 0, 6, len(header) + len(data))
        header = header[:16] + struct.pack("!H", checksum(pseudo + header + data)) + header[18:]
        self.host.send_ip(6, header + data)
        length = len(data) + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
        self.seq = (self.seq + length) % 2**32

    def wait(self, what, accept):
        def mine(kind, data):
            if kind != "tcp" or len(data) < 20:
                return None
            segment = Segment(data)
            if (segment.source, segment.destination) != (self.port, self.local):
                return None
            return segment if accept(segment) else None

        return self.host.wait(what, mine)


def step(text):
    print(text, flush=True)


def meet(host):
    """The whole visit."""
    def reply(kind, packet):
        if kind == "arp" and packet[6:8] == b"\0\2" and packet[14:18] == host.device:
            return packet[8:14]
        return None

    host.arp(1, b"\0" * 6, BROADCAST)
    host.device_mac = host.wait("ARP reply", reply)
    step(f"arp: {socket.inet_ntoa(host.device)} is at {host.device_mac.hex(':')}")

    for size in (0, 1, 56, 1472):
        payload = bytes(i & 255 for i in range(size))
        echo = struct.pack("!HH", 0x1234, size) + payload
        host.send_ip(1, b"\x08\0" + struct.pack("!H", checksum(b"\x08\0\0\0" + echo)) + echo)
        host.wait("echo reply", lambda kind, data: True if kind == "icmp" and data[:1] == b"\0" and data[4:] == echo else None)
        step(f"ping: {size} bytes came back")

    c = Connection(host, 7)
    iss = c.seq
    c.send(SYN)
    answer = c.wait("SYN-ACK", lambda s: s.flags & (SYN | ACK | RST))
    if answer.flags & (SYN | ACK | RST) != SYN | ACK or answer.ack != (iss + 1) % 2**32:
        raise Failure(f"flags {answer.flags:#x} ack {answer.ack} instead of a SYN-ACK of {(iss + 1) % 2**32}")
    c.ack = (answer.seq + 1) % 2**32
    c.send(ACK)
    step(f"connect: SYN {iss}, SYN-ACK {answer.seq} acknowledges {answer.ack}, ACK {c.ack}")

    text = bytes(97 + i % 26 for i in range(600))
    c.send(ACK | PSH, text)
    back = b""
    while len(back) < len(text):
        segment = c.wait("echoed data", lambda s: len(s.data) > 0)
        if segment.seq != c.ack:
            continue  # sent again, or ahead: the acknowledgment tells the device
        back += segment.data
        c.ack = (c.ack + len(segment.data)) % 2**32
        c.send(ACK)
    if back != text:
        raise Failure("the echo differs from what was sent")
    step(f"echo: {len(back)} bytes came back as sent")

    c.send(FIN | ACK)
    fin = c.wait("FIN", lambda s: s.flags & FIN)
    if fin.ack != c.seq:
        raise Failure(f"the device's FIN acknowledges {fin.ack}, not {c.seq}")
    c.ack = (fin.seq + len(fin.data) + 1) % 2**32
    c.send(ACK)
    step("close: FIN and FIN, both acknowledged")

    c = Connection(host, 9999)
    c.send(SYN)
    refusal = c.wait("reset", lambda s: s.flags & RST)
    if refusal.ack != c.seq or refusal.seq != 0:
        raise Failure(f"a reset with seq {refusal.seq} ack {refusal.ack} instead of 0 and {c.seq}")
    step("closed port: RST")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("listen", help="unix:PATH or HOST:PORT")
    parser.add_argument("--ip", default="10.0.0.1")
    parser.add_argument("--device", default="10.0.0.2")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for the device (60)")
    arguments = parser.parse_args()
    if arguments.listen.startswith("unix:"):
        path = arguments.listen[5:]
        if os.path.exists(path):
            os.unlink(path)  # left over from the last time
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
    else:
        name, _, port = arguments.listen.rpartition(":")
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((name, int(port)))
    server.listen(1)
    server.settimeout(arguments.timeout)
    step("listening")
    try:
        connection, _ = server.accept()
        host = Host(Wire(connection), socket.inet_aton(arguments.ip), socket.inet_aton(arguments.device))
        meet(host)
    except (Failure, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    step("all well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
