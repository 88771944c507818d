"""Which secrets to rotate: those the pod names, and those its account may read. Pure, and names only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.cluster.resolve import CONTAINERS
from irkit.contain.identity.grants import allowing, names, rules
from irkit.contain.identity.nouns import Grant, Secret

READING = ("get", "list", "watch")
# Whoever creates one of these can mount any secret of its namespace.
WORKLOADS = (
    ("", "pods"),
    ("", "replicationcontrollers"),
    *(("apps", kind) for kind in ("daemonsets", "deployments", "replicasets", "statefulsets")),
    *(("batch", kind) for kind in ("cronjobs", "jobs")),
)
# What lets an account be more than its rules say (k8s.io/docs/concepts/security/rbac-good-practices).
ESCALATING = (
    ("", "users", ("impersonate",), "may impersonate users: the policy does not see those requests as the pod's"),
    ("", "groups", ("impersonate",), "may impersonate groups: what those may do is not told here"),
    ("", "serviceaccounts", ("impersonate",), "may impersonate service accounts: the policy does not see that"),
    ("", "serviceaccounts/token", ("create",), "may make tokens: one it made earlier is not bound to this pod"),
    ("rbac.authorization.k8s.io", "clusterroles", ("bind", "escalate"), "may grant itself more cluster roles"),
    ("rbac.authorization.k8s.io", "roles", ("bind", "escalate"), "may grant itself more roles"),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        ("delete", "deletecollection", "patch", "update"),
        "may take admission policies away: a policy on it does not hold, revoke the account",
    ),
)


def by_account(grants: tuple[Grant, ...]) -> Iterator[Secret]:
    """The secrets that the rules let the account read, or mount into a workload that it may create."""
    for grant, rule in rules(grants):
        verbs = allowing(rule, "", "secrets")
        if reads := [verb for verb in READING if verbs & {"*", verb}]:
            why = f"{', '.join(reads)} by {grant.binding}"
            yield from (Secret(grant.namespace, name, why) for name in names(rule))
        for group, kind in WORKLOADS:
            if names(rule) == ("*",) and allowing(rule, group, kind) & {"*", "create"}:
                yield Secret(grant.namespace, "*", f"may create {kind}, which mount any, by {grant.binding}")


def warnings(grants: tuple[Grant, ...]) -> Iterator[str]:
    """What the account may do that makes the rest of what is told the least of it."""
    for group, resource, verbs, told in ESCALATING:
        for grant, rule in rules(grants):
            if allowing(rule, group, resource) & {"*", *verbs}:
                yield f"the account {told} ({grant.binding})"


def unseen(pod: Json) -> Iterator[str]:
    """The volumes that hold what no API object tells."""
    for volume in entries(part(pod, "spec"), "volumes"):
        if driver := part(volume, "csi").get("driver"):
            yield f"what the driver {driver} puts into volume {volume.get('name')} is not in the API: ask its owner"


def by_pod(pod: Json, account: Json) -> Iterator[Secret]:
    """The secrets that the pod's spec and its service account `account` name, however deep."""
    namespace, spec = str(pod["metadata"].get("namespace") or ""), part(pod, "spec")
    for kind in CONTAINERS:
        for container in entries(spec, kind):
            told = f"container {container.get('name')}"
            for one in entries(container, "env"):
                key = part(part(one, "valueFrom"), "secretKeyRef")
                yield from _named(namespace, key.get("name"), f"{told}, env {one.get('name')}")
            for one in entries(container, "envFrom"):
                yield from _named(namespace, part(one, "secretRef").get("name"), f"{told}, envFrom")
    for volume in entries(spec, "volumes"):
        yield from _of_volume(namespace, volume, f"volume {volume.get('name')}")
    for one in entries(spec, "imagePullSecrets"):
        yield from _named(namespace, one.get("name"), "image pull secret")
    for one in (*entries(account, "secrets"), *entries(account, "imagePullSecrets")):
        yield from _named(namespace, one.get("name"), "of the service account")


def _of_volume(namespace: str, volume: Json, why: str) -> Iterator[Secret]:
    yield from _named(namespace, part(volume, "secret").get("secretName"), why)
    for source in entries(part(volume, "projected"), "sources"):
        yield from _named(namespace, part(source, "secret").get("name"), why)
    # Every other kind of volume keeps its credentials under one of these (k8s.io/api/core/v1, VolumeSource).
    for kind, source in volume.items():
        if isinstance(source, dict) and kind not in ("secret", "projected"):
            for key in ("secretRef", "nodePublishSecretRef"):
                yield from _named(namespace, part(source, key).get("name"), f"{why} ({kind})")
            yield from _named(namespace, source.get("secretName"), f"{why} ({kind})")


def _named(namespace: str, name: Any, why: str) -> Iterator[Secret]:  # noqa: ANN401 - hostile JSON
    if isinstance(name, str) and name:
        yield Secret(namespace, name, why)
