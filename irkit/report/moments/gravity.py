"""How grave a request is by its kind alone. Rules that weigh context are the audit room's findings."""

from __future__ import annotations

from dataclasses import dataclass

_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_STREAMS = ("pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "nodes/proxy")
_SENSITIVE = ("secrets", "serviceaccounts/token", "pods/proxy", "services/proxy")
_RIGHTS = (
    "roles",
    "clusterroles",
    "rolebindings",
    "clusterrolebindings",
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
)
# Their daily work is to write pods, mint tokens and read secrets. Their streams are still shown as grave.
_ROUTINE = (
    "system:node:",
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:serviceaccount:kube-system:",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What gravity looks at. `resource` is "pods/exec"; `code` 0 when the answer is not known."""

    verb: str
    resource: str
    user: str
    uri: str = ""
    code: int = 0


def severity(request: Request) -> str:
    """A Severity value: high for streams into a pod and for rights, medium for secrets and deletions, and so on."""
    word = _by_kind(request)
    if word != "high" and request.user.startswith(_ROUTINE):
        return "info"
    if word == "high" and request.code >= 400:
        return "medium"
    return "low" if word == "info" and request.code in (401, 403) else word


def _by_kind(request: Request) -> str:
    writes = request.verb in _WRITES
    if request.resource in _STREAMS and "/metrics" not in request.uri and "/stats" not in request.uri:
        return "high" if writes or request.verb == "get" else "info"
    if writes and request.resource in _RIGHTS:
        return "high"
    if request.resource in _SENSITIVE or request.verb in ("delete", "deletecollection"):
        return "medium"
    return "low" if writes or request.resource == "pods/log" else "info"
