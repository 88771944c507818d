"""Many files made for two audiences by two processes are what one would make."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from irkit.bundle.recipients import confide
from irkit.bundle.recipients.audiences import MAP, WORTH, Audiences

HIDDEN = "uP7-zoned-Quail-41"
FILES = WORTH + 7
KEY = bytes(range(32))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Pods with a password, each third in clear in a log; a log without one; an archive that nobody can look into."""
    for number in range(FILES):
        folder = tmp_path / "data" / f"pods/web-{number}"
        (folder / "logs").mkdir(parents=True)
        env = [{"name": "DB_PASSWORD", "value": HIDDEN}] if number % 2 else []
        (folder / "pod.json").write_text(json.dumps({"spec": {"containers": [{"name": "app", "env": env}]}}))
        (folder / "logs/app.log").write_text(f"login with {HIDDEN}\n" * 3 if number % 3 == 0 else "all is well\n")
    (tmp_path / "data/core.gz").write_bytes(b"\x1f\x8b\x08" + HIDDEN.encode())
    return tmp_path / "data"


Made = tuple[dict[str, bytes], list[tuple[str, str | None]], list[bytes]]


def made(data: Path, staged: Path, identity: pyrage.x25519.Identity) -> Made:
    """What stands in clear by path; what is sealed, and what is shown instead; the list of what was hidden."""
    audiences = Audiences(data, staged, [str(identity.to_public())], KEY)
    sealed = audiences.part(leave=("case.json",))
    clear = {str(file.relative_to(staged)): file.read_bytes() for file in staged.rglob("*") if file.is_file()}
    for one in sealed:
        original = pyrage.decrypt(clear.pop(one.member), [identity])
        assert one.path == MAP or original == (data / one.path).read_bytes()
    hidden = pyrage.decrypt((staged / confide.FOLDER / f"{MAP}.age").read_bytes(), [identity])
    assert not list(staged.parent.glob(f"{staged.name}.*"))
    return clear, [(one.path, one.shown) for one in sealed], hidden.splitlines()


def test_two_processes_make_what_one_does(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    alone = made(data, tmp_path / "one", identity)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert made(data, tmp_path / "two", identity) == alone
    clear, sealed, hidden = alone
    assert not [path for path, content in clear.items() if HIDDEN.encode() in content]
    assert len(clear) == 2 * FILES + 1
    logs, pods = -(-FILES // 3), FILES // 2
    assert len(sealed) == logs + pods + 2  # the archive, the list
    assert len(hidden) == 3 * logs + pods + 2  # the archive, the key


def test_what_a_crash_has_left_makes_room(data: Path, tmp_path: Path) -> None:
    identity, staged = pyrage.x25519.Identity.generate(), tmp_path / "staged"
    (staged / "sealed/pods").mkdir(parents=True)
    (staged / "sealed/pods/half.age").write_bytes(b"half of it")
    staged.with_name(f"staged.{MAP}.{os.getpid()}").write_bytes(b"half of it")
    clear, _, _ = made(data, staged, identity)
    assert not [path for path in clear if "half" in path]
