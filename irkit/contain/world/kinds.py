"""Which API objects count for who may talk to whom, by kind and group, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.contain.policy.tiers import GROUPS as TIER_GROUPS
from irkit.contain.policy.tiers import KINDS as TIER_KINDS

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
_CORE = ("",)
_POD_GROUPS = (*_CORE, "apps", "batch", "extensions")
_POLICY_GROUPS = ("networking.k8s.io", "extensions")
_OF_THE_WHOLE = ("Namespace", "Node", *TIER_KINDS)

Name = tuple[str, str, str]  # namespace ("" for an object of the whole cluster), kind, name
Noun = TypeVar("Noun")


def is_pods(known: Json) -> bool:
    """True for a pod, and for what makes some."""
    return _is(known, TEMPLATES, _POD_GROUPS)


def is_policy(known: Json) -> bool:
    """True for a NetworkPolicy of Kubernetes: Calico's and others are called so too."""
    return _is(known, ("NetworkPolicy",), _POLICY_GROUPS)


def is_tier(known: Json) -> bool:
    """True for a policy of the tiers around NetworkPolicy."""
    return _is(known, TIER_KINDS, TIER_GROUPS)


def is_namespace(known: Json) -> bool:
    """True for a namespace."""
    return _is(known, ("Namespace",), _CORE)


def is_node(known: Json) -> bool:
    """True for a node."""
    return _is(known, ("Node",), _CORE)


def counts(known: Json) -> bool:
    """True for what talks, and for what rules that."""
    return is_pods(known) or is_policy(known) or is_tier(known)


def matters(known: Json) -> bool:
    """True for one that would count, but is of a kind that is not read: an engine's own policy, another's workload."""
    template = part(part(part(known, "spec"), "template"), "spec")
    return not counts(known) and (
        str(known.get("kind")).endswith("NetworkPolicy") or bool(entries(template, "containers"))
    )


def _is(known: Json, kinds: Collection[str], groups: Collection[str]) -> bool:
    """What does not say its API version is taken for what it is called."""
    version = str(known.get("apiVersion") or "")
    return str(known.get("kind")) in kinds and (not version or version.rpartition("/")[0] in groups)


def name_of(known: Json) -> Name:
    """What an object is called: "default" is the namespace of what names none."""
    metadata, kind = part(known, "metadata"), str(known.get("kind"))
    namespace = "" if kind in _OF_THE_WHOLE else str(metadata.get("namespace") or "default")
    return namespace, kind, str(metadata.get("name") or "")


def told(name: Name) -> str:
    """A name in words: "NetworkPolicy shop/web"."""
    namespace, kind, own = name
    return f"{kind} {namespace}/{own}" if namespace else f"{kind} {own}"


def once(objects: Iterable[Json], reading: Callable[[Json], Noun], *, live: bool) -> tuple[Noun, ...]:
    """What `reading` makes of each object. Manifests, unlike a `live` cluster, may hold one twice: it counts once.

    Without a name it is another each time, for the API server makes one up. Raises ValueError for two that are called
    the same and are not.
    """
    found: dict[object, Noun] = {}
    for number, known in enumerate(objects):
        name, one = name_of(known), reading(known)
        group = str(known.get("apiVersion") or "").rpartition("/")[0] if is_tier(known) else ""
        key = number if live or not name[2] else (group, name)
        if found.setdefault(key, one) != one:
            raise ValueError(f"{told(name)} is there twice, and not alike")
    return tuple(found.values())
