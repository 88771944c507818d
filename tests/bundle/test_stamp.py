"""Time stamps, from and against a real authority (`openssl ts`)."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

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


def dripping(server: socket.socket, stop: Event) -> None:
    """Answer one client byte by byte, each well within a socket's own patience."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b"0")


def test_an_authority_that_drips_is_not_waited_for(sealed: Bundle) -> None:
    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=dripping, args=(server, stop))
        thread.start()
        began = time.monotonic()
        try:
            with pytest.raises(BundleError, match=r"no answer within 0\.5 seconds"):
                stamp.stamp(sealed, f"http://127.0.0.1:{server.getsockname()[1]}/", nonce=7, timeout=0.5)
            assert time.monotonic() - began < 5
        finally:
            stop.set()
            thread.join()


def test_an_authority_that_speaks_no_http(sealed: Bundle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"\x16\x03\x01 no http\r\n\r\n")

        thread = Thread(target=babble)
        thread.start()
        with pytest.raises(BundleError, match="no stamp from"):
            stamp.stamp(sealed, f"http://127.0.0.1:{server.getsockname()[1]}/", nonce=7, timeout=5)
        thread.join()
