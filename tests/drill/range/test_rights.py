"""Who may do what, who is who, and the record of it."""

from __future__ import annotations

import json

import pytest

from irkit.drill.range.access.users import User, service_account
from irkit.drill.range.server import Range
from tests.drill.client import VICTIM, Client, pod

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
MYSELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
GROUP = "rbac.authorization.k8s.io"


def bound(empty: Range, api: Client, *rules: dict[str, object]) -> Client:
    """A client of the service account "limited", which may do no more than `rules`."""
    api.create("ServiceAccount", "limited")
    api.create("Role", "limited", rules=list(rules))
    subject = {"kind": "ServiceAccount", "name": "limited", "namespace": api.namespace}
    role = {"apiGroup": GROUP, "kind": "Role", "name": "limited"}
    api.create("RoleBinding", "limited", roleRef=role, subjects=[subject])
    token = empty.users.token(service_account(api.namespace, "limited"))
    return Client(empty.url, token, api.namespace)


def test_a_service_account_may_do_what_its_role_says(empty: Range, api: Client) -> None:
    limited = bound(
        empty,
        api,
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["*"]},
    )
    api.create("ConfigMap", "mine")
    api.create("ConfigMap", "yours")
    seen = {
        path: limited.get(path).status
        for path in (
            limited.path("Pod"),
            limited.path("ConfigMap", "mine"),
            limited.path("ConfigMap", "yours"),
            limited.path("Secret"),
            limited.path("Deployment", "d", "scale"),
            "/api/v1/pods",
            "/version",
            "/metrics",
        )
    }
    assert list(seen.values()) == [200, 200, 403, 403, 404, 403, 200, 403]
    limited.close()


def test_who_may_not_is_told_what_was_missing(empty: Range, api: Client) -> None:
    limited = bound(empty, api)
    said = limited.get(limited.path("Secret", "s"))
    name = f"system:serviceaccount:{api.namespace}:limited"
    assert said.message == (
        f'secrets "s" is forbidden: User "{name}" cannot get resource "secrets" in API group "" '
        f'in the namespace "{api.namespace}"'
    )
    limited.close()


def test_reviews_agree_with_what_happens(empty: Range, api: Client) -> None:
    limited = bound(empty, api, {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]})

    def may(client: Client, **attributes: str) -> bool:
        asked = {"spec": {"resourceAttributes": {"namespace": api.namespace, **attributes}}}
        return bool(client.send("POST", REVIEWS, asked).json["status"]["allowed"])

    assert may(limited, verb="get", resource="pods", subresource="log")
    assert not may(limited, verb="get", resource="pods")
    assert may(api, verb="delete", resource="nodes")
    path = {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/version"}}}
    assert limited.send("POST", REVIEWS, path).json["status"]["allowed"]
    assert limited.send("POST", REVIEWS, {"spec": {}}).status == 422
    told = limited.send("POST", RULES, {"spec": {"namespace": api.namespace}}).json["status"]
    assert {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]} in told["resourceRules"]
    assert api.send("POST", RULES, {"spec": {"namespace": "default"}}).json["status"]["resourceRules"][0]["verbs"] == [
        "*"
    ]
    limited.close()


def test_one_is_who_ones_token_says(empty: Range, api: Client) -> None:
    assert api.send("POST", MYSELF, {}).json["status"]["userInfo"]["username"] == "oncall@example.com"
    token = empty.users.token(User("ada", ("ops",)))
    ada = Client(empty.url, token)
    assert ada.send("POST", MYSELF, {}).status == 403
    empty.users.revoke(token)
    said = ada.get("/version")
    assert (said.status, said.json["reason"]) == (401, "Unauthorized")
    ada.close()


def test_a_token_can_be_asked_for_and_says_its_pod(empty: Range, api: Client) -> None:
    made = api.create("Pod", "p", spec=pod("app"))["metadata"]
    bound_to = {"kind": "Pod", "name": "p", "uid": made["uid"]}
    path = api.path("ServiceAccount", "default", "token")
    token = api.send("POST", path, {"spec": {"boundObjectRef": bound_to}}).json["status"]["token"]
    holder = Client(empty.url, token)
    info = holder.send("POST", MYSELF, {}).json["status"]["userInfo"]
    assert info["extra"]["authentication.kubernetes.io/pod-uid"] == [made["uid"]]
    holder.close()


