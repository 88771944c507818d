from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from irkit.collect.around.storage import Storage
from irkit.collect.capture import capture
from irkit.collect.changes import MOST, changes
from irkit.collect.collector import Ours
from irkit.collect.piece import Found
from irkit.collect.pod.metrics import Metrics
from irkit.collect.pod.references import table
from irkit.errors import NotFound
from irkit.model.evidence import GapReason
from tests.collect.api import Route, Says, no, ok, serving
from tests.collect.scene import POD, TARGET, artifacts, gaps, pod, routes, thing


def managed(manager: str, at: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": at, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


def test_changes_are_told_oldest_first_with_their_fields() -> None:
    image: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}}}}}
    labels: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:finalizers": {'v:"keep"': {}}}}
    entries = [
        managed("kubectl-edit", "2026-01-02T00:00:00Z", image),
        managed("kubelet", "2026-01-01T00:00:00Z", labels, subresource="status"),
    ]
    assert changes([{"kind": "Pod", "metadata": {"name": "web", "managedFields": entries}}]) == [
        {
            "at": "2026-01-01T00:00:00Z",
            "manager": "kubelet",
            "operation": "Update",
            "subresource": "status",
            "object": "Pod/web",
            "fields": ["metadata.labels.app", 'metadata.finalizers["keep"]'],
            "more": 0,
        },
        {
            "at": "2026-01-02T00:00:00Z",
            "manager": "kubectl-edit",
            "operation": "Update",
            "subresource": "",
            "object": "Pod/web",
            "fields": ["spec.containers[name=app].image"],
            "more": 0,
        },
    ]


def test_a_change_of_very_many_fields_is_counted_on() -> None:
    entry = managed("eve", "2026-01-01T00:00:00Z", {f"f:{number}": {} for number in range(MOST + 7)})
    (row,) = changes([{"metadata": {"managedFields": [entry]}}])
    assert (len(row["fields"]), row["more"]) == (MOST, 7)


@pytest.mark.parametrize("key", ["k:not json", "k:[1]", "k:" + "[" * 5000])
def test_a_hostile_key_stays_as_it_is(key: str) -> None:
    (row,) = changes([{"metadata": {"managedFields": [managed("eve", "", {"f:spec": {key: {}}})]}}])
    assert row["fields"] == [f"spec[{key[2:]}]"]


def test_a_bottomless_set_of_fields_ends() -> None:
    fields: dict[str, Any] = {}
    for _ in range(500):
        fields = {"f:a": fields}
    (row,) = changes([{"metadata": {"managedFields": [managed("eve", "", fields)]}}])
    assert row["fields"] == [".".join("a" * 40)]


def test_an_object_without_managers_has_no_changes() -> None:
    assert changes([{}, {"metadata": {}}]) == []


def test_references_name_each_thing_and_where_it_is_named() -> None:
    env = [
        {"name": "PLAIN", "value": "x"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    env_from = [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "c"}}]
    spec = {
        "imagePullSecrets": [{"name": "registry"}],
        "initContainers": [{"name": "setup", "envFrom": env_from}],
        "containers": [{"name": "app", "env": env}],
        "volumes": [
            {"name": "keys", "secret": {"secretName": "db", "items": [{"key": "user", "path": "u"}]}},
            {"name": "mixed", "projected": {"sources": [{"secret": {"name": "tls"}}, {"serviceAccountToken": {}}]}},
            {"name": "conf", "configMap": {"name": "settings"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "host", "hostPath": {"path": "/var/run"}},
            {"name": "empty", "emptyDir": {}},
        ],
    }

    def row(name: str, *through: str, keys: list[str] | None = None) -> dict[str, Any]:
        return {"name": name, "through": list(through), "keys": keys or []}

    assert table({"metadata": {"name": "web"}, "spec": spec}) == {
        "ConfigMap": [
            row("c", "all variables of container setup"),
            row("settings", "volume conf", "variable MODE of container app"),
        ],
        "HostPath": [row("/var/run", "volume host")],
        "PersistentVolumeClaim": [row("data", "volume data"), row("web-scratch", "volume scratch")],
        "Secret": [
            row("all", "all variables of container setup"),
            row("db", "volume keys", "variable PASSWORD of container app", keys=["password", "user"]),
            row("registry", "image pulls"),
            row("tls", "volume mixed"),
        ],
    }


def metrics(tmp_path: Path, scene: dict[str, Route]) -> list[Found]:
    with serving(scene) as api:
        return list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Metrics()]))


def test_a_cluster_without_a_metrics_api_has_lost_nothing(tmp_path: Path) -> None:
    (gap,) = gaps(metrics(tmp_path, routes(metrics=Says(b"404 page not found\n", 404)))).values()
    assert (gap.reason, gap.detail) == (GapReason.NEVER_EXISTED, "the cluster does not serve resource metrics")


def test_a_pod_that_the_metrics_api_does_not_know(tmp_path: Path) -> None:
    (gap,) = gaps(metrics(tmp_path, routes(metrics=no(404, "NotFound", "podmetrics shop/web not found")))).values()
    assert gap.reason is GapReason.ABSENT


def test_metrics_of_a_successor_are_not_taken(tmp_path: Path) -> None:
    found = metrics(tmp_path, routes(pod=ok(pod("another-uid"))))
    assert artifacts(found) == {}
    assert [each.reason for each in gaps(found).values()] == [GapReason.REPLACED]


def storage(tmp_path: Path, scene: dict[str, Route]) -> list[Found]:
    with serving(scene) as api:
        return list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Storage()]))


def test_a_claim_that_is_not_bound_has_no_volume(tmp_path: Path) -> None:
    found = storage(tmp_path, routes(claim=ok(thing("data", spec={}))))
    assert set(artifacts(found)) == {"storage/claim-data.json"}
    assert gaps(found) == {}


def test_a_volume_that_may_not_be_read_is_a_gap(tmp_path: Path) -> None:
    found = storage(tmp_path, routes(volume=no(403, "Forbidden", "no")))
    assert set(artifacts(found)) == {"storage/claim-data.json"}
    assert "`get persistentvolumes`" in gaps(found)["persistent volume pv-1"].remedy


def test_what_is_read_out_of_the_pod_stands_beside_it(tmp_path: Path) -> None:
    with serving(routes()) as api:
        list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    read = json.loads((tmp_path / "data/pod/references.json").read_bytes())
    assert read["PersistentVolumeClaim"][0]["name"] == "data"
    assert json.loads((tmp_path / "data/pod/changes.json").read_bytes()) == []


def test_answers_that_begin_together_are_proved_by_one_question(tmp_path: Path) -> None:
    names = ("app", "proxy", "sidecar")
    with serving(routes()) as api, ThreadPoolExecutor(len(names)) as pool:
        ours, together = Ours(TARGET, api.connect(tmp_path)), Barrier(len(names), timeout=20)

        def answer(name: str) -> None:
            with ours.expecting(name):
                together.wait()
                ours.prove(name)

        assert list(pool.map(answer, names)) == [None] * len(names)
    assert api.asked == [POD]


def test_one_that_fails_or_is_slow_keeps_no_other_from_its_proof(tmp_path: Path) -> None:
    with serving(routes()) as api:
        ours = Ours(TARGET, api.connect(tmp_path))
        with ours.expecting("slow"), ours.expecting("quick"):
            with pytest.raises(NotFound), ours.expecting("refused"):
                raise NotFound("no such log")
            ours.prove("quick")
            ours.prove("slow")
    assert api.asked == [POD, POD]  # the second answer began after the first question
