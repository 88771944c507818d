"""Login by an identity provider: a code with PKCE, and a word that is believed only where all of it is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from irkit.errors import UsageError
from irkit.triggers.queue.opening import opened
from irkit.triggers.watch.login.settings import parse
from irkit.triggers.watch.opening import watching
from tests.triggers.routing.files import FILE
from tests.triggers.watch.provider import CLIENT, SECRET, Provider, providing
from tests.triggers.watch.test_web import Guest
from tests.triggers.wire import served

TEXT = """\
apiVersion: irkit/v1
kind: Oidc
url: http://127.0.0.1:1
issuer: ISSUER
client_id: CLIENT
client_secret: {env: OIDC_SECRET}
roles: {sec-leads: [ir-lead, operator], sec-oncall: [on-call]}
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(Provider()) as made:
        yield made


@pytest.fixture
def guest(provider: Provider, tmp_path: Path) -> Iterator[Guest]:
    file = tmp_path / "oidc.yaml"
    file.write_text(TEXT.replace("ISSUER", provider.issuer).replace("CLIENT", CLIENT))
    store = opened(f"sqlite://{tmp_path}/queue.db")
    with served(FILE, store.queue, store.desk, watched=watching(tmp_path, file, {"OIDC_SECRET": SECRET})) as wire:
        yield Guest(wire)
    store.close()


def leave(guest: Guest) -> str:
    """Off to the provider and back: the path, with its query, that the browser is sent back to."""
    status, _, headers = guest.get("/watch/oidc")
    assert status == 303
    guest.cookie = headers["set-cookie"].partition(";")[0]
    answer = urllib3.request("GET", headers["location"], redirect=False, retries=False)
    back = answer.headers["location"]
    assert back.startswith("http://127.0.0.1:1/watch/oidc/callback?")
    return back.removeprefix("http://127.0.0.1:1")


def test_who_is_vouched_for_is_let_in_with_the_roles_of_their_groups(guest: Guest) -> None:
    status, _, headers = guest.get(leave(guest))
    assert (status, headers["location"]) == (303, "/watch")
    guest.cookie = headers["set-cookie"].partition(";")[0]
    page = guest.get("/watch")[1]
    assert "ana@example.com" in page
    assert "Freeze everything" in page


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"sub": None},
    ],
)
def test_a_word_that_is_not_for_us_or_not_for_now_is_not_believed(
    guest: Guest, provider: Provider, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    status, body, headers = guest.get(leave(guest))
    assert (status, "set-cookie" in headers, "could not be verified" in body) == (503, False, True)


@pytest.mark.parametrize("forged", ["other", "hmac", "none"])
def test_a_word_that_the_provider_did_not_sign_is_not_believed(guest: Guest, provider: Provider, forged: str) -> None:
    provider.forged = forged
    status, body, headers = guest.get(leave(guest))
    assert (status, "set-cookie" in headers, "could not be verified" in body) == (503, False, True)


def test_a_login_is_for_the_browser_that_began_it_and_good_once(guest: Guest) -> None:
    back = leave(guest)
    assert Guest(guest.wire).get(back)[0] == 403
    assert guest.get(back.replace("state=", "state=x"))[0] == 403
    assert guest.get("/watch/oidc/callback")[0] == 403
    assert guest.get(back)[0] == 303
    assert guest.get(back)[0] == 503


def test_groups_without_a_role_give_none(guest: Guest, provider: Provider) -> None:
    provider.lies = {"groups": "everybody", "email": ""}
    guest.cookie = guest.get(leave(guest))[2]["set-cookie"].partition(";")[0]
    page = guest.get("/watch")[1]
    assert "u-1" in page
    assert "Freeze everything" not in page


def test_a_provider_that_calls_itself_otherwise_is_refused(guest: Guest, provider: Provider) -> None:
    provider.issuer += "/"
    status, body, _ = guest.get("/watch/oidc")
    assert (status, "calls itself otherwise" in body) == (503, True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("ISSUER", "http://login.example"), "4:1: issuer: an https:// address"),
        (("http://127.0.0.1:1", "https://irkit.example/watch"), "3:1: url: the address alone"),
        (("client_id: CLIENT", "client_id: c\nclient: x"), "6:1: unknown key 'client'"),
        (("kind: Oidc", "kind: Rails"), "2:1: kind"),
    ],
)
def test_a_bad_file_is_told_with_its_place(change: tuple[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse(TEXT.replace(*change).replace("ISSUER", "https://login.example"))
