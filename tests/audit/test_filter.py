from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.audit.filter.evaluate import holds, required
from irkit.audit.filter.grammar import parse
from irkit.audit.read.event import TRUNCATED
from irkit.audit.search import search
from irkit.errors import UsageError
from irkit.model.audit import Tier
from tests.audit.logs import TARGET, event, log

PRIVILEGED = {"spec": {"hostNetwork": True, "containers": [{"name": "a"}, {"securityContext": {"privileged": True}}]}}
CREATED: dict[str, Any] = event("create", code=201, user="alice", seconds=0) | {
    "level": "Request",
    "requestObject": PRIVILEGED,
}
FORBIDDEN = event("list", "secrets", "", code=403, user="system:serviceaccount:shop:web", seconds=3600)


@pytest.mark.parametrize(
    ("text", "created", "forbidden"),
    [
        ("verb = create", True, False),
        ("verb != create", False, True),
        ("verb in (create, update) and resource = pods", True, False),
        ("verb=list or verb=create", True, True),
        ("not (verb = list or verb = watch)", True, False),
        ('user ~ "^system:serviceaccount:"', False, True),
        ("user !~ ^system", True, False),
        ("code = 403", False, True),
        ("code >= 400 and code < 500", False, True),
        ("code > -1", True, True),
        ("user > 5", False, False),
        ("at < 2026-11-23T03:30:00Z", True, False),
        ("at >= 2026-11-23T04:00:00+00:00", False, True),
        ("group = system:authenticated", True, True),
        ('annotations["authorization.k8s.io/decision"] = forbid', False, True),
        ("decision = allow", True, False),
        ("name", True, False),
        ("as", False, False),
        ("user = 'alice'", True, False),
        (r'user ~ "^\w{5}$"', True, False),
        (r"user ~ '^\w+:\w+:'", False, True),
        (r'user ~ "al\\w"', True, False),
        (r'user ~ "\"?alice\'?"', True, False),
        ("requestObject.spec.hostNetwork = true", True, None),
        ("not requestObject.spec.hostNetwork = true", False, None),
        ("requestObject.spec.containers.securityContext.privileged = true", True, None),
        ("requestObject.spec.containers[].securityContext.privileged = true", True, None),
        ("requestObject.spec.containers[*].name = a", True, None),
        ("requestObject.spec.containers.name = b", False, None),
        ("sourceIPs[] = 10.0.0.9", True, True),
        ("annotations['authorization.k8s.io/decision'] = forbid", False, True),
        ("annotations['[*]']", False, False),
        ("time < 2026-11-23T03:30:00Z", True, False),
        ('.verb == "create" && .objectRef.resource == pods', True, False),
        ("verb = list || user =~ ali", True, True),
        ("!(verb == list) AND NOT as", True, False),
        ("verb NOT IN (list, watch)", True, False),
        ("user contains serviceaccount", False, True),
        ('user contains "l.c"', False, False),
        ("groups contains x or user.groups contains authenticated", True, True),
        ("user startswith al and user endswith ice", True, False),
        ("not user startswith system:", True, False),
        ("requestObject.spec.x or responseObject.x", None, None),
        ("responseObject.x or verb = create", True, None),
        ("responseObject.x and verb = get", False, False),
    ],
)
def test_what_passes(text: str, created: bool | None, forbidden: bool | None) -> None:
    tree = parse(text)
    assert holds(tree, CREATED) is created
    assert holds(tree, FORBIDDEN) is forbidden


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a field"),
        ("verb =", "needs a value"),
        ("verb = (", "needs a value here, not ("),
        ("verb not create", "needs in behind a field and not"),
        ("verb contains", "needs a value"),
        ("verb = create pods", "goes on where it should end: pods"),
        ("(verb = create", "lacks a )"),
        ("verb in create", "lacks a ("),
        ("verb in (create", "lacks a )"),
        ("name ~ '[", "cannot read the filter"),
        ("name ~ '['", "not a regular expression"),
        ("name = o'neill", "cannot read the filter at: 'neill"),
        ('name ~ "a(?=b)"', "a lookahead or lookbehind cannot be matched in bounded time"),
        ('name ~ "["', "not a regular expression"),
        ("at > yesterday", "neither a number nor a time"),
        (".", "not a field"),
        ('annotations[""]', "not a field"),
        ("annotations['']", "not a field"),
        ("[]", "not a field"),
        ("sourceIPs[0] = 10.0.0.1", "cannot read the filter at: [0]"),
        ("= 5", "needs a field"),
        ("not " * 60 + "name", "nests too deep"),
        ("(" * 60 + "name" + ")" * 60, "nests too deep"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert says in caught.value.message


WORDS = (
    "verb",
    "user",
    "not",
    "and",
    "or",
    "in",
    "(",
    ")",
    ",",
    "=",
    "~",
    "<",
    '"a"',
    "[",
    '["x"]',
    ".",
    "403",
    "at",
    " ",
)


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_is_a_filter_or_a_usage_error(text: str) -> None:
    try:
        tree = parse(text)
    except UsageError as error:
        assert error.message
    else:
        assert holds(tree, CREATED) in (True, False, None)


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("name = web-1", {b'"web-1'}),
        ("subresource = exec", {b'"exec'}),
        ("name = web", set()),
        ("name = 20241126", {b"20241126"}),
        ("name = infinity", {b"infinity"}),
        ("name = false", {b"false"}),
        ("user = alice@example.com", {b'"alice@example.com'}),
        ("name in (web-1, web-2)", {b'"web-1', b'"web-2'}),
        ("name in (web-1, x)", set()),
        ("verb = create and user = system:admin", {b'"system:admin'}),
        ("name = web-1 or user = system:admin", {b'"web-1', b'"system:admin'}),
        ("name = web-1 or code = 200", set()),
        ("not name = web-1", set()),
        ('user = "müller"', set()),
        ("requestObject.metadata.name = web-1", set()),
    ],
)
def test_the_texts_a_scan_may_look_for(text: str, needles: set[bytes]) -> None:
    assert set(required(parse(text))) == needles


@pytest.mark.parametrize("where", ["user = system:serviceaccount:shop:web", "code = 403"])
def test_a_search_by_filter_alone(tmp_path: Path, where: str) -> None:
    path = log(tmp_path / "audit.log", [CREATED, FORBIDDEN, b"torn\n"])
    looking = search([str(path)], where=where)
    assert [(match.tier, match.event) for match in looking] == [(Tier.FILTERED, FORBIDDEN)]
    assert (looking.summary().events, looking.summary().malformed) == (2, 1)


def test_a_pod_and_a_filter_and_what_cannot_be_known(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [CREATED, event(seconds=20), FORBIDDEN])
    looking = search([str(path)], TARGET, where="requestObject.spec.hostNetwork = true")
    assert [match.event for match in looking] == [CREATED]
    assert looking.unknown == 1


def test_a_body_that_was_too_large_is_unknown(tmp_path: Path) -> None:
    cut = event("create", seconds=20) | {"level": "RequestResponse", "annotations": {TRUNCATED: "true"}}
    path = log(tmp_path / "audit.log", [CREATED, cut])
    for where, found in (
        ("requestObject.spec.hostNetwork = true", 1),
        ("not requestObject.spec.hostNetwork = true", 0),
    ):
        looking = search([str(path)], where=where)
        assert (len(list(looking)), looking.unknown) == (found, 1)


def test_no_question_at_all_gives_every_event(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [CREATED, FORBIDDEN])
    assert len(list(search([str(path)]))) == 2
