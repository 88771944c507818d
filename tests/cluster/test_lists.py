"""Lists: page after page, whatever happens to their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.objects import items
from irkit.cluster.protocol import Cluster
from irkit.errors import ClusterError, Gone
from irkit.settings import ClusterSettings
from tests.cluster.scripted import Answer, Script, kubeconfig, refuse, reply, serving

PODS = "/api/v1/pods"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Script, Cluster]]:
    with serving(reply()) as script:
        yield script, connect(ClusterSettings(str(kubeconfig(tmp_path, script.url)), timeout=5))


def page(*uids: str, after: str = "") -> Answer:
    objects = [{"metadata": {"name": uid, "uid": uid}} for uid in uids]
    return reply({"kind": "PodList", "metadata": {"continue": after}, "items": objects})


def expired(token: str = "") -> Answer:
    metadata = {"continue": token} if token else {}
    return refuse(410, "Expired", "The provided continue parameter is too old", metadata=metadata)


def names(cluster: Cluster) -> list[str]:
    return [item["metadata"]["name"] for item in items(cluster.pages(PODS))]


def test_pages_follow_the_token(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [page("a", "b", after="t/1"), page("c")]
    assert names(cluster) == ["a", "b", "c"]
    assert [asked.query for asked in script.asked] == [{"limit": "500"}, {"limit": "500", "continue": "t/1"}]


def test_the_query_is_kept_and_may_set_its_own_limit(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [page("a", after="t"), page("b")]
    found = list(cluster.pages(PODS, {"limit": "1", "fieldSelector": "x=y"}))
    assert [found[0].consistent, found[1].consistent] == [True, True]
    assert [asked.query["fieldSelector"] for asked in script.asked] == ["x=y", "x=y"]
    assert [asked.query["limit"] for asked in script.asked] == ["1", "1"]


def test_an_expired_token_with_a_successor_goes_on_inconsistently(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [page("a", after="old"), expired("new"), page("b", after="t"), page("c")]
    assert [found.consistent for found in cluster.pages(PODS)] == [True, False, False]
    assert [asked.query.get("continue") for asked in script.asked] == [None, "old", "new", "t"]


def test_an_expired_token_without_one_starts_again_and_nothing_comes_twice(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [page("a", "b", after="old"), expired(), page("b", "c", after="t"), page("d")]
    assert names(cluster) == ["a", "b", "c", "d"]
    assert [asked.query.get("continue") for asked in script.asked] == [None, "old", None, "t"]


def test_a_list_whose_tokens_always_expire_ends(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [page("a", after="old"), expired("new")]
    with pytest.raises(Gone):
        names(cluster)
    assert len(script.asked) == 5


def test_a_first_page_that_is_gone_is_gone(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [expired()]
    with pytest.raises(Gone):
        names(cluster)
    assert len(script.asked) == 1


def test_objects_without_uid_all_come_through(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [reply({"items": [{"a": 1}, {"metadata": None}]})]
    assert list(items(cluster.pages(PODS))) == [{"a": 1}, {"metadata": None}]


@pytest.mark.parametrize("body", [{"items": 3}, {"items": [4]}, {"items": {"a": 1}}])
def test_an_answer_that_is_no_list_is_an_error(server: tuple[Script, Cluster], body: dict[str, object]) -> None:
    script, cluster = server
    script.answers[:] = [reply(body)]
    with pytest.raises(ClusterError, match="not a list of objects"):
        names(cluster)


@pytest.mark.parametrize("body", [{"metadata": 7}, {"metadata": {"continue": None}, "items": None}])
def test_an_empty_list_may_come_without_its_parts(server: tuple[Script, Cluster], body: dict[str, object]) -> None:
    script, cluster = server
    script.answers[:] = [reply(body)]
    assert names(cluster) == []
