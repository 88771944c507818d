"""Secrets and tokens: swept, read across namespaces, minted."""

from __future__ import annotations

from datetime import timedelta

from irkit.audit.detect.bodies import bodies
from irkit.audit.detect.facts import SYSTEM_ACCOUNTS, is_account, is_node, outsider, succeeded
from irkit.audit.detect.rule import READS, Count, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

_CREATE = frozenset({"create"})


def _listed(event: Event) -> str:
    if event.ref.namespace or event.ref.name or not succeeded(event):
        return ""
    return f"{event.verb} of the secrets of all namespaces"


def _gathered(event: Event) -> str:
    """A list of one namespace counts as one; a list of all has a rule of its own. A watch may begin with a list."""
    named = event.ref.name or ("*" if event.ref.namespace and event.verb != "get" else "")
    return f"{event.ref.namespace}/{named}" if named and succeeded(event) else ""


def _foreigner(username: str) -> bool:
    return is_account(username) and not username.startswith(SYSTEM_ACCOUNTS)


def _foreign(event: Event) -> str:
    """A kubelet asks for secrets by name; a service account lives in one namespace."""
    user, ref = event.who.username, event.ref
    if not succeeded(event):
        return ""
    if is_node(user):
        return f"a node asked for {event.verb} of secrets without a name"
    home = user.split(":")[2]
    return f"a service account of {home} read secrets of {ref.namespace or 'all namespaces'}" * (ref.namespace != home)


def _token(event: Event) -> str:
    return f"a token minted for {event.ref.namespace}/{event.ref.name}" if succeeded(event) else ""


def _token_secret(event: Event) -> str:
    if not succeeded(event):
        return ""
    minted = any(asked.get("type") == "kubernetes.io/service-account-token" for asked in bodies(event))
    return "a secret that the control plane fills with a token that never expires" if minted else ""


RULES = (
    Rule(
        "secrets-listed",
        12,
        "The secrets of all namespaces listed or watched",
        Severity.HIGH,
        ("T1552.007",),
        frozenset({"list", "watch"}),
        ("secrets",),
        _listed,
        "ingress controllers, certificate and secret operators, which watch all secrets by design",
        by=outsider,
    ),
    Rule(
        "secrets-gathered",
        12,
        "Many different secrets read by one identity",
        Severity.HIGH,
        ("T1552.007",),
        READS,
        ("secrets",),
        _gathered,
        "secret operators; helm, which keeps its releases in secrets",
        by=outsider,
        count=Count(10, timedelta(minutes=10), "different secrets read"),
    ),
    Rule(
        "foreign-secrets",
        13,
        "Secrets read by a service account of another namespace, or by a node without a name",
        Severity.HIGH,
        ("T1552.007",),
        READS,
        ("secrets",),
        _foreign,
        "operators that serve all namespaces",
        by=_foreigner,
        nameless=is_node,
    ),
    Rule(
        "token-minted",
        14,
        "A service account token minted by somebody other than a node or the control plane",
        Severity.MEDIUM,
        ("T1528",),
        _CREATE,
        ("serviceaccounts/token",),
        _token,
        "kubectl create token by administrators; vault and other brokers",
        by=outsider,
    ),
    Rule(
        "token-secret",
        15,
        "A secret made that holds a service account token without an end",
        Severity.HIGH,
        ("T1528",),
        _CREATE,
        ("secrets",),
        _token_secret,
        "old CI systems that need a token for good",
        by=outsider,
        body=True,
    ),
)
