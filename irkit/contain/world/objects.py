"""API objects to a world: pods as they are, workloads by the pods that their templates make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from ipaddress import ip_address
from typing import Any, TypeVar

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read
from irkit.contain.policy.nouns import LAST_PORT, PROTOCOLS, Address, Endpoint, Node, World
from irkit.contain.policy.tiers import tiered
from irkit.contain.world.kinds import (
    TEMPLATES,
    Name,
    is_namespace,
    is_node,
    is_pods,
    is_policy,
    is_tier,
    matters,
    name_of,
    once,
    told,
)

NAME_LABEL = "kubernetes.io/metadata.name"  # the API server puts it on every namespace

Read = TypeVar("Read")


def world(objects: Iterable[Json], *, live: bool) -> World:
    """The world that `objects` make, each with its `kind`; other kinds are left out.

    A `live` world is of running pods with their addresses. Otherwise what counts is what the manifests want: status
    is not looked at, and a pod stands under the name of its first owner, as far as owners can be followed. Raises
    ValueError, naming the object, for a policy that no API server accepts.
    """
    listed = list(objects)
    owners = {name_of(known): owner for known in listed if not live and (owner := _owner(known))}

    def endpoint(known: Json) -> Endpoint:
        return _endpoint(known, _first(name_of(known), owners), live=live)

    pods = (known for known in listed if is_pods(known) and not (live and _ended(known)))
    endpoints = once(pods, endpoint, live=live)
    policies = once(filter(is_policy, listed), lambda known: _policy(known, read.policy), live=live)
    tiers = once(filter(is_tier, listed), lambda known: _policy(known, tiered), live=live)
    spaces = once(filter(is_namespace, listed), _namespace, live=live)
    mentioned = {one.namespace for one in endpoints} | {one.namespace for one in policies}
    nodes = tuple(map(_node, filter(is_node, listed)))
    unread = tuple(told(name_of(known)) for known in listed if matters(known))
    return World(_labelled(spaces, mentioned), endpoints, policies, tiers, nodes, unread)


def _namespace(known: Json) -> tuple[str, dict[str, str]]:
    name = name_of(known)
    return name[2], _labels(known, name)


def _labelled(spaces: Iterable[tuple[str, dict[str, str]]], mentioned: Iterable[str]) -> dict[str, dict[str, str]]:
    given = dict(spaces)
    return {name: {**given.get(name, {}), NAME_LABEL: name} for name in {*mentioned, *given}}


def _endpoint(known: Json, name: Name, *, live: bool) -> Endpoint:
    template = reduce(part, TEMPLATES[known["kind"]], known)
    spec = part(template, "spec")
    return Endpoint(
        namespace=name[0],
        name=name[2],
        kind=name[1],
        labels=_labels(template, name),
        addresses=tuple(_addresses(part(known, "status"))) if live else (),
        ports=tuple(_ports(spec)),
        host_network=live and spec.get("hostNetwork") is True,
    )


def _ports(spec: Json) -> Iterator[tuple[str, str, int]]:
    for container in (*entries(spec, "containers"), *entries(spec, "initContainers")):
        for port in entries(container, "ports"):
            name, protocol, number = port.get("name"), port.get("protocol") or "TCP", port.get("containerPort")
            if isinstance(name, str) and protocol in PROTOCOLS and type(number) is int and 1 <= number <= LAST_PORT:
                yield name, protocol, number


def _addresses(status: Json) -> Iterator[Address]:
    return (ip_address(str(entry.get("ip"))) for entry in entries(status, "podIPs"))


def _ended(known: Json) -> bool:
    return part(known, "status").get("phase") in ("Succeeded", "Failed")


def _policy(manifest: Json, reading: Callable[[Json], Read]) -> Read:
    name = name_of(manifest)
    try:
        return reading({**manifest, "metadata": {"namespace": name[0], "name": name[2]}})
    except ValueError as error:
        raise ValueError(f"{told(name)}: {error}") from error


def _node(known: Json) -> Node:
    addresses = (entry.get("address") for entry in entries(part(known, "status"), "addresses") if _is_ip(entry))
    return Node(_labels(known, name_of(known)), tuple(ip_address(str(address)) for address in addresses))


def _is_ip(entry: Json) -> bool:
    return entry.get("type") in ("InternalIP", "ExternalIP")


def _owner(known: Json) -> Name | None:
    owner = next(
        (entry for entry in entries(part(known, "metadata"), "ownerReferences") if entry.get("controller")), None
    )
    return (name_of(known)[0], str(owner.get("kind") or "Pod"), str(owner.get("name"))) if owner else None


def _first(name: Name, owners: Mapping[Name, Name]) -> Name:
    """Up the chain of owners. A static pod's is its node, which is no workload; hostile chains may close to a ring."""
    seen = {name}
    while (above := owners.get(name)) and above not in seen and above[1] != "Node":
        seen.add(above)
        name = above
    return name


def _labels(known: Json, name: Name) -> dict[str, str]:
    """As the API server reads them: null is the empty text, and a number is refused, for 1.10 would become 1.1."""
    labels: Mapping[str, Any] = part(part(known, "metadata"), "labels")
    for key, value in labels.items():
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{told(name)}: the label {key} is not a text, but {value!r:.80}")
    return {str(key): value or "" for key, value in labels.items()}
