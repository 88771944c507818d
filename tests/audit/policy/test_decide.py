"""What surprises in the semantics, each said once; the rest is held against the API server's own code (test_oracle)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from irkit.audit.policy.decide import decide
from irkit.audit.policy.nouns import Decision, Level, Request, Stage
from irkit.audit.policy.read import parse
from irkit.audit.policy.request import asked, groups_of, of_event
from irkit.audit.read.event import decode
from irkit.errors import UsageError
from tests.audit.logs import event


def decided(request: Request, *rules: dict[str, Any], **more: Any) -> Decision:  # noqa: ANN401 - as in the file
    return decide(
        parse(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules, **more})), request
    )


ALICE = groups_of("alice")
EXEC = Request("get", "alice", ALICE, "pods", "exec", "", "shop", "web")
GET = Request("get", "alice", ALICE, "pods", "", "", "shop", "web")


def test_what_takes_long_has_a_beginning_and_what_nobody_asked_for_only_that() -> None:
    rule = {"level": "Metadata", "omitStages": ["RequestReceived"]}
    assert decided(GET, rule).stages == (Stage.COMPLETE, Stage.PANIC)
    assert decided(EXEC, rule).stages == (Stage.STARTED, Stage.COMPLETE, Stage.PANIC)
    assert decided(Request("get", path="/debug/pprof/heap", user="a"), rule).stages[0] is Stage.STARTED
    assert decided(Request("list", resource="pods"), rule).stages == (Stage.STARTED,)


def test_stages_left_out_anywhere_are_left_out() -> None:
    rule = {"level": "Metadata", "omitStages": ["Panic"]}
    assert decided(GET, rule, omitStages=["RequestReceived"]).stages == (Stage.COMPLETE,)
    assert decided(GET, {"level": "None"}).stages == ()


def test_managed_fields_are_the_rules_word_before_the_policys() -> None:
    rule = {"level": "Request"}
    assert decided(GET, rule, omitManagedFields=True).omit_managed_fields
    assert not decided(GET, rule | {"omitManagedFields": False}, omitManagedFields=True).omit_managed_fields


def test_all_below_takes_in_the_thing_itself() -> None:
    rule = {"level": "Request", "resources": [{"resources": ["pods/*"]}]}
    assert decided(GET, rule).level is decided(EXEC, rule).level is Level.REQUEST


def test_an_empty_namespace_stands_for_the_whole_cluster() -> None:
    rule = {"level": "Request", "namespaces": [""]}
    assert decided(GET, rule).rule is None
    assert decided(Request("get", "a", ALICE, "nodes", name="n1"), rule).level is Level.REQUEST
    assert decided(Request("get", "a", ALICE, path="/metrics"), rule).rule is None


def seen(**more: Any) -> Request:  # noqa: ANN401 - as `event` takes them
    found = decode(json.dumps(event(**more)).encode())
    assert found
    return of_event(found)


@pytest.mark.parametrize(
    ("verb", "sub", "path", "name", "namespace"),
    [
        ("create", "", "/api/v1/namespaces/payments/pods?dryRun=All", "", "payments"),
        ("create", "binding", "/api/v1/namespaces/payments/pods/web-1/binding", "web-1", "payments"),
        ("create", "", "/apis/authorization.k8s.io/v1/pods", "", ""),  # both came from the body
        ("create", "", "/api/v1/namespaces/payments/pods/web-1", "web-1", "payments"),  # 405
        ("list", "", "/api/v1/namespaces/payments/pods?fieldSelector=metadata.name%3Dweb-1", "web-1", "payments"),
        ("get", "", "/api/v1/namespaces/payments", "web-1", "payments"),
        ("get", "", "", "web-1", "payments"),  # a service that writes no URI
    ],
)
def test_what_stood_in_the_body_the_policy_did_not_see(
    verb: str, sub: str, path: str, name: str, namespace: str
) -> None:
    request = seen(verb=verb, sub=sub, requestURI=path)
    assert (request.name, request.namespace, request.kind) == (name, namespace, f"pods/{sub}".rstrip("/"))


def test_a_plain_path_is_read_without_its_query_and_escapes() -> None:
    request = seen(requestURI="/metrics%2Fx?a=b", objectRef=None)
    assert (request.path, request.resource) == ("/metrics/x", "")


def test_a_request_in_words() -> None:
    found = asked("get", "system:serviceaccount:shop:web", ("dev",), resource="deployments/scale", namespace="shop")
    assert found.groups == ("dev", "system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
    assert (found.api_group, found.kind) == ("apps", "deployments/scale")
    assert asked("get", "system:anonymous", path="/").groups == ("system:unauthenticated",)
    assert asked("get", "", resource="events").groups == ()
    with pytest.raises(UsageError, match="no resource"):
        asked("get", "alice", resource="podz")
