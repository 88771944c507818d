"""What is in an answer: the objects of a list, and parts of an object that may not have the shape they should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from irkit.cluster.protocol import Json, Reply
from irkit.errors import ClusterError


def items(pages: Iterable[Reply]) -> Iterator[Json]:
    """Each object of a list once: a list that had to start again shows some twice, and their uid tells.

    Raises ClusterError for an answer that is not a list of objects.
    """
    seen: set[str] = set()
    for page in pages:
        listed = page.json().get("items") or []  # null: Go writes an empty list so
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise ClusterError(f"the answer to {page.call.url} is not a list of objects", "is this an API server?")
        for item in listed:
            uid = str(part(item, "metadata").get("uid") or "")
            if not uid or uid not in seen:
                yield item
            seen.add(uid)


def part(whole: Json, key: str) -> Json:
    """The object under `key`; an empty one where there is none."""
    found = whole.get(key)
    return found if isinstance(found, dict) else {}


def entries(whole: Json, key: str) -> list[Json]:
    """The objects listed under `key`; none where there is no such list."""
    found = whole.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def addresses(pod: Json) -> tuple[IPv4Address | IPv6Address, ...]:
    """Those of a pod; none before it has a network. What is no address is left out."""
    status = part(pod, "status")
    listed = [entry.get("ip") for entry in entries(status, "podIPs")] or [status.get("podIP")]
    return tuple(found for text in listed if (found := _address(text)) is not None)


def _address(text: object) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None
