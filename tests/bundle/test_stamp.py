"""Time stamps, from and against a real authority (`openssl ts`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from irkit.bundle.attest import stamp
from irkit.bundle.verify import verify
from irkit.errors import BundleError, UsageError, VerificationError
from irkit.model.bundle import Bundle
from tests.bundle import authority, bags


@pytest.fixture
def sealed(tmp_path: Path) -> Bundle:
    return bags.bundle(tmp_path)


def test_a_stamp_is_checked_offline_by_us_and_by_openssl(tsa: Path, sealed: Bundle) -> None:
    with authority.serving(tsa) as url:
        token = stamp.stamp(sealed, url, nonce=7)
    root = tsa / "root.pem"
    found = verify(sealed.path, roots=root)
    assert found.problems == ()
    at = datetime.fromisoformat(found.timestamp)
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=2)
    told = authority.openssl("ts", "-verify", "-data", sealed.path, "-in", token, "-CAfile", root)
    assert b"OK" in told
    assert verify(sealed.path).timestamp == "there is one: who made it is not known without --tsa-ca"
    token.unlink()
    assert verify(sealed.path).timestamp == "not asked for"


def test_a_stamp_is_never_overwritten(tsa: Path, sealed: Bundle) -> None:
    stamp.beside(sealed.path).write_bytes(b"first")
    with authority.serving(tsa) as url, pytest.raises(BundleError, match="exists and is kept"):
        stamp.stamp(sealed, url, nonce=7)
    assert stamp.beside(sealed.path).read_bytes() == b"first"
    assert len(list(sealed.path.parent.iterdir())) == 2


def _wrong(path: Path, root: Path) -> str:
    found = verify(path, roots=root)
    assert not found.ok
    assert found.timestamp == "broken"
    return found.problems[-1].problem


def test_stamps_that_do_not_count(tsa: Path, sealed: Bundle, tmp_path: Path) -> None:
    root, token = tsa / "root.pem", stamp.beside(sealed.path)
    assert _wrong(sealed.path, root) == "there is no time stamp"
    token.write_bytes(authority.reply(tsa, stamp.request("0" * 64, 1 << 62)))
    assert _wrong(sealed.path, root) == "the time stamp is about something else"
    good = authority.reply(tsa, stamp.request(sealed.sha256, 1 << 62))
    token.write_bytes(good)
    assert verify(sealed.path, roots=root).ok
    stranger = authority.made(tmp_path / "stranger")
    assert "not valid" in _wrong(sealed.path, stranger)
    for at in range(0, len(good), 97):
        token.write_bytes(good[:at])
        _wrong(sealed.path, root)
    token.write_bytes(good[:-5] + bytes(5))
    _wrong(sealed.path, root)


def test_a_bundle_changed_after_its_stamp_is_found(tsa: Path, sealed: Bundle) -> None:
    stamp.beside(sealed.path).write_bytes(authority.reply(tsa, stamp.request(sealed.sha256, 1 << 62)))
    sealed.path.write_bytes(sealed.path.read_bytes() + b"x")
    assert _wrong(sealed.path, tsa / "root.pem") == "the time stamp is about something else"


def test_roots_that_are_none_are_a_usage_error(sealed: Bundle, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for roots in (tmp_path / "text", tmp_path / "absent"):
        with pytest.raises(UsageError, match="no certificates"):
            verify(sealed.path, roots=roots)


def test_authorities_that_fail(tsa: Path, sealed: Bundle) -> None:
    with pytest.raises(UsageError, match="not the URL"):
        stamp.stamp(sealed, "file:///etc/passwd", nonce=1)
    with pytest.raises(BundleError, match="no stamp from"):
        stamp.stamp(sealed, "http://127.0.0.1:9/", nonce=1, timeout=5)
    stale = authority.reply(tsa, stamp.request(sealed.sha256, 1 << 62 | 5))
    for fixed, words in ((b"hello", "no time stamp"), (stale, "stamped something else")):
        with authority.serving(tsa, fixed) as url, pytest.raises(BundleError, match=words):
            stamp.stamp(sealed, url, nonce=7)
    assert not stamp.beside(sealed.path).exists()
    with pytest.raises(VerificationError):
        stamp.stamped_at(sealed.sha256, stamp.beside(sealed.path), tsa / "root.pem")
