"""Which secrets are to be rotated: by name, from rules and specs alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.cluster.subjects import Through
from irkit.contain.identity import secrets
from irkit.contain.identity.grants import allowing
from irkit.contain.identity.nouns import Grant


def grant(*rules: Json, namespace: str = "shop") -> tuple[Grant]:
    return (
        Grant("RoleBinding/web", namespace, "ServiceAccount web", Through.ACCOUNT, "Role/web", rules, revocable=True),
    )


def rule(resources: str, verbs: str, *names: str, groups: str = "") -> Json:
    named: Json = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": groups.split(","), "resources": resources.split(), "verbs": verbs.split(), **named}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (rule("secrets", "get"), ["*"]),
        (rule("secrets", "list watch", "a", "b"), ["a", "b"]),
        (rule("secrets configmaps", "create delete"), []),
        (rule("*", "get", groups="*"), ["*"]),
        (rule("secrets", "get", groups="apps"), []),
        (rule("secrets/status", "get"), []),
        (rule("*/scale", "*"), []),
        (rule("secrets", "*", groups="apps,"), ["*"]),
        (rule("cronjobs", "create", groups="batch"), ["*"]),
        (rule("pods", "get create"), ["*"]),
        (rule("pods", "get list delete"), []),
        (rule("pods", "create", "a"), []),  # a name is not known when a pod is created: RBAC never grants that
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, []),
        ({"apiGroups": None, "resources": "secrets", "verbs": {"get": 1}}, []),
    ],
)
def test_what_the_rules_let_it_read(given: Json, names: list[str]) -> None:
    assert sorted({found.name for found in secrets.by_account(grant(given))}) == names


def test_a_grant_for_everywhere_is_told_so() -> None:
    (found,) = secrets.by_account(grant(rule("secrets", "get"), namespace=""))
    assert (found.namespace, found.name, found.why) == ("", "*", "get by RoleBinding/web")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (rule("users", "impersonate"), "may impersonate users"),
        (rule("serviceaccounts", "impersonate"), "may impersonate service accounts"),
        (rule("*/token", "create"), "may make tokens"),
        (rule("clusterroles", "bind", groups="rbac.authorization.k8s.io"), "may grant itself more cluster roles"),
        (
            rule("validatingadmissionpolicybindings", "delete", groups="admissionregistration.k8s.io"),
            "may take admission policies away",
        ),
    ],
)
def test_what_makes_an_account_more_than_its_rules(given: Json, told: str) -> None:
    (warning,) = secrets.warnings(grant(given))
    assert told in warning
    assert "RoleBinding/web" in warning


def pod(**spec: Any) -> Json:  # noqa: ANN401
    return {"metadata": {"namespace": "shop", "name": "web"}, "spec": spec}


def test_what_the_pod_names_wherever_it_does() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}, {"name": "B", "value": "x"}]
    volumes = [
        {"name": "a", "secret": {"secretName": "volume"}},
        {"name": "b", "projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "no"}}]}},
        {"name": "c", "csi": {"driver": "vault", "nodePublishSecretRef": {"name": "csi"}}},
        {"name": "d", "azureFile": {"secretName": "azure", "shareName": "s"}},
        {"name": "e", "iscsi": {"secretRef": {"name": "iscsi"}}},
        {"name": "f", "configMap": {"name": "no"}},
    ]
    whole = pod(
        containers=[{"name": "app", "env": env}],
        initContainers=[
            {"name": "init", "envFrom": [{"secretRef": {"name": "from"}}, {"configMapRef": {"name": "no"}}]}
        ],
        ephemeralContainers=[{"name": "debug", "env": [{"valueFrom": {"secretKeyRef": {"name": "debug"}}}]}],
        volumes=volumes,
        imagePullSecrets=[{"name": "pull"}],
    )
    found = {each.name: each.why for each in secrets.by_pod(whole, {"secrets": [{"name": "legacy"}]})}
    assert set(found) == {
        *("env", "from", "debug", "volume", "projected", "csi", "azure", "iscsi", "pull", "legacy"),
    }
    assert found["env"] == "container app, env A"
    assert list(secrets.unseen(whole)) == ["what the driver vault puts into volume c is not in the API: ask its owner"]


WORDS = st.sampled_from(["*", "secrets", "pods", "pods/exec", "*/exec", "", "apps", "get", "create"])
RULES = st.fixed_dictionaries(
    {key: st.lists(WORDS, max_size=3) for key in ("apiGroups", "resources", "verbs")},
)


@given(RULES, st.sampled_from(["", "apps"]), st.sampled_from(["secrets", "pods", "pods/exec"]))
def test_a_rule_allows_what_the_api_server_says_it_does(rule: Json, group: str, resource: str) -> None:
    """As in pkg/apis/rbac/v1/evaluation_helpers.go, told the other way round: one word at a time."""
    groups = any(word in ("*", group) for word in rule["apiGroups"])
    sub = resource.partition("/")[2]
    resources = any(word in ("*", resource) or (sub and word == f"*/{sub}") for word in rule["resources"])
    assert allowing(rule, group, resource) == (frozenset(rule["verbs"]) if groups and resources else frozenset())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "secret", "env", "csi", "sources", "secretRef"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["containers", "volumes", "imagePullSecrets"]), JSON), JSON)
def test_no_spec_however_hostile_breaks_it(spec: Json, account: object) -> None:
    given_account = account if isinstance(account, dict) else {}
    for found in secrets.by_pod(pod(**spec), given_account):
        assert found.name
    list(secrets.unseen(pod(**spec)))
