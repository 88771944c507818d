"""Forty planted secrets, and none comes through."""

from __future__ import annotations

import json

import pytest

from irkit.bundle.redact.redactor import Redactor, Unread
from irkit.bundle.redact.rewrite import Replaced
from irkit.bundle.redact.secrets import Secrets
from tests.bundle.redact.planted import KINDS, SECRETS, files, needles

KEY = bytes(range(32))
Notes = list[Replaced | Unread]


def redacted(planted: dict[str, bytes], key: bytes = KEY) -> tuple[dict[str, bytes], Notes]:
    secrets = Secrets(key)
    for path, content in planted.items():
        secrets.learn(path, [content])
    redactor, notes = Redactor(secrets), Notes()
    return {path: b"".join(redactor.redact(path, [content], notes.append)) for path, content in planted.items()}, notes


@pytest.fixture(scope="module")
def shared() -> tuple[dict[str, bytes], Notes]:
    return redacted(files())


def test_forty_secrets_of_ten_kinds() -> None:
    assert len(KINDS) == 10
    assert len(set(SECRETS)) == 40
    everything = b"".join(files().values())
    assert all(any(needle in everything for needle in needles(secret)) for secret in SECRETS)


@pytest.mark.parametrize("path", files())
def test_no_secret_is_left(shared: tuple[dict[str, bytes], Notes], path: str) -> None:
    out = shared[0][path]
    left = [(kind, needle) for kind, of in KINDS.items() for one in of for needle in needles(one) if needle in out]
    assert not left


@pytest.mark.parametrize("path", [path for path in files() if "json" in path])
def test_documents_stay_documents(shared: tuple[dict[str, bytes], Notes], path: str) -> None:
    lines = shared[0][path].splitlines() if path.endswith("l") else [shared[0][path]]
    assert all(json.loads(line) for line in lines)


def test_notes_name_the_place_and_never_the_secret(shared: tuple[dict[str, bytes], Notes]) -> None:
    _, notes = shared
    assert not [note for note in notes if isinstance(note, Unread)]
    told = json.dumps([str(note) for note in notes]).encode()
    assert not [needle for one in SECRETS for needle in needles(one) if needle in told]
    env = [note for note in notes if isinstance(note, Replaced) and note.rule == "env"]
    assert "/spec/containers/0/env/0/value" in {note.pointer for note in env}


def test_a_secret_has_one_token_wherever_it_stands(shared: tuple[dict[str, bytes], Notes]) -> None:
    pod = json.loads(shared[0]["data/pod/pod.json"])
    secret = json.loads(shared[0]["data/owners/secret.json"])
    env = [pair["value"] for pair in pod["spec"]["containers"][0]["env"]]
    assert list(secret["data"].values()) == list(secret["stringData"].values()) == env
    log = shared[0]["data/logs/app.current.log"]
    assert all(token.encode() in log for token in env[:28])


def test_another_case_has_other_tokens() -> None:
    some = {"data/pod/pod.json": files()["data/pod/pod.json"]}
    (one, _), (other, _) = redacted(some), redacted(some, b"another key of the case")
    assert one["data/pod/pod.json"] != other["data/pod/pod.json"]


def test_what_was_redacted_stays_as_it_is(shared: tuple[dict[str, bytes], Notes]) -> None:
    assert redacted(shared[0]) == (shared[0], [])
