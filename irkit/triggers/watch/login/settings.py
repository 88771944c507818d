"""The OIDC file: which provider says who somebody is, and which roles the groups that it tells stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from irkit.playbook.language.checked import checked, refuse
from irkit.playbook.language.fit import Found, misfits
from irkit.playbook.schema import Identifier
from irkit.triggers.routing.schema import SecretRef

Text = Annotated[str, Meta(min_length=1, max_length=500)]


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole OIDC file. `url`: this server as people type it, since the provider sends them back there."""

    apiVersion: Literal["irkit/v1"]
    kind: Literal["Oidc"]
    url: Text
    issuer: Text
    client_id: Text
    client_secret: SecretRef | None = None  # None: a public client, for which PKCE is enough
    scopes: tuple[Text, ...] = ("openid", "email", "groups")
    name_claim: Text = "email"
    groups_claim: Text = "groups"
    roles: dict[str, tuple[Identifier, ...]] = {}  # group -> roles

    @property
    def callback(self) -> str:
        """Where the provider sends people back to; to be registered there."""
        return f"{self.url.rstrip('/')}/watch/oidc/callback"


def parse(text: str, source: str = "oidc") -> Oidc:
    """The OIDC file in `text`; raises UsageError with the first problem's place."""
    data, problems = checked(text, _problems)
    refuse(problems, source)
    return msgspec.convert(data, Oidc)


def _problems(data: object) -> Iterator[Found]:
    yield from misfits(data, Oidc)
    if isinstance(data, Mapping):
        yield from _addresses(data)


def _addresses(data: Mapping[str, Any]) -> Iterator[Found]:
    for key in ("url", "issuer"):
        if isinstance(data.get(key), str) and not _safe(data[key]):
            yield (key,), f"{key}: an https:// address (http:// on loopback only)"
    if isinstance(data.get("url"), str) and urlsplit(data["url"]).path.strip("/"):
        yield ("url",), "url: the address alone, without a path"


def _safe(url: str) -> bool:
    parts = urlsplit(url)
    loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    return bool(parts.netloc) and (parts.scheme == "https" or loopback)
