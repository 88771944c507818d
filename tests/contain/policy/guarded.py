"""The expected answers of np-guard/netpol-analyzer, translated from its text into the terms of `irkit reach`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path

from irkit.cluster.protocol import Json
from tests import corpus

ROOT = corpus.ROOT / "netpol/np-guard__netpol-analyzer"
_ANSWER = re.compile(r"_(connlist|exposure)_output\.txt\Z")
_LINE = re.compile(r"(\S.*?) => (\S.*?) : (.*)\Z")
_RANGE = re.compile(r"([\d.]+)-([\d.]+)\[External\]\Z")
PORTS = {"TCP": 0, "UDP": 1 << 16, "SCTP": 2 << 16}

Range = tuple[int, int]
Line = tuple[str | Range, str | Range, list[Range]]  # addresses and ports as ranges of numbers
# A pair of ends, or an end and "from outside"/"to outside", to (ports, addresses) ranges in their one canonical form.
Answer = dict[tuple[str, str], tuple[tuple[Range, tuple[Range, ...]], ...]]


def cases() -> list[tuple[Path, Path]]:
    """Each folder of manifests that has an expected answer, with the file of the answer."""
    found = ((path, ROOT / "tests" / _ANSWER.sub("", path.name)) for path in (ROOT / "test_outputs").rglob("*.txt"))
    return sorted((folder, path) for path, folder in found if folder.is_dir())


def expected(path: Path) -> Answer:
    """The answer in `path`. Lines of its analysis of Ingress objects are left out: they are not about policies."""
    lines = path.read_text().partition("Exposure Analysis Result")[0].splitlines()
    return canonical(_line(line) for line in lines if line and "{ingress-controller}" not in line)


def told(connections: Iterable[Json]) -> Answer:
    """What `reach` says, in the same shape."""
    return canonical((_end(c["src"]), _end(c["dst"]), list(_open(c["ports"]))) for c in connections)


def _line(text: str) -> Line:
    found = _LINE.match(text)
    assert found, text
    return _end(found[1]), _end(found[2]), list(_worded(found[3]))


def _end(text: str) -> str | Range:
    if found := _RANGE.match(text):
        return int(ip_address(found[1])), int(ip_address(found[2]))
    if text[0].isdecimal() and "[" not in text:
        network = ip_network(text)
        return int(network[0]), int(network[-1])
    return text


def _worded(text: str) -> Iterator[Range]:
    """Such as "All Connections", or "SCTP 1-65535,TCP 80,443"."""
    if text == "All Connections":
        yield from _open("all")
        return
    protocol = ""
    for piece in text.split(","):
        *named, numbers = piece.split()
        protocol = named[0] if named else protocol
        first, _, last = numbers.partition("-")
        yield PORTS[protocol] + int(first), PORTS[protocol] + int(last or first)


def _open(ports: str | list[Json]) -> Iterator[Range]:
    if isinstance(ports, str):
        yield from ((base + 1, base + 65535) for base in PORTS.values())
        return
    for one in ports:
        yield PORTS[one["protocol"]] + one["port"], PORTS[one["protocol"]] + one["endPort"]


def canonical(lines: Iterable[Line]) -> Answer:
    """One form for every way to say the same."""
    found: dict[tuple[str, str], list[tuple[Range, Range]]] = defaultdict(list)
    for source, target, ports in lines:
        match source, target:
            case str(), str():
                ends, addresses = (source, target), (0, 0)
            case str(), (int(first), int(last)):
                ends, addresses = (source, "to outside"), (first, last)
            case (int(first), int(last)), str():
                ends, addresses = (target, "from outside"), (first, last)
            case _:
                raise AssertionError("a connection between two addresses")
        found[ends] += [(some, addresses) for some in ports]
    return {ends: _cells(rectangles) for ends, rectangles in found.items()}


def _cells(rectangles: list[tuple[Range, Range]]) -> tuple[tuple[Range, tuple[Range, ...]], ...]:
    cuts = sorted({edge for (first, last), _ in rectangles for edge in (first, last + 1)})
    cells: list[tuple[Range, tuple[Range, ...]]] = []
    for low, high in pairwise(cuts):
        addresses = _joined([ips for (first, last), ips in rectangles if first <= low and high - 1 <= last])
        if cells and cells[-1][0][1] + 1 == low and cells[-1][1] == addresses:
            cells[-1] = (cells[-1][0][0], high - 1), addresses
        elif addresses:
            cells.append(((low, high - 1), addresses))
    return tuple(cells)


def _joined(ranges: list[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)
