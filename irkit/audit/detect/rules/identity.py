"""Who is asking: nobody, somebody who feels his way around, a token far from its pod."""

from __future__ import annotations

from datetime import timedelta

from irkit.audit.detect.facts import is_account, outsider, succeeded
from irkit.audit.detect.rule import CHANGES, READS, Count, Gate, Rule
from irkit.audit.read.event import Asker, Event
from irkit.model.audit import Severity

_EVERYTHING = READS | CHANGES
# What an API server answers to anybody; kubeadm adds the configmap that joining nodes read.
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/.well-known/openid-configuration", "/openid/v1/jwks")
_JOIN = "/api/v1/namespaces/kube-public/configmaps/cluster-info"


def _anonymous(event: Event) -> str:
    if event.who.username != "system:anonymous" or not succeeded(event):
        return ""
    path = event.requestURI.partition("?")[0]
    public = path == _JOIN or any(path == known or path.startswith(known + "/") for known in _PUBLIC)
    return "" if public else f"anybody may {event.verb} {path}"


def _own_rights(event: Event) -> str:
    return "a service account asked what it may do" if is_account(event.who.username) and succeeded(event) else ""


def _refused(event: Event) -> str:
    if event.code != 403:
        return ""
    return f"{event.verb} {event.ref}" if event.objectRef else f"{event.verb} {event.requestURI}"


def _address(asker: Asker) -> str:
    """Only the last address is the API server's own observation."""
    return asker.address if asker.bearer else ""


def _pod(asker: Asker) -> str:
    """One pod and one address family: a dual-stack pod has one address of each."""
    return f"{asker.bearer} {'IPv6' if ':' in asker.address else 'IPv4'}"


def _pod_and_address(asker: Asker) -> tuple[str, str]:
    return _pod(asker), _address(asker)


RULES = (
    Rule(
        "anonymous-access",
        20,
        "An anonymous request was allowed",
        Severity.HIGH,
        ("T1078.001",),
        _EVERYTHING,
        (),
        _anonymous,
        "clusters that publish more than health and version on purpose",
        gate=Gate.ANONYMOUS,
    ),
    Rule(
        "rights-probed",
        21,
        "A service account asked what it may do",
        Severity.LOW,
        ("T1613", "T1069.003"),
        frozenset({"create"}),
        ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
        _own_rights,
        "operators and dashboards that check their rights when they start",
    ),
    Rule(
        "many-refusals",
        22,
        "One identity was refused many different things",
        Severity.MEDIUM,
        ("T1613",),
        _EVERYTHING,
        (),
        _refused,
        "operators whose rights were cut; broken deployments",
        by=outsider,
        count=Count(10, timedelta(minutes=10), "different requests refused"),
        gate=Gate.REFUSED,
    ),
    Rule(
        "token-on-the-move",
        29,
        "A pod's own token was used from more than one address",
        Severity.HIGH,
        ("T1550.001",),
        _EVERYTHING,
        (),
        _address,
        "networks that hide pods behind the node for some destinations only",
        count=Count(2, None, "addresses used the token of one pod", shown=_pod_and_address),
        subject=_pod,
        gate=Gate.POD_BOUND,
    ),
)
