"""Subjects taken out of a binding and put back: whatever the binding, whoever takes them, in any order."""

from __future__ import annotations

import copy
import json
import random

from hypothesis import given
from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.cluster.subjects import Account, through
from irkit.contain.identity import strip

ACCOUNTS = [Account("shop", "web"), Account("shop", "db")]
SUBJECTS: list[Json] = [
    {"kind": "ServiceAccount", "namespace": "shop", "name": "web"},
    {"kind": "ServiceAccount", "namespace": "shop", "name": "db"},
    {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccount:shop:web"},
    {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "somebody"},
    {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"},
]
BINDINGS = st.builds(
    lambda subjects, notes: {
        "metadata": {"name": "b"} | ({"annotations": notes} if notes else {}),
        **({"subjects": subjects} if subjects else {}),
    },
    st.lists(st.sampled_from(SUBJECTS), unique_by=str, max_size=5),
    st.dictionaries(st.sampled_from(["a", "x/y"]), st.text(max_size=3), max_size=2),
)


def patched(binding: Json, operations: list[Json]) -> Json:
    """JSON Patch (RFC 6902), as far as it is used here."""
    whole = copy.deepcopy(binding)
    for operation in operations:
        *way, last = [word.replace("~1", "/").replace("~0", "~") for word in operation["path"].split("/")[1:]]
        place = whole
        for word in way:
            place = place[word]
        if operation["op"] == "remove":
            del place[last]
        else:
            assert operation["op"] == "add"
            place[last] = operation["value"]
    return whole


@given(BINDINGS, st.sampled_from(ACCOUNTS))
def test_what_is_taken_comes_back_as_it_was(binding: Json, account: Account) -> None:
    taken = patched(binding, strip.taken(binding, account, "u1"))
    left = [through(subject, account) for subject in taken.get("subjects", [])]
    assert not [how for how in left if how is not None and how.alone]
    assert strip.taken(taken, account, "u1") == []
    for known in strip.memories(taken, "u1"):
        assert patched(taken, strip.returned(taken, known, "u1")) == binding
    assert bool(strip.memories(taken, "u1")) == (taken != binding)


@given(BINDINGS, st.permutations([(ACCOUNTS[0], "u1"), (ACCOUNTS[0], "u2"), (ACCOUNTS[1], "u3")]), st.randoms())
def test_three_pods_in_any_order_lose_no_subject_and_win_none(
    binding: Json, pods: list[tuple[Account, str]], chance: random.Random
) -> None:
    now = binding
    for account, uid in pods:
        now = patched(now, strip.taken(now, account, uid))
    order = sorted(pods, key=lambda _: chance.random())
    for _, uid in order:
        for known in strip.memories(now, uid):
            now = patched(now, strip.returned(now, known, uid))
    before, after = (
        sorted(json.dumps(each, sort_keys=True) for each in one.get("subjects", [])) for one in (binding, now)
    )
    assert after == before
    assert now["metadata"] == binding["metadata"]


def told(binding: Json) -> list[str]:
    """The subjects, in an order that does not depend on who came first."""
    return sorted(json.dumps(subject, sort_keys=True) for subject in binding.get("subjects", []))
