"""The cluster's own eyes, doors and guards: admission, events, names, services, and what irkit put in place."""

from __future__ import annotations

from irkit.audit.detect.bodies import at, bodies, plain
from irkit.audit.detect.facts import outsider, succeeded
from irkit.audit.detect.rule import CHANGES, WRITES, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

_ADMISSION = (
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
)
_NAMES = frozenset({"coredns", "kube-dns", "coredns-custom", "node-local-dns"})
_OURS = b"irkit.dev"  # a JSON Patch writes the slash after it as ~1


def _admission(event: Event) -> str:
    return f"{event.verb} of {event.ref}" if succeeded(event) else ""


def _events_deleted(event: Event) -> str:
    return f"{event.verb} of Kubernetes Events" if succeeded(event) else ""


def _names(event: Event) -> str:
    ours = event.ref.namespace == "kube-system" and event.ref.name in _NAMES
    return f"{event.verb} of {event.ref}" if ours and succeeded(event) else ""


def _exposed(event: Event) -> str:
    for asked in bodies(event) if succeeded(event) else ():
        kind, addresses = at(asked, "spec", "type"), at(asked, "spec", "externalIPs")
        if addresses:
            return f"a service takes over the addresses {addresses}"
        if kind in ("NodePort", "LoadBalancer"):
            return f"a service of type {kind}"
    return ""


def _guard(event: Event) -> str:
    """That irkit did it stands in its user agent and field manager; who lies about both is not caught."""
    honest = event.userAgent.startswith("irkit") or "fieldManager=irkit" in event.requestURI
    if honest or not succeeded(event):
        return ""
    if event.ref.resource != "pods":
        ours = event.ref.name.startswith("irkit-")
        return f"{event.verb} of irkit's {event.ref}" if ours else ""
    touched = not event.ref.subresource and _OURS in plain(event.requestObject)
    return f"{event.verb} of irkit's marks on {event.ref.name}" if touched else ""


RULES = (
    Rule(
        "admission-changed",
        24,
        "What judges requests was changed",
        Severity.HIGH,
        ("T1562.001", "T1546"),
        CHANGES,
        _ADMISSION,
        _admission,
        "installation and renewal of policy engines and certificate injectors",
        by=outsider,
    ),
    Rule(
        "events-deleted",
        25,
        "Kubernetes Events were deleted",
        Severity.HIGH,
        ("T1070",),
        frozenset({"delete", "deletecollection"}),
        ("events",),
        _events_deleted,
        "namespaces emptied by hand",
        by=outsider,
    ),
    Rule(
        "cluster-dns-changed",
        26,
        "The cluster's name service was changed",
        Severity.HIGH,
        ("T1565.001",),
        CHANGES,
        ("configmaps",),
        _names,
        "upgrades and stub domains by administrators",
        by=outsider,
    ),
    Rule(
        "service-exposed",
        28,
        "A service opened to the outside",
        Severity.MEDIUM,
        ("T1133",),
        WRITES,
        ("services",),
        _exposed,
        "every public application: allow-list its namespace",
        by=outsider,
        body=True,
    ),
    Rule(
        "guard-removed",
        30,
        "What irkit put in place was changed by somebody else",
        Severity.CRITICAL,
        ("T1562.001",),
        CHANGES - {"create"},
        (*_ADMISSION, "networkpolicies", "poddisruptionbudgets", "pods"),
        _guard,
        "an administrator who ends an isolation without irkit release",
    ),
)
