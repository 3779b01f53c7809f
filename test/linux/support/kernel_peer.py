"""Sockets of the Linux kernel for the tests: one JSON command a line, each in a thread, one JSON answer a line.

{"n": 1, "do": "connect", ...} is answered by {"n": 1, "ok": ...} or {"n": 1, "error": "ECONNRESET"}.
"""

import errno
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

BLOCK = 65537
TIMEOUT = 60
sockets = {}
lock = threading.Lock()


def pattern(seed, length):
    """The same bytes as pattern() in data.ts."""
    block = hashlib.shake_256(seed.encode()).digest(BLOCK)
    return (block * (length // BLOCK + 1))[:length]


def keep(s):
    s.settimeout(TIMEOUT)
    with lock:
        handle = len(sockets) + 1
        sockets[handle] = s
    return handle


def new(options):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for level, name, value in options:
        s.setsockopt(getattr(socket, level), getattr(socket, name), value)
    return s


def listen(port, options=()):
    s = new(options)
    s.bind(("", port))
    s.listen(128)
    return keep(s)


def accept(h):
    return keep(sockets[h].accept()[0])


def connect(host, port, local=0, options=()):
    s = new(options)
    s.settimeout(TIMEOUT)
    if local:
        s.bind(("", local))
    s.connect((host, port))
    return keep(s)


def send(h, seed, length):
    sockets[h].sendall(pattern(seed, length))


def receive(h, length=None, pause=0):
    """Up to so many bytes, else up to the end: how many, their hash, and whether the end was met."""
    total, digest = 0, hashlib.sha256()
    while length is None or total < length:
        data = sockets[h].recv(65536 if length is None else min(65536, length - total))
        if not data:
            return {"length": total, "hash": digest.hexdigest(), "end": True}
        total += len(data)
        digest.update(data)
        if pause:
            time.sleep(pause)
    return {"length": total, "hash": digest.hexdigest(), "end": False}


def echo(host, port, seed, length, options=()):
    """One connection to an echo service: sends, ends its side, and gives what came back."""
    h = connect(host, port, 0, options)
    sender = threading.Thread(target=lambda: (send(h, seed, length), shut(h)))
    sender.start()
    result = receive(h)
    sender.join()
    close(h)
    return result


def shut(h):
    sockets[h].shutdown(socket.SHUT_WR)


def close(h):
    sockets[h].close()


def reset(h):
    sockets[h].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sockets[h].close()


STATES = ["", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
          "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING"]


def info(h):
    """What struct tcp_info begins with: state and the options agreed on."""
    data = sockets[h].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    options = data[5]
    return {
        "state": STATES[data[0]],
        "timestamps": options & 1 != 0,
        "sack": options & 2 != 0,
        "scaling": options & 4 != 0,
        "ecn": options & 8 != 0,
        "mss": struct.unpack_from("=I", data, 16)[0],
    }


COMMANDS = {f.__name__: f for f in (listen, accept, connect, send, receive, echo, shut, close, reset, info)}


def run(n, name, arguments):
    try:
        answer = {"n": n, "ok": COMMANDS[name](**arguments)}
    except TimeoutError as e:
        answer = {"n": n, "error": errno.errorcode.get(e.errno, "no answer in time") if e.errno else "no answer in time"}
    except OSError as e:
        answer = {"n": n, "error": errno.errorcode.get(e.errno, str(e))}
    except Exception as e:
        answer = {"n": n, "error": repr(e)}
    with lock:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


for line in sys.stdin:
    command = json.loads(line)
    threading.Thread(target=run, args=(command.pop("n"), command.pop("do"), command), daemon=True).start()
# whoever started this has gone: no thread is to hold it up
os._exit(0)
