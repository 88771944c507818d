"""/proc/net read: who talks to whom (proc(5); the kernel's net/ipv4/tcp_ipv4.c)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping

from irkit.cluster.protocol import Json

STATES = (
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
)  # fmt: skip


def sockets(tables: Mapping[str, str], owners: Mapping[str, list[int]]) -> Iterator[Json]:
    """A row for each socket: `{protocol, local, remote, state, uid, inode, pids}`, for a unix one `path`.

    `tables`: "tcp", "udp6", "unix" and so on, each with its text; `owners`: inode to the processes that hold it.
    """
    for protocol, text in tables.items():
        for line in text.splitlines()[1:]:
            fields = line.split()
            try:
                row = (
                    _unix(fields) if protocol == "unix" else _packet(fields) if protocol == "packet" else _inet(fields)
                )
            except (ValueError, IndexError, struct.error):
                row = {"unread": line[:200], "inode": ""}
            yield {"protocol": protocol, **row, "pids": owners.get(str(row["inode"]), [])}


def _inet(fields: list[str]) -> Json:
    state = int(fields[3], 16)
    return {
        "local": _address(fields[1]),
        "remote": _address(fields[2]),
        "state": STATES[state] if state < len(STATES) else fields[3],
        "uid": int(fields[7]),
        "inode": fields[9],
    }


def _address(text: str) -> str:
    """`0100007F:1F90` as `127.0.0.1:8080`: words of 32 bits, each in the byte order of a little-endian machine."""
    words, port = text.split(":")
    raw = b"".join(struct.pack("<I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    family, shown = (socket.AF_INET, "{}:{}") if len(raw) == 4 else (socket.AF_INET6, "[{}]:{}")
    return shown.format(socket.inet_ntop(family, raw), int(port, 16))


def _unix(fields: list[str]) -> Json:
    listening = int(fields[3], 16) & 0x10000  # __SO_ACCEPTCON
    state = "LISTEN" if listening else {"01": "", "03": "ESTABLISHED"}.get(fields[5], fields[5])
    return {"path": " ".join(fields[7:]), "state": state, "inode": fields[6]}


def _packet(fields: list[str]) -> Json:
    """Whoever holds one of these reads the wire."""
    return {"state": "SNIFFING", "uid": int(fields[7]), "inode": fields[8]}
