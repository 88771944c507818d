"""Connections that were open before: written down, and cut by killing their sockets in the pod.

A policy decides about new connections; what becomes of open ones is up to the engine. The pod's own sockets can be
killed from a container that shares its network (`ss -K`), where the kernel lets us and the image has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from irkit.cluster.resources import PODS
from irkit.contain.hand import Hand
from irkit.contain.proof import inside
from irkit.errors import ClusterError, Refused
from irkit.model.isolation import Proof
from irkit.model.pod import PodRef

SECONDS = 30
SHOWN = 20  # peers named in a proof
_TABLES = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null"
PROGRAM = f"""\
echo irkit before; {_TABLES}
if command -v ss >/dev/null 2>&1; then
  echo irkit said "$(ss -K state established 2>&1 >/dev/null)"
else echo irkit no-ss; fi
echo irkit after; {_TABLES}
echo irkit end
"""
# The one capability that it takes to kill sockets; ss needs root to hold it.
_CONTEXT = {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}, "runAsUser": 0, "runAsNonRoot": False}
_ROW = re.compile(rb"\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) 01 ")


def cut(hand: Hand, pod: PodRef, image: str) -> Proof:
    """What was open, and what is left of it. What keeps us from it is said; nothing is raised but Conflict."""
    detail = "an ephemeral container that kills the pod's open connections"
    container = {"image": image, "command": ["sh", "-c", PROGRAM], "securityContext": _CONTEXT}
    try:
        name = inside.start(hand, pod, "irkit-flows", container, detail)
        if hand.dry_run:
            return Proof("flows", "not cut: a dry run")
        if not inside.ended(hand, pod, name, SECONDS):
            return Proof("flows", "not cut: the container did not end", name)
        log = hand.cluster.get(PODS.path(pod.namespace, pod.name, "log"), {"container": name}).body
    except (ClusterError, Refused) as error:
        return Proof("flows", f"not cut: {error.message}")
    return told(log)


def told(log: bytes) -> Proof:
    """What the container's log says."""
    before, _, rest = log.partition(b"irkit after")
    were, left = set(_established(before.splitlines())), set(_established(rest.splitlines()))
    remote = ", ".join(sorted(were)[:SHOWN]) + (f" and {len(were) - SHOWN} more" if len(were) > SHOWN else "")
    if not rest:
        return Proof("flows", "not cut: the container said nothing of use", remote)
    if b"irkit no-ss" in before and were:
        return Proof("flows", f"{len(were)} open, none cut: the image has no ss (iproute2)", remote)
    still = were & left
    if still:
        why = next((line[11:] for line in before.splitlines() if line.startswith(b"irkit said ")), b"")
        reason = why.decode("utf-8", "replace").strip()[:200] or "the kernel did not (CONFIG_INET_DIAG_DESTROY)"
        return Proof("flows", f"{len(were)} open, {len(still)} of them not cut: {reason}", remote)
    return Proof("flows", f"{len(were)} open, all cut" if were else "none was open", remote)


def _established(lines: Iterable[bytes]) -> Iterable[str]:
    """Both ends of each, but for those within the pod."""
    for line in lines:
        if found := _ROW.match(line):
            ends = [(_address(found[n]), int(found[n + 1], 16)) for n in (1, 3)]
            if not ends[1][0].startswith(("127.", "::1")):
                yield " -> ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in ends)


def _address(text: bytes) -> str:
    """The kernel writes an address as 32-bit words in the machine's byte order: little-endian nearly everywhere."""
    raw = bytes.fromhex(text.decode())
    found = ip_address(b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4)))
    return str(getattr(found, "ipv4_mapped", None) or found)
