"""The right that a refusal names as missing, and the command that makes a role of it."""

from __future__ import annotations

import re
import shlex

# RBAC's own wording, stable since 1.8: k8s.io/apiserver endpoints/handlers/responsewriters/errors.go
_RBAC = re.compile(
    r'cannot (?P<verb>\S+) (?:path "(?P<url>[^"]*)"|resource "(?P<resource>[^"]*)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]*)")?)'
)


def remedy(message: str) -> str:
    """What a 403 takes: the missing right, and a role that holds it and no more, whatever it was needed for.

    `irkit rbac` prints what playbooks declare, and a flag or a look around may need more: so it is not named here.
    """
    found = _RBAC.search(message)
    if not found:
        return "not a lacking permission: an admission policy, a quota, or RBAC's rule against escalation said no"
    verb, url, resource, group, namespace = (found[part] or "" for part in found.groupdict())
    if url:
        return f"lacks the permission to {verb} {url}: {_role(verb, f'--non-resource-url={url}', '', url)}"
    right = f"{resource}.{group}" if group else resource
    where = f"in namespace {namespace}" if namespace else "in the whole cluster"
    return f"lacks the permission to {verb} {right} {where}: {_role(verb, _flag(resource, group), namespace, resource)}"


def _flag(resource: str, group: str) -> str:
    """As kubectl takes it: "deployments.apps/scale"; "" for a resource that it cannot name."""
    plural, slash, subresource = resource.partition("/")
    return "" if "." in plural else f"--resource={plural}{f'.{group}' if group else ''}{slash}{subresource}"


def _role(verb: str, what: str, namespace: str, about: str) -> str:
    """A resource with a dot, as Calico's "tier.globalnetworkpolicies", is none that the API lists."""
    if not what:
        return f"add it to a {'Role' if namespace else 'ClusterRole'} that is bound to you"
    name = "irkit-" + re.sub(r"[^a-z0-9]+", "-", f"{verb} {about}".lower()).strip("-")
    words = ["kubectl", "create", "role" if namespace else "clusterrole", name, f"--verb={verb}", what]
    return f"`{shlex.join(words + (['-n', namespace] if namespace else []))}`, then bind it"
