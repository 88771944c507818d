"""Which rule decides a request, as k8s.io/apiserver 0.37.2 does it (pkg/audit/policy/checker.go).

Nothing is a pattern but what is named here: users, groups, verbs, namespaces and resource names are compared as they
stand, so `verbs: ["*"]` matches no request at all.
"""

from __future__ import annotations

from irkit.audit.policy.nouns import Decision, Level, Policy, PolicyRule, Request, Resources, Stage


def decide(policy: Policy, request: Request) -> Decision:
    """The level and the stages that `policy` gives `request`, and the rule that says so."""
    rule = next((rule for rule in policy.rules if matches(rule, request)), None)
    if rule is None:
        return Decision(Level.NONE, (), None, policy.omit_managed_fields)
    return Decision(rule.level, stages(rule, request), rule, rule.omit_managed_fields)


def stages(rule: PolicyRule, request: Request) -> tuple[Stage, ...]:
    """The stages of `request` that can be written under `rule`, in order."""
    if rule.level is Level.NONE:
        return ()
    return tuple(stage for stage in _occurring(request) if stage not in rule.omit_stages)


def _occurring(request: Request) -> tuple[Stage, ...]:
    """What nobody could be authenticated for is written once, as ResponseStarted, however short it is.

    k8s.io/apiserver pkg/endpoints/filters/authn_audit.go, request_deadline.go.
    """
    if not request.user:
        return (Stage.STARTED,)
    return tuple(stage for stage in Stage if request.long_running or stage is not Stage.STARTED)


def matches(rule: PolicyRule, request: Request) -> bool:
    """Whether every restriction of `rule` holds for `request`; one on resources excludes plain paths."""
    if (rule.users or rule.groups) and not (request.user and _who(rule, request)):
        return False
    if rule.verbs and request.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return bool(request.resource) and _resource(rule, request)
    return not rule.urls or (not request.resource and any(under(request.path, url) for url in rule.urls))


def _who(rule: PolicyRule, request: Request) -> bool:
    named = not rule.users or request.user in rule.users
    return named and (not rule.groups or not set(rule.groups).isdisjoint(request.groups))


def _resource(rule: PolicyRule, request: Request) -> bool:
    if rule.namespaces and request.namespace not in rule.namespaces:
        return False
    return not rule.resources or any(_among(entry, request) for entry in rule.resources)


def _among(entry: Resources, request: Request) -> bool:
    if entry.group not in ("*", request.api_group):
        return False
    if not entry.resources:
        return True  # names without resources are refused when the policy is loaded
    named = not entry.names or request.name in entry.names
    return named and any(is_of(request.kind, pattern) for pattern in entry.resources)


def is_of(kind: str, pattern: str) -> bool:
    """Whether "pods/exec" is of "pods/exec", "pods/*", "*/exec" or "*". "pods/*" takes in plain "pods" too."""
    resource, _, sub = kind.partition("/")
    if pattern in ("*", kind):
        return True
    return (bool(sub) and pattern == f"*/{sub}") or pattern == f"{resource}/*"


def under(path: str, url: str) -> bool:
    """Whether `path` is the one that a rule names, or under it where the rule's ends in "*"."""
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))
