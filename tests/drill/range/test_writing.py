"""create, update, delete: what is kept, and what is refused in which words."""

from __future__ import annotations

import pytest

from irkit.drill.range.server import Range
from tests.drill.client import MERGE, Client, pod


def test_what_was_created_is_read_back(api: Client) -> None:
    made = api.create("ConfigMap", "a", labels={"x": "y"}, data={"k": "v"})
    assert made == api.read("ConfigMap", "a")
    assert made["metadata"]["namespace"] == api.namespace
    assert made["metadata"]["managedFields"][0]["operation"] == "Update"


def test_a_generated_name_is_unique(api: Client) -> None:
    made = [api.send("POST", api.path("ConfigMap"), {"metadata": {"generateName": "run-"}}).json for _ in range(2)]
    assert len({each["metadata"]["name"] for each in made}) == 2
    assert all(each["metadata"]["name"].startswith("run-") for each in made)


def test_a_dry_run_answers_and_keeps_nothing(api: Client) -> None:
    made = api.create("ConfigMap", "a")
    version = made["metadata"]["resourceVersion"]
    for method, name, body in (("POST", "", {"metadata": {"name": "b"}}), ("DELETE", "a", None)):
        assert api.send(method, api.path("ConfigMap", name), body, query={"dryRun": "All"}).status < 300
    assert api.patch("ConfigMap", "a", {"data": {"x": "1"}}, MERGE, dryRun="All").json["data"] == {"x": "1"}
    assert api.read("ConfigMap", "a")["metadata"]["resourceVersion"] == version
    assert "b" not in api.names("ConfigMap")


def test_a_dry_run_in_the_options_of_a_deletion_counts(api: Client) -> None:
    api.create("ConfigMap", "a")
    assert api.send("DELETE", api.path("ConfigMap", "a"), {"dryRun": ["All"]}).status == 200
    assert api.read("ConfigMap", "a")


def test_a_change_that_changes_nothing_has_no_revision(api: Client) -> None:
    made = api.create("ConfigMap", "a", data={"k": "v"})
    assert api.patch("ConfigMap", "a", {"data": {"k": "v"}}, MERGE).json == made


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ({"metadata": {"name": "Bad_Name"}}, 422, "metadata.name: Invalid value"),
        ({"metadata": {"name": "a", "labels": {"k": "x" * 64}}}, 422, "must be no more than 63 bytes"),
        ({"metadata": {"name": "a", "labels": {"UP.example/k": "x"}}}, 422, "prefix part"),
        ({"metadata": {"name": "a"}, "data": {"k": 1}}, 400, "cannot unmarshal number into Go struct field data.k"),
        ({"metadata": {"name": "a"}, "immutable": 1}, 400, "cannot unmarshal number"),
        ({"metadata": {"name": "a", "finalizers": "x"}}, 400, "cannot unmarshal string"),
        ([], 400, "not an object"),
        (b"{bad", 400, "json parse error"),
    ],
)
def test_an_object_that_is_wrong_is_refused(api: Client, body: object, code: int, told: str) -> None:
    said = api.send("POST", api.path("ConfigMap"), body)
    assert (said.status, said.json["kind"], said.json["code"]) == (code, "Status", code)
    assert told in said.message


def test_yaml_is_taken_where_it_is_said_to_be_yaml(api: Client) -> None:
    yaml = b"metadata:\n  name: a\ndata: {k: v}\n"
    assert api.send("POST", api.path("ConfigMap"), yaml, media="application/yaml").json["data"] == {"k": "v"}
    for bad in (b"a: [", b"- a\n"):
        said = api.send("POST", api.path("ConfigMap"), bad, media="application/yaml")
        assert (said.status, said.json["reason"]) == (400, "BadRequest")


def test_what_is_unknown_is_warned_of_refused_or_passed_over(api: Client) -> None:
    def made(name: str, **query: object) -> tuple[int, str]:
        body = {"metadata": {"name": name}, "spec": pod("app", futureField=1)}
        said = api.send("POST", api.path("Pod"), body, query=query)
        return said.status, said.headers.get("Warning", "")

    assert made("a") == (201, '299 - "unknown field \\"spec.futureField\\""')
    assert made("b", fieldValidation="Ignore") == (201, "")
    assert made("c", fieldValidation="Strict") == (400, "")
    assert "futureField" not in api.read("Pod", "a")["spec"]


