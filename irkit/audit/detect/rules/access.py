"""Into running pods and nodes: exec, attach, port-forward, debug containers, the kubelet's API."""

from __future__ import annotations

import re

from irkit.audit.detect.facts import off_the_plane, succeeded
from irkit.audit.detect.rule import CHANGES, READS, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

# WebSocket streams are GET since kubectl 1.31 (KEP-4006); rules that wait for `create` alone miss them.
STREAMING = frozenset({"create", "get"})
# As it is meant: the kubelet makes /pods of metrics/..%2fpods.
_HARMLESS = re.compile(r"(?:metrics|healthz|configz|stats)(?:/[\w-]+)*/?")


def _into_pod(event: Event) -> str:
    if not succeeded(event):
        return ""
    command = f": {event.command}" if event.command else ""
    return f"{event.ref.subresource} into {event.ref.name}{command}"


def _port_forward(event: Event) -> str:
    return f"port-forward to {event.ref.name}" if succeeded(event) else ""


def _debug_container(event: Event) -> str:
    return f"ephemeral container put into {event.ref.name}" if succeeded(event) else ""


def _kubelet(event: Event) -> str:
    if not succeeded(event):
        return ""
    behind = event.requestURI.partition("/proxy/")[2].partition("?")[0]
    return "" if _HARMLESS.fullmatch(behind) else f"the kubelet's API asked for /{behind}"


RULES = (
    Rule(
        "exec-into-pod",
        1,
        "A command was run in a pod, or a terminal attached to it",
        Severity.MEDIUM,
        ("T1609",),
        STREAMING,
        ("pods/exec", "pods/attach"),
        _into_pod,
        "operators who debug; backup and database operators that run commands in their own pods",
    ),
    Rule(
        "port-forward",
        2,
        "A port of a pod was forwarded",
        Severity.LOW,
        ("T1609",),
        STREAMING,
        ("pods/portforward",),
        _port_forward,
        "developers at work",
    ),
    Rule(
        "ephemeral-container",
        3,
        "A debug container was put into a running pod",
        Severity.MEDIUM,
        ("T1609", "T1611"),
        frozenset({"update", "patch"}),
        ("pods/ephemeralcontainers",),
        _debug_container,
        "kubectl debug by operators",
    ),
    Rule(
        "kubelet-api",
        23,
        "The kubelet's own API was used through nodes/proxy",
        Severity.HIGH,
        ("T1611", "T1550.001"),
        READS | CHANGES,
        ("nodes/proxy",),
        _kubelet,
        "monitoring that reads /pods; irkit's own checkpoint and node log collectors",
        by=off_the_plane,
    ),
)
