"""Requests to ask a policy about: from what a person says, and from an audit event."""

from __future__ import annotations

from urllib.parse import unquote

from irkit.audit.policy.known import group_of
from irkit.audit.policy.nouns import OBJECT_VERBS, PATH_VERBS, Request
from irkit.audit.read.event import Event
from irkit.errors import UsageError

ANONYMOUS = "system:anonymous"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
_ACCOUNT, _NODE = "system:serviceaccount:", "system:node:"


def groups_of(user: str) -> tuple[str, ...]:
    """The groups that the API server itself gives a user; certificates and tokens may hold more.

    k8s.io/apiserver pkg/authentication: group, serviceaccount; a node's group is in its certificate.
    """
    if not user:
        return ()  # a request that could not be authenticated is judged without any user
    if user == ANONYMOUS:
        return (UNAUTHENTICATED,)
    if user.startswith(_ACCOUNT):
        namespace = user.split(":")[2]
        return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return ("system:nodes", AUTHENTICATED) if user.startswith(_NODE) else (AUTHENTICATED,)


def asked(
    verb: str,
    user: str,
    groups: tuple[str, ...] = (),
    *,
    resource: str = "",
    api_group: str | None = None,
    namespace: str = "",
    name: str = "",
    path: str = "",
) -> Request:
    """The request that a person describes: `resource` such as "pods/exec", or a `path`.

    `api_group` None: the group where Kubernetes itself has that resource. Raises UsageError where it is needed.
    """
    if bool(resource) is bool(path):
        raise UsageError("what is asked for?", "either --resource pods/exec or --path /metrics")
    if verb not in (verbs := PATH_VERBS if path else OBJECT_VERBS):
        raise UsageError(f"no such request has the verb {verb}", f"one of {', '.join(verbs)}")
    if path and not path.startswith("/"):
        raise UsageError(f"not a path: {path}", "--path /metrics")
    everyone = (*groups, *(group for group in groups_of(user) if group not in groups))
    if path:
        return Request(verb, user, everyone, path=path)
    plain, _, sub = resource.partition("/")
    if api_group is None and (api_group := group_of(plain)) is None:
        raise UsageError(f"no resource of Kubernetes itself is called {plain}", "name its group: --api-group GROUP")
    return Request(verb, user, everyone, plain, sub, api_group, namespace, name)


def of_event(event: Event) -> Request:
    """The request behind an event, as the policy saw it.

    The API server completes the name and namespace of `objectRef` from the body, after the policy has decided
    (k8s.io/apiserver pkg/audit/request.go): what does not stand in the URL was not there yet.
    """
    ref, who = event.ref, event.who
    path = unquote(event.requestURI.partition("?")[0])
    groups = tuple(who.groups or ())
    if not ref.resource:
        return Request(event.verb, who.username, groups, path=path)
    late = path and event.verb == "create" and not ref.subresource and not path.endswith(f"/{ref.resource}/{ref.name}")
    name = "" if late else ref.name
    namespace = "" if path and f"/namespaces/{ref.namespace}/" not in f"{path}/" else ref.namespace
    return Request(event.verb, who.username, groups, ref.resource, ref.subresource, ref.apiGroup, namespace, name)