def test_an_administrator_may_be_taken_for_another(api: Client) -> None:
    account = f"system:serviceaccount:{api.namespace}:default"
    said = api.send("POST", MYSELF, {}, Impersonate_User=account).json["status"]["userInfo"]
    assert f"system:serviceaccounts:{api.namespace}" in said["groups"]
    assert api.send("GET", api.path("Pod"), Impersonate_User="bob").status == 403
    assert api.send("GET", api.path("Pod"), Impersonate_User="bob", Impersonate_Group="system:masters").status == 200


def audited(running: Range, audit_id: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in running.audit_log.read_bytes().splitlines()]
    return [line for line in lines if line["auditID"] == audit_id]


@pytest.mark.parametrize(
    ("method", "kind", "level", "bodies"),
    [
        ("GET", "Pod", "Metadata", set()),
        ("POST", "Pod", "RequestResponse", {"requestObject", "responseObject"}),
        ("POST", "Secret", "Metadata", set()),
        ("POST", "ConfigMap", "Metadata", set()),
        ("POST", "Service", "RequestResponse", {"requestObject", "responseObject"}),
    ],
)
def test_each_request_is_recorded_at_its_level(
    empty: Range, api: Client, method: str, kind: str, level: str, bodies: set[str]
) -> None:
    spec = {"Pod": pod("app"), "Service": {"ports": [{"port": 80}], "selector": {"app": "x"}}}.get(kind, {})
    body = {"metadata": {"name": "x"}, **({"spec": spec} if spec else {})} if method == "POST" else None
    said = api.send(method, api.path(kind), body, User_Agent="tool/1 <script>")
    (event,) = audited(empty, said.headers["Audit-Id"])
    assert (event["level"], event["stage"], event["userAgent"]) == (level, "ResponseComplete", "tool/1 <script>")
    assert event.keys() & {"requestObject", "responseObject"} == bodies
    assert event["user"] == {"username": "oncall@example.com", "groups": ["system:masters", "system:authenticated"]}


def test_patches_refusals_and_impersonation_are_recorded(empty: Range, api: Client) -> None:
    api.create("Pod", "p", spec=pod("app"))
    patch = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]
    done = api.send(
        "PATCH", api.path("Pod", "p"), patch, media="application/json-patch+json", Audit_Id="chosen-by-client"
    )
    (event,) = audited(empty, done.headers["Audit-Id"])
    assert (event["auditID"], event["requestObject"]) == ("chosen-by-client", patch)
    assert event["objectRef"]["uid"] == api.read("Pod", "p")["metadata"]["uid"]  # type: ignore[index]
    refused = api.send("DELETE", api.path("Pod", "p"), Impersonate_User="bob")
    (event,) = audited(empty, refused.headers["Audit-Id"])
    assert event["impersonatedUser"] == {"username": "bob", "groups": ["system:authenticated"]}
    assert event["responseStatus"]["reason"] == "Forbidden"  # type: ignore[index]
    assert event["annotations"]["authorization.k8s.io/decision"] == "forbid"  # type: ignore[index]
    for body, media in ((b"{", "application/json"), (b"{", "application/json-patch+json")):
        broken = api.send("PATCH", api.path("Pod", "p"), body, media=media)
        (event,) = audited(empty, broken.headers["Audit-Id"])
        assert "requestObject" not in event


def test_a_watch_is_recorded_when_it_starts_and_when_it_ends(empty: Range, api: Client) -> None:
    query = {"watch": "true", "timeoutSeconds": 1}
    said = api.send("GET", api.path("Pod"), query=query)
    assert [event["stage"] for event in audited(empty, said.headers["Audit-Id"])] == [
        "ResponseStarted",
        "ResponseComplete",
    ]


def test_no_token_is_written_down(empty: Range, api: Client) -> None:
    path = api.path("ServiceAccount", "default", "token")
    token = api.send("POST", path, {"spec": {}}).json["status"]["token"]
    assert token.encode() not in empty.audit_log.read_bytes()
    assert (empty.kubeconfig.stat().st_mode & 0o077) == 0


def test_the_account_of_the_victim_may_read_secrets(incident: Range) -> None:
    pod_uid = incident.store.find("Pod", VICTIM, "payments")["metadata"]["uid"]
    token = incident.users.token(service_account("payments", "web", pod=(VICTIM, pod_uid)))
    leaked = Client(incident.url, token, "payments")
    assert leaked.get(leaked.path("Secret")).status == 200
    assert leaked.get("/api/v1/secrets").status == 403
    leaked.close()
