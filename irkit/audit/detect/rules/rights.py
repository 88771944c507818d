"""More rights: bindings, roles, impersonation, certificates, the map of cloud identities."""

from __future__ import annotations

from irkit.audit.detect.bodies import BINDINGS, at, bodies, objects, result, texts
from irkit.audit.detect.facts import SYSTEM_ACCOUNTS, outsider, succeeded
from irkit.audit.detect.rule import CHANGES, READS, WRITES, Gate, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

_ROLES = ("roles", "clusterroles")
_GRAVE_VERBS = frozenset({"*", "bind", "escalate", "impersonate"})
_GRAVE_RESOURCES = frozenset({"*", "nodes/proxy", "nodes/*", "pods/exec", "pods/*"})
_REQUESTS = ("certificatesigningrequests", "certificatesigningrequests/approval", "certificatesigningrequests/status")


def _admin_binding(event: Event) -> str:
    for asked in bodies(event) if succeeded(event) else ():
        role = at(asked, "roleRef", "name")
        if role is None and objects(asked.get("subjects")):  # a patch adds them to what is bound already
            role = at(result(event), "roleRef", "name")
        if role in ("cluster-admin", "system:masters"):
            return f"binds {role} to {_subjects(asked)}"
        if any(subject.get("name") == "system:masters" for subject in objects(asked.get("subjects"))):
            return f"binds {role} to system:masters"
    return ""


def _subjects(asked: dict[str, object]) -> str:
    named = [f"{one.get('kind')} {one.get('name')}" for one in objects(asked.get("subjects"))]
    return ", ".join(named[:5]) or "nobody yet"


def _grave_role(event: Event) -> str:
    if not succeeded(event):
        return ""
    if event.verb != "create" and event.ref.name.startswith("system:"):
        return f"{event.verb} of the built-in {event.ref.name}"
    for asked in bodies(event):
        for rule in objects(asked.get("rules")):
            verbs, resources = set(texts(rule.get("verbs"))), set(texts(rule.get("resources")))
            if grave := sorted((verbs & _GRAVE_VERBS) | (resources & _GRAVE_RESOURCES)):
                return f"a role with {', '.join(grave)}"
        for chosen in objects(at(asked, "aggregationRule", "clusterRoleSelectors")):
            if not any(chosen.values()):
                return "a role that gathers the rules of every other"
    return ""


def _impersonated(event: Event) -> str:
    whom = event.impersonatedUser
    if whom is None:
        return ""
    grave = whom.username.startswith((SYSTEM_ACCOUNTS, "system:node:")) or "system:masters" in (whom.groups or [])
    return f"acts as {whom.username} ({', '.join(whom.groups or [])})" if grave else ""


def _certificate(event: Event) -> str:
    return f"{event.verb} of {event.ref}" if succeeded(event) else ""


def _no_newcomer(username: str) -> bool:
    """A node that joins asks with a bootstrap token."""
    return outsider(username) and not username.startswith("system:bootstrap:")


def _cloud_map(event: Event) -> str:
    mapped = (event.ref.namespace, event.ref.name) == ("kube-system", "aws-auth")
    return "the map of cloud identities to users changed" if mapped and succeeded(event) else ""


RULES = (
    Rule(
        "cluster-admin-binding",
        16,
        "Every right bound to somebody (cluster-admin)",
        Severity.CRITICAL,
        ("T1098.006",),
        WRITES,
        BINDINGS,
        _admin_binding,
        "installation of operators that ask for everything",
        by=outsider,
        body=True,
    ),
    Rule(
        "dangerous-role",
        17,
        "A role that leads to every right, or a built-in one changed",
        Severity.HIGH,
        ("T1098.006",),
        CHANGES,
        _ROLES,
        _grave_role,
        "installation of operators; upgrades of the control plane change built-in roles",
        by=outsider,
        body=True,
    ),
    Rule(
        "impersonation",
        18,
        "Somebody acts as an administrator, a node or one of the system's accounts",
        Severity.HIGH,
        ("T1134",),
        READS | CHANGES,
        (),
        _impersonated,
        "administrators who use kubectl --as on purpose; management consoles",
        gate=Gate.IMPERSONATING,
    ),
    Rule(
        "certificate-request",
        19,
        "A client certificate asked for or approved by somebody other than a node",
        Severity.MEDIUM,
        ("T1098.006",),
        WRITES,
        _REQUESTS,
        _certificate,
        "certificate operators; onboarding of users by certificate",
        by=_no_newcomer,
    ),
    Rule(
        "cloud-identity-map",
        27,
        "The aws-auth ConfigMap changed",
        Severity.HIGH,
        ("T1098.006",),
        CHANGES,
        ("configmaps",),
        _cloud_map,
        "node group changes by cluster administrators",
        by=outsider,
    ),
)
