"""What a client can put into a patch, as a 1.37 API server took it and wrote it down: nobody is blinded by it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read.event import whole
from irkit.audit.read.mend import DEPTH, mended
from irkit.audit.read.window import Window
from irkit.audit.search import search
from tests.audit.detect.cases import PRIVILEGED
from tests.audit.logs import event, line, log
from tests.audit.shell import irkit

SPEC = json.dumps({"template": {"spec": {"containers": [PRIVILEGED]}}}).encode()
ODD = {
    "half a pair": rb'"\ud800"',
    "the other half": rb'"\udc00"',
    "no pair": rb'"\ud800\u0041"',
    "no UTF-8": b'"\xff"',
    "a half in UTF-8": b'"\xed\xa0\x80"',
    "no number": b"1e999",
    "many digits": b"9" * 5000,
    "lists": b"[" * 9000 + b"]" * 9000,
    "objects": b'{"a":' * 1200 + b"1" + b"}" * 1200,
    "just deep enough to be read": b'[{"a":' * 480 + b"1" + b"}]" * 480,
}


def patched(odd: bytes) -> bytes:
    """A patch that makes a deployment privileged, with something odd beside it."""
    body = b'{"metadata":{"annotations":{"x":' + odd + b'}},"spec":' + SPEC + b"}"
    plain = line(event("patch", "deployments", "web") | {"level": "Request", "requestObject": "BODY"})
    return plain.replace(b'"BODY"', body)


def test_patches_with_something_odd_in_them_are_searched_and_shown(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", map(patched, ODD.values()))
    where = "requestObject.spec.template.spec.containers.securityContext.privileged = true and requestObject ~ spec"
    looking = search([str(path)], where=where)
    assert [match.raw + b"\n" for match in looking] == [*map(patched, ODD.values())]
    assert (looking.summary().events, looking.summary().malformed) == (len(ODD), 0)
    for form in ("text", "json", "jsonl"):
        irkit("audit", "search", path, "--where", "verb = patch", "-o", form)
    assert json.loads(irkit("audit", "timeline", path, "-o", "json").stdout)["events"] == len(ODD)


@pytest.mark.parametrize("odd", [odd for name, odd in ODD.items() if name in ("no UTF-8", "no number", "many digits")])
def test_a_patch_with_something_odd_in_it_is_judged(odd: bytes) -> None:
    watched = Watched()
    Watch(Allow(), Window()).line(patched(odd), watched)
    assert {rule for rule, *_ in watched.tally.seen} == {"privileged-container"}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_document_with_something_odd_in_it_is_read(tmp_path: Path, odd: bytes) -> None:
    path = tmp_path / "list.json"
    item = patched(odd).replace(b'"level"', b'\n "level"')
    path.write_bytes(b'{"kind": "EventList",\n"items": [' + item + b",\n" + line(event()) + b"]}")
    assert len(list(search([str(path)]))) == 2


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_what_is_mended_is_json_to_a_strict_reader(data: bytes) -> None:
    fit = mended(b'["' + data + b'"]')
    assert fit is None or isinstance(msgspec.json.decode(fit), list)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_what_is_json_stays_what_it_is(data: object) -> None:
    assert json.loads(mended(json.dumps([data]).encode()) or b"") == [data]


def test_what_is_left_of_what_is_too_deep() -> None:
    found = whole(b'{"a":' + b"[" * (3 * DEPTH) + b'"]"' + b"]" * (3 * DEPTH) + b',"b":"[{"}')
    depth = 0
    inner = found["a"]
    while inner:
        depth, (inner,) = depth + 1, inner
    assert (depth, found["b"]) == (DEPTH - 1, "[{")
