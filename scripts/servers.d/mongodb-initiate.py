# SPDX-License-Identifier: Apache-2.0
"""Makes a MongoDB server the only member of its replica set, and waits until it is the primary.

    python3 mongodb-initiate.py PORT SECONDS

It speaks the server's protocol itself, as no client of MongoDB need be installed: a command is an OP_MSG with a
document in BSON."""

import socket
import struct
import sys
import time

OP_MSG = 2013


def bson(document):
    """The document, of texts, integers, and documents."""
    elements = b""
    for name, value in document.items():
        if isinstance(value, str):
            data = value.encode() + b"\0"
            kind, data = b"\x02", struct.pack("<i", len(data)) + data
        elif isinstance(value, int):
            kind, data = b"\x10", struct.pack("<i", value)
        elif isinstance(value, list):
            kind, data = b"\x04", bson({str(i): item for i, item in enumerate(value)})
        else:
            kind, data = b"\x03", bson(value)
        elements += kind + name.encode() + b"\0" + data
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def read(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the server closed the connection")
        data += part
    return data


def command(connection, document):
    """The answer's bytes."""
    body = struct.pack("<IB", 0, 0) + bson({**document, "$db": "admin"})
    connection.sendall(struct.pack("<iiii", len(body) + 16, 1, 0, OP_MSG) + body)
    size = struct.unpack("<i", read(connection, 16)[:4])[0]
    return read(connection, size - 16)


def main(port, seconds):
    end = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as connection:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        answer = command(connection, {"replSetInitiate": {"_id": "rs0", "members": [member]}})
        if b"\x01ok\0" + struct.pack("<d", 1) not in answer and b"AlreadyInitialized" not in answer:
            sys.exit(f"replSetInitiate: {answer!r}")
        while b"\x08isWritablePrimary\0\x01" not in command(connection, {"hello": 1}):
            if time.monotonic() > end:
                sys.exit("the server does not become the primary")
            time.sleep(0.02)


main(int(sys.argv[1]), int(sys.argv[2]))
