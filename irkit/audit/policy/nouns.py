"""The nouns of audit.k8s.io/v1 Policy: rules, a request as the API server shows it to them, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

API_VERSION, KIND = "audit.k8s.io/v1", "Policy"
OBJECT_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy")
PATH_VERBS = ("get", "head", "post", "put", "patch", "delete", "options")  # HTTP's methods, in small letters


class Level(StrEnum):
    """How much of a request is written down, least first; each holds what the one before it holds."""

    NONE = "None"
    METADATA = "Metadata"
    REQUEST = "Request"
    RESPONSE = "RequestResponse"

    @property
    def rank(self) -> int:
        """0 for None to 3 for RequestResponse."""
        return tuple(Level).index(self)


class Stage(StrEnum):
    """When in a request's life an event is written, in order."""

    RECEIVED = "RequestReceived"
    STARTED = "ResponseStarted"  # long-running requests only: the status is known, the body still flows
    COMPLETE = "ResponseComplete"
    PANIC = "Panic"


@dataclass(frozen=True, slots=True)
class Resources:
    """One entry of a rule's `resources`; an empty tuple does not restrict."""

    group: str = ""  # "": the core group; "*": all of them
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule; an empty tuple does not restrict. `number` and `line` count from 1."""

    number: int
    line: int
    level: Level
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    namespaces: tuple[str, ...] = ()  # "" stands for objects without a namespace
    urls: tuple[str, ...] = ()
    omit_stages: frozenset[Stage] = frozenset()  # those of the whole policy are in it
    omit_managed_fields: bool = False  # the policy's own where the rule says nothing

    @property
    def open(self) -> bool:
        """Whether every request matches."""
        return not any((self.users, self.groups, self.verbs, self.resources, self.namespaces, self.urls))


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in order: the first that matches decides."""

    rules: tuple[PolicyRule, ...]
    omit_stages: frozenset[Stage] = frozenset()
    omit_managed_fields: bool = False


# kubernetes 1.37 pkg/controlplane/apiserver/config.go, k8s.io/apiserver pkg/server/filters/longrunning.go
_LONG_VERBS = frozenset({"watch", "proxy"})
_LONG_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})
_PROFILER = "/debug/pprof/"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the policy sees it: before impersonation, before the body is read.

    `resource` is "" for a request to a plain `path`, and only then is `path` looked at. `user` is "" where nobody
    could be authenticated. A create has no `name` yet: it stands in the body, not in the URL.
    """

    verb: str
    user: str = ""
    groups: tuple[str, ...] = ()
    resource: str = ""
    subresource: str = ""
    api_group: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def kind(self) -> str:
        """As a policy names it: "pods/exec"."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def long_running(self) -> bool:
        """Whether the API server writes stage ResponseStarted for it."""
        if not self.resource:
            return self.verb in _LONG_VERBS or self.path.startswith(_PROFILER)
        return self.verb in _LONG_VERBS or self.subresource in _LONG_SUBRESOURCES


@dataclass(frozen=True, slots=True)
class Decision:
    """What is written down of one request. `rule` is None where none matches: the default, level None."""

    level: Level
    stages: tuple[Stage, ...]  # those that can occur and are not left out; Panic occurs where a handler crashes
    rule: PolicyRule | None
    omit_managed_fields: bool = False
