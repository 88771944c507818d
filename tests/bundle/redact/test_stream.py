"""However the content is cut, and however hostile it is: the same result, in bounded memory and linear time."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irkit.bundle.redact.detect.windows import AHEAD
from irkit.bundle.redact.redactor import Redactor, Unread
from irkit.bundle.redact.rewrite import Replaced
from irkit.bundle.redact.secrets import Secrets
from irkit.bundle.redact.tokens import TOKEN
from tests.bundle.redact.planted import SECRETS, needles

LOG = "data/logs/app.current.log"
MIB = 1 << 20


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    secrets = Secrets(bytes(32))
    env = [{"name": "SECRET", "value": secret} for secret in SECRETS]
    secrets.learn("pod.json", [json.dumps({"env": env}).encode()])
    return Redactor(secrets)


def run(redactor: Redactor, content: bytes, size: int = 0, path: str = LOG) -> tuple[bytes, list[Replaced | Unread]]:
    chunks = [content[at : at + size] for at in range(0, len(content), size)] if size else [content]
    notes: list[Replaced | Unread] = []
    return b"".join(redactor.redact(path, chunks, notes.append)), notes


BITS: list[str | bytes] = [
    *(secret.encode() for secret in SECRETS[::3]),
    *(f"{name}{sign}" for name in ("password", "api_key", "Cookie", "authorization", "--token") for sign in "=: "),
    *(
        "Bearer ",
        "Basic ",
        '"',
        '\\"',
        "'",
        "\n",
        "\\n",
        " ",
        ",",
        "&",
        "=",
        ":",
        "[",
        "]",
        "{",
        "}",
        "://u:",
        "@h",
        "\x00",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "eyJ",
        "AKIA",
        "ghp_",
        "[REDACTED:",
        "[REDACTED:secret:",
    ),
    *('["mysql","-p', '","', '"]', "openssl -k ", "-passin pass:"),
    *("x", "a1B2c3D4", "hunter2-Zebra", "invalid", "\xff", "é", "0123456789abcdef"),
]
TEXTS = st.lists(st.sampled_from(BITS), max_size=30).map(
    lambda bits: b"".join(bit if isinstance(bit, bytes) else bit.encode("latin-1") for bit in bits)
)
QUICK = settings(max_examples=300)


@QUICK
@given(text=TEXTS)
@example(text="p\xe4ssw\xf6rt-7xopenssl -k password=".encode())
@example(text=b"password=&hunter2-Zebra://u:")
@example(text=b"password=,eyJhunter2-Zebra://u:")
@example(text=b"openssl -k --token=a1B2c3D4openssl -k S3cr3t&<pass>!")
@example(text=b'["mysql","-pS3cr3t&<pass>!password=["mysql","-pS3cr3t&<pass>!')
def test_redacting_again_changes_nothing(redactor: Redactor, text: bytes) -> None:
    once, _ = run(redactor, text)
    assert run(redactor, once) == (once, [])


@QUICK
@given(text=TEXTS)
def test_no_planted_secret_is_left_in_any_neighbourhood(redactor: Redactor, text: bytes) -> None:
    out = TOKEN.sub(b"", run(redactor, text)[0])
    assert not [secret for secret in SECRETS[::3] if secret.encode() in out]


@QUICK
@given(text=TEXTS, size=st.integers(1, 40))
def test_chunks_do_not_matter(redactor: Redactor, text: bytes, size: int) -> None:
    assert run(redactor, text, size) == run(redactor, text)


def test_neither_do_windows(redactor: Redactor) -> None:
    random = Random(7)  # noqa: S311 - reproducible
    for place in range(-300, 40, 17):
        secret = random.choice(SECRETS[:36]).encode()
        stop = MIB - AHEAD + place  # around where the first window ends
        content = b"." * (stop - 1) + b" " + secret + b" " + b"." * MIB + b" " + secret
        out, notes = run(redactor, content, 70_001)
        assert not [needle for needle in needles(secret.decode()) if needle in out]
        assert len(out) > len(content) - len(secret) * 2
        assert run(redactor, out) == (out, [])
        assert {note.offset for note in notes} >= {stop} if b"\n" not in secret and b"//" not in secret else notes


@pytest.mark.parametrize("size", [9_000, 40_000, 3 * MIB])
def test_a_value_of_any_length_is_hidden_whole(redactor: Redactor, size: int) -> None:
    value = b"xY7" * (size // 3)
    out, notes = run(redactor, b"a\npassword=" + value + b" after\n", 65_537)
    assert b"xY7xY7" not in out
    assert out.endswith(b" after\n")
    assert len(notes) == 1


def test_a_long_secret_is_found_whole_in_a_log() -> None:
    value = "".join(Random(3).choices("abcdefXYZ0123456789", k=20_000))  # noqa: S311 - reproducible
    secrets = Secrets(bytes(32))
    secrets.learn("pod.json", [json.dumps({"env": [{"name": "KEY_TOKEN", "value": value}]}).encode()])
    out, notes = run(Redactor(secrets), f"before {value} after".encode())
    assert len(notes) == 1
    assert TOKEN.fullmatch(out.removeprefix(b"before ").removesuffix(b" after"))


def endless(bit: bytes, size: int) -> Iterator[bytes]:
    chunk = bit * (65_536 // len(bit))
    for _ in range(size // len(chunk)):
        yield chunk


@pytest.mark.parametrize("bit", [b"x", b"A" * 63 + b"\n", b"password=a1" + b" " * 999])
def test_memory_does_not_grow_with_the_line(redactor: Redactor, bit: bytes) -> None:
    def peak(size: int) -> int:
        tracemalloc.start()
        for _ in redactor.redact(LOG, endless(bit, size), lambda _: None):
            pass
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    assert peak(6 * MIB) < peak(3 * MIB) * 1.2 + MIB


HOSTILE = [
    *(b"password=", b"password: password", b"eyJaaaaaaa.eyJ", b"://a:b@", b"://a:@@@@@", b"bearer aaaaaaaa"),
    *(
        b"basic YTpiYTpi",
        b"-----BEGIN PRIVATE KEY-----",
        b"-----BEGIN PRIVATE KEY-----A",
        b"AKIA",
        b'\\"',
        b'token="\\',
    ),
    *(
        b"a1,",
        b"&&=",
        b"ghp_",
        b"glpat-",
        b"cookie: a=b;",
        b"[REDACTED:",
        b"--token ",
        b'{"a":',
        b"[[[[",
        b"password=,",
        b"curl -u ",
        b"curl -u\\n",
        b"/curl -u wget -u ",
        b"curl\\x -u ",
        b"mysql -p ",
        b"htpasswd -b a ",
        b"echo a | sudo -S ",
        b"?command=mysql&command=-pxx&",
    ),
]


@pytest.mark.parametrize("path", [LOG, "x.json"])
@pytest.mark.parametrize("bit", HOSTILE)
def test_hostile_text_takes_linear_time(redactor: Redactor, bit: bytes, path: str) -> None:
    def took(size: int) -> float:
        content = b'"' * path.endswith("n") + bit * (size // len(bit))
        begun = time.process_time()
        run(redactor, content, 65_536, path)
        return time.process_time() - begun

    small = took(MIB // 32)
    assert took(MIB // 8) < 12 * small + 0.2
