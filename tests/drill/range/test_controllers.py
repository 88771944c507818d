"""What happens by itself."""

from __future__ import annotations

from typing import Any

from tests.drill.client import JSON_PATCH, MERGE, STRATEGIC, VICTIM, Client, pod


def ready_addresses(api: Client, service: str) -> set[str]:
    listed = api.get(api.path("EndpointSlice"), labelSelector=f"kubernetes.io/service-name={service}").json["items"]
    return {address for piece in listed for point in piece["endpoints"] for address in point["addresses"]}


def test_a_pod_that_is_relabelled_is_released_replaced_and_out_of_service(night: Client) -> None:
    before = night.read("Pod", VICTIM)
    assert before["status"]["podIP"] in ready_addresses(night, "web")
    operations = [{"op": "replace", "path": "/metadata/labels", "value": {"quarantine": "yes"}}]
    assert night.patch("Pod", VICTIM, operations, JSON_PATCH).status == 200
    after = night.read("Pod", VICTIM)
    assert "ownerReferences" not in after["metadata"]
    assert after["status"] == before["status"]
    assert len(night.names("Pod", labelSelector="app=web")) == 2
    assert before["status"]["podIP"] not in ready_addresses(night, "web")


def test_a_pod_whose_labels_come_back_is_adopted_and_one_too_many_goes(night: Client) -> None:
    for labels in ({"app": None}, {"app": "web"}):
        night.patch("Pod", VICTIM, {"metadata": {"labels": labels}}, MERGE)
    assert night.read("Pod", VICTIM)["metadata"]["ownerReferences"][0]["name"] == "web-6d9f7c5b8"
    assert len(night.names("Pod", labelSelector="app=web")) == 2


def test_an_added_label_changes_nothing_else(night: Client) -> None:
    before = night.names("Pod")
    night.patch("Pod", VICTIM, {"metadata": {"labels": {"quarantine": "yes"}}}, MERGE)
    assert night.names("Pod") == before
    assert night.read("Pod", VICTIM)["metadata"]["ownerReferences"]


def deployment(api: Client, image: str = "a", replicas: int = 2) -> Any:  # noqa: ANN401 - JSON
    template = {"metadata": {"labels": {"app": "d"}}, "spec": pod(image)}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "d"}}, "template": template}
    return api.create("Deployment", "d", spec=spec)


def test_a_deployment_has_its_pods_and_takes_them_along(api: Client) -> None:
    deployment(api)
    pods = api.names("Pod")
    assert len(pods) == 2
    assert api.read("Deployment", "d")["status"]["availableReplicas"] == 2
    change = {"spec": {"template": {"spec": pod("b")}}}
    assert api.patch("Deployment", "d", change, MERGE).status == 200
    assert set(api.names("Pod")).isdisjoint(pods)
    assert len(api.names("ReplicaSet")) == 2
    api.send("DELETE", api.path("Deployment", "d"))
    assert api.names("Pod") == api.names("ReplicaSet") == []


def test_a_stateful_set_gets_its_ordinals_back(night: Client) -> None:
    before = night.read("Pod", "db-0")["metadata"]["uid"]
    night.send("DELETE", night.path("Pod", "db-0"))
    assert night.read("Pod", "db-0")["metadata"]["uid"] != before


def test_a_service_finds_its_pods(api: Client) -> None:
    deployment(api)
    api.create("Service", "d", spec={"selector": {"app": "d"}, "ports": [{"port": 80, "name": "main"}]})
    assert len(ready_addresses(api, "d")) == 2
    api.create("Service", "none", spec={"ports": [{"port": 80}]})
    assert ready_addresses(api, "none") == set()


def test_an_ephemeral_container_starts(night: Client) -> None:
    extra = {"spec": {"ephemeralContainers": [{"name": "look", "image": "registry.example.com/tools:1"}]}}
    path = night.path("Pod", VICTIM, "ephemeralcontainers")
    assert night.send("PATCH", path, extra, media=STRATEGIC).status == 200
    assert night.read("Pod", VICTIM)["status"]["ephemeralContainerStatuses"][0]["name"] == "look"


def test_a_pod_that_fits_nowhere_waits_and_says_so(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app", nodeSelector={"no": "node"}))
    status = api.read("Pod", "p")["status"]
    assert (status["phase"], status["conditions"][0]["reason"]) == ("Pending", "Unschedulable")


def test_init_containers_are_done_before_the_rest_runs(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app", initContainers=pod("wait")["containers"]))
    status = api.read("Pod", "p")["status"]
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert "running" in status["containerStatuses"][0]["state"]
