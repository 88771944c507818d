"""`irkit reach`: who may talk to whom, on a cluster or in manifests; for one pod, now and once it is isolated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.cli.newfile import give

if TYPE_CHECKING:
    from irkit.cluster.protocol import Json
    from irkit.contain.policy.nouns import World
    from irkit.contain.reach.neighbours import Neighbours, Ports
    from irkit.model.pod import PodRef

Pod = Annotated[
    str | None, typer.Argument(metavar="[POD]", help="A pod, or a workload in manifests (default: everything).")
]
Manifests = Annotated[
    Path | None,
    typer.Option("--manifests", metavar="DIR", help="Read YAML and JSON from here (- is stdin), and ask no cluster."),
]
Svg = Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draw it, as SVG; - is stdout.")]


@command(app, "reach")
def reach(face: Face, pod: Pod = None, manifests: Manifests = None, svg: Svg = None) -> None:
    """Say what may talk to a pod and what it may talk to, now and once it is isolated; without POD, who to whom."""
    from irkit.contain.reach.neighbours import neighbours

    if manifests:
        face = replace(face, namespace=face.namespace or ("default" if pod else None))
    ref = face.pod(pod) if pod else None
    world, labels = _offline(face, manifests) if manifests else _online(face, ref)
    if ref:
        _show_pod(face, ref, neighbours(world, ref, labels), svg)
    else:
        _show_all(face, world, svg)


def _draw(face: Face, svg: str, connections: list[Json], left: list[Json] | None, title: str) -> None:
    from irkit.contain.reach.picture import picture

    drawn = picture(connections, left, title).encode()
    give(face, drawn, None if svg == "-" else Path(svg))


def _offline(face: Face, place: Path) -> tuple[World, None]:
    from irkit.contain.world import manifests

    found = manifests.load(place)
    if found.unread:
        face.note(f"not read, so the truth may be stricter or wider: {_few(found.unread)}", "warn")
    if not found.endpoints:
        face.note("no pod or workload is there, so nobody talks", "warn")
    return found, None


def _few(names: tuple[str, ...]) -> str:
    rest = len(names) - 5
    return ", ".join(names[:5]) + (f" and {rest} more" if rest > 0 else "")


def _online(face: Face, pod: PodRef | None) -> tuple[World, dict[str, str] | None]:
    """The world, and the labels that isolation would give the pod."""
    from irkit.contain.survey import labels_for
    from irkit.contain.world import live

    cluster = face.door()
    labels = labels_for(pod, cluster) if pod else None
    return live.load(cluster), labels


def _show_all(face: Face, world: World, svg: str | None) -> None:
    from irkit.cluster.resolve import no_namespace
    from irkit.contain.reach.connections import reach as connections

    if face.namespace and face.namespace not in world.namespaces:
        raise no_namespace(face.namespace)
    found = connections(world, namespace=face.namespace)
    if svg:
        _draw(face, svg, found, None, f"Who may talk to whom{f' in {face.namespace}' if face.namespace else ''}")
    if svg == "-":
        return
    face.emit({"connections": found}, lines=found)
    face.table(("SOURCE", "DESTINATION", "PORTS"), ((one["src"], one["dst"], _ports(one["ports"])) for one in found))


def _show_pod(face: Face, pod: PodRef, found: Neighbours, svg: str | None) -> None:
    if svg:
        _draw(face, svg, found.connections, found.isolated, f"Who may talk to {pod}, and whom it may talk to")
    if svg == "-":
        return
    answer = {"pod": {"namespace": pod.namespace, "name": pod.name}, "connections": found.connections}
    face.emit(answer | {"isolated": found.isolated}, lines=found.connections)
    rows = [(way, other, _ports(now), _ports(then)) for way, other, now, then in found.sides()]
    if rows:
        face.table(("", "PEER", "NOW", "ONCE ISOLATED"), rows)
    else:
        face.show(f"nothing may talk to {pod}, and it may talk to nothing")


def _ports(ports: Ports) -> str:
    if isinstance(ports, str):
        return ports
    return ", ".join(_port(one["protocol"], one["port"], one["endPort"]) for one in ports) or "-"


def _port(protocol: str, first: int, last: int) -> str:
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"
