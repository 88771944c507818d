"""What an experiment is asked to do, and what it tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from irkit.cluster.objects import addresses, entries, part
from irkit.cluster.protocol import Json
from irkit.errors import UsageError
from irkit.model.isolation import Direction, Family

LISTEN = 8080  # where the listening probe answers
SILENT = 8081  # where nobody does: a probe that gets through to there cannot tell open from closed
PORTS = 6  # of the pod that are tried at most


@dataclass(frozen=True, slots=True)
class Proving:
    """How to prove it. Raises UsageError.

    `ports` are those of the pod to call (none: the TCP ports that its containers declare). `inside` also calls out of
    the pod, from an ephemeral container, which stays on the pod for as long as it lives.
    """

    image: str
    ports: tuple[int, ...] = ()
    inside: bool = False

    def __post_init__(self) -> None:
        if not self.image or any(character.isspace() for character in self.image):
            raise UsageError("a probe needs an image", "--probe-image IMAGE: one with sh and nc, as busybox")
        if any(not 1 <= port <= 65535 for port in self.ports):
            raise UsageError("a port is a number from 1 to 65535", "--probe-port PORT")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to call again and again. `name` is a word of the probe's language: "ingress/IPv4/8080"."""

    name: str
    host: IPv4Address | IPv6Address
    port: int


def concerned(pod: Json) -> bool:
    """False for a pod that no policy cuts off, or that has ended: there is nothing to measure."""
    ended = part(pod, "status").get("phase") in ("Succeeded", "Failed")
    return not ended and part(pod, "spec").get("hostNetwork") is not True


def family(address: IPv4Address | IPv6Address) -> Family:
    """The family of an address."""
    return Family(f"IPv{address.version}")


def ingress(pod: Json, asked: tuple[int, ...]) -> tuple[Target, ...]:
    """What to call of the pod: every address of it, on the ports asked for or declared."""
    ports = asked or tuple(dict.fromkeys(_declared(pod)))[:PORTS]
    return tuple(
        Target(f"{Direction.INGRESS}/{family(address)}/{port}", address, port)
        for address in addresses(pod)
        for port in ports
    )


def listener(pod: Json, name: str) -> tuple[Target, ...]:
    """What to call of the listening probe: the port where it answers, as `name`, and the one where it does not."""
    return tuple(
        Target(f"{word}/{family(address)}/{port}", address, port)
        for address in addresses(pod)
        for word, port in ((name, LISTEN), ("nothing", SILENT))
    )


def _declared(pod: Json) -> Iterator[int]:
    """The TCP ports that containers of the pod say they listen on, numbers only."""
    spec = part(pod, "spec")
    for container in (*entries(spec, "containers"), *entries(spec, "initContainers")):
        for port in entries(container, "ports"):
            number = port.get("containerPort")
            if port.get("protocol", "TCP") == "TCP" and type(number) is int and 1 <= number <= 65535:
                yield number
