"""Who may answer: a small file that gives people roles, and tells how each is known.

    apiVersion: irkit/v1
    kind: Approvers
    people:
      ana: {roles: [ir-lead], os_user: ana}
      ben: {roles: [ir-lead, on-call], token_sha256: 9f86d081...}

IRKIT_APPROVERS names it, else it is `approvers.yaml` in irkit's home. Without one, nobody has a role.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from irkit.errors import Refused, UsageError
from irkit.playbook.approvals.standing import Person
from irkit.playbook.language.checked import checked, refuse
from irkit.playbook.language.fit import Found, misfits
from irkit.playbook.schema import Identifier

FILE = "approvers.yaml"
MIN_TOKEN = 16  # bytes: nobody guesses one


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One person: their roles, and by which OS user or which token irkit knows them."""

    roles: tuple[Identifier, ...] = ()
    os_user: str = ""  # "": not known by one
    token_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""  # "": has none


class Approvers(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    apiVersion: Literal["irkit/v1"]
    kind: Literal["Approvers"]
    people: dict[str, Entry] = {}


def read(home: Path, environ: Mapping[str, str] = os.environ) -> Approvers:
    """The file in force; raises UsageError, with line and column for one that is wrong."""
    named = environ.get("IRKIT_APPROVERS")
    path = Path(named) if named else home / FILE
    if not named and not path.exists():
        return Approvers("irkit/v1", "Approvers")
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error


def parse(text: str, source: str = FILE) -> Approvers:
    """The file in `text`; raises UsageError with the first problem's place."""
    data, problems = checked(text, _problems)
    refuse(problems, source)
    return msgspec.convert(data, Approvers)


def _problems(data: Any) -> Iterator[Found]:  # noqa: ANN401 - YAML of any shape
    yield from misfits(data, Approvers, apart={"people": dict})
    people = data.get("people") if isinstance(data, dict) else None
    users: dict[object, str] = {}
    for name, entry in people.items() if isinstance(people, dict) else ():
        yield from ((("people", name, *rest), message) for rest, message in misfits(entry, Entry))
        for key in ("os_user", "token_sha256"):
            value = entry.get(key) if isinstance(entry, dict) else None
            if value and users.setdefault((key, value), name) != name:
                yield ("people", name, key), f"{users[key, value]} has the same {key}: who answers must be one person"


def user_named(uid: int) -> str:
    """The name of an OS user; by number in a container that knows no names."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def of_user(approvers: Approvers, uid: int) -> Person:
    """The person behind an OS user; one that the file does not name has no role."""
    user = user_named(uid)
    for name, entry in approvers.people.items():
        if entry.os_user == user:
            return Person(name, entry.roles, "os-user", user)
    return Person(user, (), "os-user", user)


def of_token(approvers: Approvers, token: str) -> Person:
    """The person whose token it is; raises Refused."""
    if len(token.encode()) < MIN_TOKEN:
        raise Refused(f"a token has at least {MIN_TOKEN} bytes")
    given = hashlib.sha256(token.encode()).hexdigest()
    for name, entry in approvers.people.items():
        if entry.token_sha256 and hmac.compare_digest(entry.token_sha256, given):
            return Person(name, entry.roles, "token", entry.os_user)
    raise Refused("nobody has this token", "see token_sha256 in approvers.yaml")
