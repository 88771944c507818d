"""Random policies and requests: we decide, and refuse, as the API server's own code does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.audit.policy.decide import decide
from irkit.audit.policy.nouns import Policy, Request, Stage
from irkit.audit.policy.read import read
from tests.audit.policy.oracle import Oracle
from tests.audit.policy.test_lint import EMPTY

pytestmark = pytest.mark.slow

USERS = ("alice", "system:node:n1", "system:anonymous", "*", "")
GROUPS = ("system:nodes", "system:authenticated", "dev")
VERBS = ("get", "list", "watch", "create", "delete", "*")
API_GROUPS = ("", "apps", "batch", "*")
PATTERNS = ("pods", "pods/exec", "pods/*", "*/scale", "*", "deployments", "deployments/scale", "*/*", "pods*", "pods/")
NAMES = ("web", "db", "")
NAMESPACES = ("", "shop", "kube-system")
URLS = ("/metrics", "/healthz*", "*", "/*", "/api/**", "")
PATHS = ("/metrics", "/metrics/x", "/healthz", "/healthzzz", "/api/", "/api", "/", "")
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
# What no API server accepts, or takes for something else.
ODD: tuple[Any, ...] = ("metadata", "", None, 7, True, ["a"], {"a": "b"}, "/x*y", "healthz", "a/v1", "UPPER")


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=3)


ENTRY = st.fixed_dictionaries(
    {}, optional={"group": st.sampled_from(API_GROUPS), "resources": some(PATTERNS), "resourceNames": some(NAMES)}
).filter(lambda entry: bool(entry.get("resources")) or not entry.get("resourceNames"))
COMMON = {
    "users": some(USERS),
    "userGroups": some(GROUPS),
    "verbs": some(VERBS),
    "omitStages": some(tuple(Stage)),
    "omitManagedFields": st.booleans() | st.none(),
}
ON_OBJECTS = {"resources": st.lists(ENTRY, max_size=2), "namespaces": some(NAMESPACES)}
ON_PATHS = {"nonResourceURLs": some(("/metrics", "/healthz*", "*", "/*"))}
LEVEL = {"level": st.sampled_from(LEVELS)}
RULE = st.one_of(*(st.fixed_dictionaries(LEVEL, optional=COMMON | kind) for kind in (ON_OBJECTS, ON_PATHS)))
POLICY = st.fixed_dictionaries(
    {"apiVersion": st.just("audit.k8s.io/v1"), "kind": st.just("Policy"), "rules": st.lists(RULE, min_size=1)},
    optional={"omitStages": some(tuple(Stage)), "omitManagedFields": st.booleans()},
)
WHO = {"verb": st.sampled_from(VERBS), "user": st.sampled_from(USERS), "groups": some(GROUPS).map(tuple)}
REQUEST = st.builds(
    Request,
    **WHO,
    resource=st.sampled_from(("pods", "deployments", "secrets")),
    subresource=st.sampled_from(("", "exec", "scale", "*")),
    api_group=st.sampled_from(("", "apps", "batch")),
    namespace=st.sampled_from(NAMESPACES),
    name=st.sampled_from(NAMES),
) | st.builds(Request, **WHO, path=st.sampled_from(PATHS))

patient = settings(max_examples=100)


@patient
@given(POLICY, st.lists(REQUEST, min_size=20, max_size=60))
def test_every_decision_is_the_api_servers(oracle: Oracle, data: dict[str, Any], requests: list[Request]) -> None:
    policy = read(json.dumps(data)).policy
    refused, decisions = oracle(json.dumps(data), requests)
    assert refused == ""
    assert policy is not None
    assert [ours(policy, request) for request in requests] == decisions


def ours(policy: Policy, request: Request) -> dict[str, Any]:
    decision = decide(policy, request)
    omitted = decision.rule.omit_stages if decision.rule else policy.omit_stages
    return {
        "Level": decision.level.value,
        "OmitStages": sorted(omitted),
        "OmitManagedFields": decision.omit_managed_fields,
    }


def test_the_api_server_reads_the_first_document_alone(oracle: Oracle) -> None:
    policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]"
    for rest in (*EMPTY, f"---\n{policy}\n", "---\nnull\n", "---\n{}\n"):
        assert oracle(f"{policy}\n{rest}")[0] == ""
    assert oracle(f"---\n---\n{policy}\n")[0] != ""
    assert read(f"---\n---\n{policy}\n").policy is None


PLACES: tuple[tuple[str | int, ...], ...] = (
    ("apiVersion",),
    ("kind",),
    ("metadata",),
    ("rules",),
    ("omitStages",),
    ("omitManagedFields",),
    ("omitStages", 0),
    ("rules", 0),
    ("rules", 0, "level"),
    ("rules", 0, "users"),
    ("rules", 0, "users", 0),
    ("rules", 0, "verbs", 0),
    ("rules", 0, "omitStages", 0),
    ("rules", 0, "omitManagedFields"),
    ("rules", 0, "resources"),
    ("rules", 0, "resources", 0),
    ("rules", 0, "resources", 0, "group"),
    ("rules", 0, "resources", 0, "resources"),
    ("rules", 0, "resources", 0, "resources", 0),
    ("rules", 0, "resources", 0, "resourceNames"),
    ("rules", 0, "resources", 0, "no-such-key"),
    ("rules", 1, "nonResourceURLs"),
    ("rules", 1, "nonResourceURLs", 0),
    ("rules", 1, "namespaces"),
    ("rules", 1, "no-such-key"),
    ("no-such-key",),
)


def whole() -> dict[str, Any]:
    entry = {"group": "apps", "resources": ["deployments"], "resourceNames": ["web"]}
    first = {"level": "None", "users": ["a"], "verbs": ["get"], "omitStages": ["Panic"], "resources": [entry]}
    second = {"level": "Metadata", "nonResourceURLs": ["/metrics"]}
    rules = [first | {"omitManagedFields": True}, second]
    head = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "metadata": {"name": "x"}}
    return head | {"omitStages": ["RequestReceived"], "omitManagedFields": False, "rules": rules}


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_what_we_call_fatal_the_api_server_refuses_and_nothing_else(
    oracle: Oracle, path: tuple[str | int, ...]
) -> None:
    for odd in ODD:
        data: Any = whole()
        node = data
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = odd
        text = json.dumps(data)
        assert (read(text).policy is None, odd) == (bool(oracle(text)[0]), odd)


def test_texts_that_are_no_policy(oracle: Oracle) -> None:
    for text in ("", "a: [", "[]", "null", "5", "{}", "kind: Policy", "apiVersion: audit.k8s.io/v1beta1\nkind: Policy"):
        assert oracle(text)[0]
        assert read(text).policy is None


def test_words_that_yaml_1_1_takes_for_something_else(oracle: Oracle) -> None:
    words = "y Y yes YES n No on Off true ~ null 017 0x10 1_000 1:30 2026-11-23 .5 0b1 = x 'yes' \"no\"".split()
    for word in words:
        for line in (f"users: [{word}]", f"omitManagedFields: {word}"):
            text = f"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  {line}\n"
            assert (read(text).policy is None, line) == (bool(oracle(text)[0]), line)
