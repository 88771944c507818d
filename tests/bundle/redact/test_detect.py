"""Every detector finds its sample in each dress, and every rule of the structure its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from irkit.bundle.redact import files
from irkit.bundle.redact.detect.registry import DETECTORS
from irkit.bundle.redact.forms import searchable
from irkit.bundle.redact.redactor import WITHHELD, Redactor, Unread
from irkit.bundle.redact.rewrite import Replaced
from irkit.bundle.redact.secrets import Secrets
from irkit.bundle.redact.tokens import Tokens
from irkit.errors import UsageError
from tests.bundle.redact.planted import KINDS

LOG = "data/logs/app.current.log"
A = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gI3kM5oQ7s"
# Per detector: the text, and what of it must go.
SAMPLES = {
    "jwt": (KINDS["jwt"][0],) * 2,
    "aws-key-id": ("AKIAIOSFODNN7EXAMPL2",) * 2,
    "github": ("ghp_" + A[:36],) * 2,
    "github-pat": ("github_pat_" + A[:30],) * 2,
    "gitlab": ("glpat-" + A[:20],) * 2,
    "slack": ("xoxb-" + A[:30],) * 2,
    "slack-app": ("xapp-1-" + A[:30],) * 2,
    "slack-hook": ("https://hooks.slack.com/services/T012/B345/" + A[:24], A[:24]),
    "stripe": ("rk_live_" + A[:24],) * 2,
    "stripe-hook": ("whsec_" + A[:32],) * 2,
    "google": ("AIza" + A[:35],) * 2,
    "npm": ("npm_" + A[:36],) * 2,
    "pypi": ("pypi-AgEIcHlwaS5vcmc" + A,) * 2,
    "vault": ("hvs." + A[:24],) * 2,
    "age": ("AGE-SECRET-KEY-1" + A.upper() + A[:18].upper(), A.upper()),
    "private-key": (f"-----BEGIN EC PRIVATE KEY-----\n{A}\nQQ==\n-----END EC PRIVATE KEY-----", A),
    "url-password": (f"redis://:{A[:12]}@cache:6379/0", A[:12]),
    "authorization": (f"sent Bearer {A}", A),
    "command": (f"/exec?command=psql&command=--password%3D{A[:9]}&container=c", A[:9]),
    "assigned": (f"db.password = {A[:9]}", A[:9]),
    "assigned-short": (f"db.pass = {A[:9]}", A[:9]),
    "beside": (f"- name: DB_PASSWORD\n  value: {A[:9]}", A[:9]),
    "flag": (f"login -token {A[:9]}", A[:9]),
    "flag-prefixed": (f"login --my-token {A[:9]}", A[:9]),
    "called": (f"mysql -p{A[:9]} shop", A[:9]),
    "sql": (f"CREATE USER a IDENTIFIED BY '{A[:9]}'", A[:9]),
    "netrc": (f"machine a login b password {A[:9]}", A[:9]),
    "redis": (f"requirepass {A[:9]}", A[:9]),
    "piped": (f"echo {A[:9]} | sudo -S ls", A[:9]),
}


def through(path: str, content: bytes) -> tuple[bytes, list[Replaced | Unread]]:
    secrets, notes = Secrets(bytes(32)), list[Replaced | Unread]()
    secrets.learn(path, [content])
    return b"".join(Redactor(secrets).redact(path, [content], notes.append)), notes


def test_every_detector_has_a_sample() -> None:
    assert set(SAMPLES) == {detector.name for detector in DETECTORS}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dress", ["{}", "at {} end", '"{}"', "x\n{}\ny", "({})", "k={} z"])
def test_a_detector_finds_its_sample(name: str, dress: str) -> None:
    text, gone = SAMPLES[name]
    for path, content in ((LOG, dress.format(text)), ("e.json", json.dumps({"message": dress.format(text)}))):
        out, notes = through(path, content.encode())
        assert gone.encode() not in out
        assert notes


@pytest.mark.parametrize("name", SAMPLES)
def test_in_a_json_log_line_too(name: str) -> None:
    text, gone = SAMPLES[name]
    out, _ = through(LOG, json.dumps({"msg": f"got\n{text}\tand {{}}", "n": json.dumps({"m": text})}).encode())
    assert gone.encode() not in out
    assert set(json.loads(out)) == {"msg", "n"}


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ('{"password":"ab \\"cd7"}', "cd7"),
        ("password=a1,b2;c3 user=x", "c3"),
        ("token=q1w2e3&user=bob", "q1w2e3"),
        ("Cookie: sid=a1; theme=b2", "b2"),
        ('Authorization: ["Digest zz99yy88"]', "zz99yy88"),
        ("<password>hunter2</password>", "hunter2"),
        ("map[password:hunter2 user:bob]", "hunter2"),
        ('env["API_TOKEN"] = "x9y8z7"', "x9y8z7"),
        ("PASSWORD='two words 2'", "words"),
        ("secret:=s3cr3t", "s3cr3t"),
        ("password: correcthorse", "correcthorse"),
        ("curl -H 'X-Api-Key: k1k2k3'", "k1k2k3"),
        ("a\x00--password\x00hunter2\x00b", "hunter2"),
        ("password: password: hunter22", "hunter22"),
        ("\x1b[36mpassword\x1b[0m=\x1b[32mhunter22\x1b[0m user=bob", "hunter22"),
        ("\x1b[1;36mpassword\x1b[0m: hunter22", "hunter22"),
        (r'{"m":"\u001b[36mpassword\u001b[0m=hunter22"}', "hunter22"),
        ("password: |-\n  hunter22\nuser: bob", "hunter22"),
        ("db:\r\n  password: >\r\n    hunter22\r\n  user: bob", "hunter22"),
        ("db:\n  secret: |\n    line one1\n\n      line two2\n  user: bob", "two2"),
        ("- name: DB_PASSWORD\n  value: hunter22\n- name: A\n  value: b", "hunter22"),
        ("env:\n  - 'name': 'API_TOKEN'\n    'value': \"k1k2k3\"", "k1k2k3"),
        ("- name: DB_PASSWORD\n  value: |\n    hunter22\n", "hunter22"),
    ],
)
def test_values_beside_names(text: str, gone: str) -> None:
    assert gone.encode() not in through(LOG, text.encode())[0]


def test_a_block_of_yaml_is_one_secret_and_what_is_around_it_stays() -> None:
    manifest = {"data": {"a.yaml": "db:\n  password: |-\n    zX9!kq#Lm2\n  user: bob\n"}, "env": "zX9!kq#Lm2"}
    out, _ = through("cm.json", json.dumps(manifest).encode())
    token = json.loads(out)["env"]
    assert token.startswith("[REDACTED:secret:")
    assert json.loads(out)["data"]["a.yaml"] == f"db:\n  password: |-\n    {token}\n  user: bob\n"
    whole = ("password: |\n" + "  hunter2\n" * 3000 + "user: bob\n").encode()
    left, _ = through(LOG, whole)
    assert b"hunter2" not in left
    assert left.endswith(b"\nuser: bob\n")
    assert through(LOG, left)[0] == left


@pytest.mark.parametrize(
    ("query", "gone"),
    [
        ("?command=mysql&command=--password&command=hunter2-z", "hunter2-z"),
        ("?command=sh&command=-c&command=export+DB_PASSWORD%3D%27hunter2+z%27+%26%26+id", "hunter2+z"),
        ("?command=curl&command=-H&command=X-Api-Key%3A%20k1k2k3", "k1k2k3"),
        ("?stdin=true&command=DB_TOKEN=k1k2k3", "k1k2k3"),
    ],
)
@pytest.mark.parametrize("path", [LOG, "events.jsonl"])
@pytest.mark.parametrize("ampersand", ["&", "\\u0026"])
def test_what_was_typed_into_exec(path: str, query: str, gone: str, ampersand: str) -> None:
    uri = f"/api/v1/namespaces/shop/pods/web/exec{query}&container=app".replace("&", ampersand)
    line = f'{{"requestURI":"{uri}","verb":"get"}}\n'  # as Go writes it, or as others do
    out, notes = through(path, line.encode())
    assert gone.encode() not in out
    assert b"container=app" in out
    assert json.loads(out)["verb"] == "get"
    assert notes


def test_a_command_without_a_secret_stays() -> None:
    line = b"GET /exec?command=ls&command=-la&command=%2Ftmp%2Ftokens&command=%zz&command= HTTP/1.1\n"
    assert through(LOG, line) == (line, [])


PLACES: list[tuple[dict[str, Any], str, str]] = [
    ({"spec": {"env": [{"value": "s3cr3t", "name": "PASSWORD"}]}}, "env", "/spec/env/0/value"),
    ({"env": [{"name": "FOO", "value": A}]}, "env-random", "/env/0/value"),
    ({"args": ["--api-key", "k1k2"]}, "argument", "/args"),
    ({"command": ["curl", "-u", "bob:p4ss"]}, "argument", "/command"),
    ({"httpHeaders": [{"name": "X-Auth-Token", "value": "k1k2"}]}, "pair", "/httpHeaders/0/value"),
    ({"kind": "Secret", "data": {"a/b": "czNjcjN0"}}, "secret-data", ""),
    ({"type": "Opaque", "data": {"a": "czNjcjN0"}}, "secret-data", ""),
    ({"auths": {"r": {"auth": "Ym9iOnA0c3M="}}}, "key", "/auths/r/auth"),
    ({"password": 12345678}, "key", "/password"),
    ({"a": json.dumps({"b": json.dumps({"token": 'x"y9'})})}, "key", "/a/b/token"),
    ({"op": "add", "path": "/spec/env/-", "value": {"name": "TOKEN", "value": "t1t2"}}, "pair", "/value/value"),
    ({"password": "first", "x": 1}, "key", "/password"),
]


@pytest.mark.parametrize(("document", "rule", "pointer"), PLACES)
def test_places_that_structure_knows(document: dict[str, Any], rule: str, pointer: str) -> None:
    out, notes = through("x.json", json.dumps(document).encode())
    assert json.loads(out) != document
    assert (rule, pointer) in {(note.rule, note.pointer) for note in notes if isinstance(note, Replaced)}


def test_a_key_given_twice_hides_both_values() -> None:
    out, notes = through("x.json", b'{"password":"first1","password":"second2"}')
    assert b"first1" not in out
    assert len(notes) == 2


def test_escapes_do_not_hide_a_name() -> None:
    assert b"s3cr3t" not in through("x.json", rb'{"p\u0061ssword":"s3cr3t","u":"h:\/\/u:s3cr3t@h"}')[0]


@pytest.mark.parametrize(
    "content", [b'{"password":"s3cr3t"', b'{"a":' * 5000 + b'"password=s3cr3t"', b"password=s3cr3t \xff"]
)
def test_what_is_no_document_is_read_as_text_and_said(content: bytes) -> None:
    out, notes = through("x.json", content)
    assert b"s3cr3t" not in out
    assert Unread("x.json", 0, "no JSON: read as text") in notes


def test_a_line_that_is_no_document_spoils_no_other() -> None:
    lines = b'{"password":"s3cr3t"}\npassword=s3cr3t\n\n{"token":"t0k3nt0k"}'
    out, notes = through("x.jsonl", lines)
    assert b"s3cr3t" not in out
    assert b"t0k3nt0k" not in out
    assert Unread("x.jsonl", 22, "no JSON: read as text") in notes


def test_documents_that_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1000)
    long = json.dumps({"a": "b" * 2000, "password": "s3cr3t"}).encode()
    out, notes = through("x.json", long)
    assert b"s3cr3t" not in out
    assert notes[0] == Unread("x.json", 0, "too long for one document: read as text")
    out, notes = through("x.jsonl", b"{}\n" + long + b"\n")
    assert b"s3cr3t" not in out
    assert notes[0] == Unread("x.jsonl", 3, "a line too long for one document: read as text from there on")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.log.gz", b"\x1f\x8b\x08 x"),
        ("proc/7/environ", b"A=b"),
        ("c.tar", b"\0" * 257 + b"ustar"),
        ("u", b"\xff\xfea\0"),
    ],
)
def test_what_cannot_be_looked_into_is_withheld(path: str, content: bytes) -> None:
    assert through(path, content) == (WITHHELD, [Unread(path, 0, "nothing that can be looked into")])


def test_what_is_sealed_already_passes() -> None:
    sealed = b"age-encryption.org/v1\n\x00password=s3cr3t"
    assert through("sealed/a.age", sealed) == (sealed, [])


def test_names_and_messages_are_scrubbed() -> None:
    secrets = Secrets(bytes(32))
    secrets.add(b"hunter2-Zebra")
    told = Redactor(secrets).scrub("cannot reach hunter2-Zebra")
    assert told == f"cannot reach {Tokens(bytes(32)).of(b'hunter2-Zebra').decode()}"


@pytest.mark.parametrize("name", SAMPLES)
def test_what_one_of_many_texts_holds_is_found_among_all_of_them(name: str) -> None:
    redactor, (text, secret) = Redactor(Secrets(bytes(32))), SAMPLES[name]
    assert secret not in redactor.scrub(text)
    for texts in ([text], ["", text, ""], ["all is well", text], [text, "all is well"]):
        assert not redactor.finds_nothing(texts)


def test_what_many_texts_do_not_hold_is_not_found() -> None:
    assert Redactor(Secrets(bytes(32))).finds_nothing(["all is well", "", "web-7d4b9c", "2026-11-27T03:00:00Z"])


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dress", ["{}", "see {}", "{} end", "first {} last"])
def test_a_value_without_escapes_is_read_like_one_with_them(name: str, dress: str) -> None:
    """Only a value that a scan of the whole document hits is scanned by itself; with escapes each one is."""
    text, secret = SAMPLES[name]
    plain, escaped = (json.dumps({"message": dress.format(text) + more}) for more in ("", "\n"))
    assert [secret in through("a.json", told.encode())[0].decode() for told in (plain, escaped)] == [False, False]


def test_what_a_word_could_be_by_chance_is_not_looked_for() -> None:
    plain = [b"postgres", b"my-app", b"12345678", b"abc12", b"aaaaaaaaaaaa1", b"production", b"[REDACTED:"]
    assert not [value for value in plain if searchable(value)]
    assert searchable(b"hunter2-x")


def test_an_empty_file_stays_empty() -> None:
    assert [through(path, b"") for path in ("a.json", "a.jsonl", LOG)] == [(b"", [])] * 3


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 16 bytes"):
        Secrets(b"short")
