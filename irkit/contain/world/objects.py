"""API objects to a world: pods as they are, workloads by the pods that their templates make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import reduce
from ipaddress import ip_address
from typing import Any, TypeVar

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read
from irkit.contain.policy import tiers as tiering
from irkit.contain.policy.nouns import LAST_PORT, PROTOCOLS, Address, Endpoint, Node, Policy, World

NAME_LABEL = "kubernetes.io/metadata.name"  # the API server puts it on every namespace
# Where each kind keeps its pods' metadata and spec; a Pod is its own template.
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}

V1_GROUPS = ("networking.k8s.io", "extensions")

Name = tuple[str, str, str]  # namespace, kind, name
Read = TypeVar("Read")


def world(objects: Iterable[Json], *, live: bool) -> World:
    """The world that `objects` make, each with its `kind`; other kinds are left out.

    A `live` world is of running pods with their addresses. Otherwise what counts is what the manifests want: status
    is not looked at, and a pod stands under the name of its first owner, as far as owners can be followed. Raises
    ValueError, naming the object, for a policy that no API server accepts.
    """
    listed = list(objects)
    owners = {_name(known): owner for known in listed if not live and (owner := _owner(known))}
    pods = [known for known in listed if known.get("kind") in TEMPLATES and not (live and _ended(known))]
    endpoints = tuple(_endpoint(known, _first(_name(known), owners), live=live) for known in pods)
    policies = _once((known for known in listed if _is(known, ("NetworkPolicy",), V1_GROUPS)), live=live)
    mentioned = {one.namespace for one in endpoints} | {one.namespace for one in policies}
    tiers = tuple(_policy(known, tiering.tiered) for known in listed if _is(known, tiering.KINDS, tiering.GROUPS))
    nodes = tuple(_node(known) for known in listed if known.get("kind") == "Node")
    return World(_namespaces(listed, mentioned), endpoints, policies, tiers, nodes)


def _namespaces(listed: Iterable[Json], mentioned: Iterable[str]) -> dict[str, dict[str, str]]:
    given = {(name := _name(known))[2]: _labels(known, name) for known in listed if known.get("kind") == "Namespace"}
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


def _is(known: Json, kinds: Collection[str], groups: Collection[str]) -> bool:
    """By group too: Calico's NetworkPolicy is another. What does not say its group is taken for what it is called."""
    group, slash, _ = str(known.get("apiVersion") or "").rpartition("/")
    return known.get("kind") in kinds and (not slash or group in groups)


def _once(manifests: Iterable[Json], *, live: bool) -> tuple[Policy, ...]:
    """A cluster has one policy of a name: manifests may hold it twice, but not two that differ."""
    found: dict[Name, Policy] = {}
    for manifest in manifests:
        name, one = _name(manifest), _policy(manifest, read.policy)
        if not live and found.get(name, one) != one:
            raise ValueError(f"{name[1]} {name[0]}/{name[2]} is there twice, and not alike")
        found[name] = one
    return tuple(found.values())


def _policy(manifest: Json, reading: Callable[[Json], Read]) -> Read:
    namespace, kind, name = _name(manifest)
    try:
        return reading({**manifest, "metadata": {"namespace": namespace, "name": name}})
    except ValueError as error:
        raise ValueError(f"{kind} {namespace}/{name}: {error}") from error


def _node(known: Json) -> Node:
    addresses = (entry.get("address") for entry in entries(part(known, "status"), "addresses") if _is_ip(entry))
    return Node(_labels(known, _name(known)), tuple(ip_address(str(address)) for address in addresses))


def _is_ip(entry: Json) -> bool:
    return entry.get("type") in ("InternalIP", "ExternalIP")


def _name(known: Json) -> Name:
    metadata = part(known, "metadata")
    return str(metadata.get("namespace") or "default"), str(known.get("kind")), str(metadata.get("name") or "")


def _owner(known: Json) -> Name | None:
    owner = next(
        (entry for entry in entries(part(known, "metadata"), "ownerReferences") if entry.get("controller")), None
    )
    return (_name(known)[0], str(owner.get("kind") or "Pod"), str(owner.get("name"))) if owner else None


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
            namespace, kind, own = name
            raise ValueError(f"{kind} {namespace}/{own}: the label {key} is not a text, but {value!r:.80}")
    return {str(key): value or "" for key, value in labels.items()}