def test_deletions_ask_for_the_object_that_is_meant(api: Client) -> None:
    made = api.create("ConfigMap", "a")["metadata"]
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        said = api.send("DELETE", api.path("ConfigMap", "a"), {"preconditions": wrong})
        assert (said.status, said.json["reason"]) == (409, "Conflict")
    right = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    done = api.send("DELETE", api.path("ConfigMap", "a"), {"preconditions": right})
    assert done.json["details"]["uid"] == made["uid"]
    assert api.get(api.path("ConfigMap", "a")).status == 404


def test_a_finalizer_holds_an_object_until_it_is_taken_away(api: Client) -> None:
    api.create("ConfigMap", "a", finalizers=["example.com/hold"])
    for _ in range(2):
        held = api.send("DELETE", api.path("ConfigMap", "a")).json
        assert held["metadata"]["deletionTimestamp"]
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
    assert api.patch("ConfigMap", "a", more, MERGE).status == 422
    assert api.patch("ConfigMap", "a", {"metadata": {"finalizers": None}}, MERGE).status == 200
    assert api.get(api.path("ConfigMap", "a")).status == 404


def test_many_are_deleted_by_selector(api: Client) -> None:
    for name, kind in (("a", "x"), ("b", "x"), ("c", "y")):
        api.create("ConfigMap", name, labels={"kind": kind})
    gone = api.send("DELETE", api.path("ConfigMap"), query={"labelSelector": "kind=x"}).json
    assert [each["metadata"]["name"] for each in gone["items"]] == ["a", "b"]
    assert "c" in api.names("ConfigMap")


def test_a_namespace_takes_its_contents_along(api: Client) -> None:
    api.create("ConfigMap", "a")
    api.create("Pod", "p", spec=pod("app"))
    assert api.send("DELETE", api.path("Namespace", api.namespace)).json["status"]["phase"] == "Terminating"
    assert api.get(api.path("Namespace", api.namespace)).status == 404
    assert api.names("ConfigMap") == api.names("Pod") == []


def test_a_status_is_written_through_its_own_door(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app"))
    assert api.patch("Pod", "p", {"status": {"phase": "Failed"}}, MERGE).json["status"]["phase"] == "Running"
    path = api.path("Pod", "p", "status")
    body = {"metadata": {"labels": {"ignored": "yes"}}, "status": {"phase": "Failed"}}
    assert api.send("PATCH", path, body, media=MERGE).json["status"]["phase"] == "Failed"
    assert api.read("Pod", "p")["metadata"]["managedFields"][-1]["subresource"] == "status"


def test_a_change_to_the_spec_is_a_new_generation(api: Client) -> None:
    api.create("NetworkPolicy", "n", spec={"podSelector": {}})
    api.patch("NetworkPolicy", "n", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    changed = api.patch("NetworkPolicy", "n", {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}}, MERGE).json
    assert changed["metadata"]["generation"] == 2
    assert changed["spec"]["policyTypes"] == ["Ingress"]


def test_a_selector_of_a_deployment_does_not_change(api: Client) -> None:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod("app")}
    api.create("Deployment", "d", spec={"selector": {"matchLabels": {"app": "a"}}, "template": template})
    said = api.patch("Deployment", "d", {"spec": {"selector": {"matchLabels": {"app": "b"}}}}, MERGE)
    assert said.status == 422
    fields = [cause["field"] for cause in said.json["details"]["causes"]]
    assert fields == ["spec.template.metadata.labels", "spec.selector"]  # as Kubernetes 1.37 answers, in that order


def test_a_taken_port_is_one_clear_line(empty: Range) -> None:
    from irkit.drill.range import server
    from irkit.errors import UsageError

    with pytest.raises(UsageError, match="cannot listen on port"):
        server.start(int(empty.url.rpartition(":")[2]), home=empty.home / "second", scenario=None)
