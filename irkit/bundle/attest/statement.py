"""in-toto statements about a bundle: these keys say that this is the file.

The statement inside a bundle is about its tagmanifest, and so about every byte that one covers; one beside a bundle is
about the whole file, and can be added by anybody at any time (`irkit.bundle.attest.countersign`).

A statement carries the public keys of its signers. They prove nothing about who signed; they only let damage to a
signature be seen by somebody without the keys. Who signed is answered against keys given from outside, never else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from irkit.bundle import layout
from irkit.bundle.attest import EXTRA, envelope, installed
from irkit.bundle.attest.envelope import Envelope
from irkit.bundle.attest.keys import PublicKey, Signer
from irkit.errors import VerificationError
from irkit.model.bundle import Problem

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://irkit.dev/evidence-bundle/v1"


@dataclass(frozen=True, slots=True)
class Subject:
    """The file that a statement is about; `sha256` in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """A statement somebody made: the file it was found in, its bytes, and what it has to be about."""

    path: str
    text: bytes
    subject: Subject
    promised: tuple[str, ...] | None = None  # key ids that have to be its signers; None: nobody said who they are


def tagmanifest(bundle: str, sha256: str) -> Subject:
    """The subject of the statement inside the bundle of that name."""
    return Subject(f"{bundle}/{layout.TAGMANIFEST}", sha256)


def sign(subject: Subject, signers: Sequence[Signer]) -> bytes:
    """The envelope, as JSON, in which `signers` say that `subject` is the file."""
    return envelope.seal(_statement(subject, [signer.public for signer in signers]), signers)


def _statement(subject: Subject, keys: Sequence[PublicKey]) -> bytes:
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": subject.name, "digest": {"sha256": subject.sha256}}],
        "predicateType": PREDICATE,
        "predicate": {"keys": [base64.b64encode(key.der).decode() for key in keys]},
    }
    return json.dumps(statement, sort_keys=True).encode()


def examine(statements: Sequence[Found], pinned: Sequence[PublicKey]) -> tuple[str, list[Problem]]:
    """(what to tell about the signatures, what is wrong with them); each of `pinned` must have signed somewhere."""
    if not statements:
        return "unsigned", [Problem(layout.STATEMENT, "not signed, though a key was given")] * bool(pinned)
    if not installed("cryptography"):  # then there is no pinned key either: reading one needs the package
        return f"signed, but the signatures were not checked: {EXTRA}", []
    problems: list[Problem] = []
    envelopes: list[Envelope] = []
    for one in statements:
        try:
            envelopes.append(envelope.decode(one.text))
            problems += [Problem(one.path, fault) for fault in _faults(one, envelopes[-1])]
        except VerificationError as error:
            problems.append(Problem(one.path, error.message))
    if not problems:
        unsigned = [key for key in pinned if not any(one.signed_by(key) for one in envelopes)]
        problems = [Problem(layout.STATEMENT, f"not signed by {_called(key)}") for key in unsigned]
    return _told(envelopes, pinned) if not problems else "broken", problems


def _told(envelopes: Sequence[Envelope], pinned: Sequence[PublicKey]) -> str:
    if pinned:
        return f"valid, signed by {', '.join(map(_called, pinned))}"
    ids = ", ".join(id[:16] for one in envelopes for id, _ in one.signatures)
    return f"signed by {ids}: whose keys these are is not known without --key"


def _faults(found: Found, signed: Envelope) -> Iterator[str]:
    """What is wrong with a statement, whoever signed it."""
    keys, ids = _keys(signed.payload), [id for id, _ in signed.signatures]
    if signed.payload != _statement(found.subject, keys):
        yield "signed for something else than this bundle"
    if found.text != envelope.encode(signed) or [key.id for key in keys] != ids or not ids:
        yield "not in the form irkit writes"
    if found.promised is not None and tuple(ids) != found.promised:
        yield f"not signed by whom {layout.INFO} names"
    for key, (_, signature) in zip(keys, signed.signatures, strict=False):
        if not Envelope(signed.payload, (("", signature),)).signed_by(key):
            yield f"the signature of {_called(key)} is broken"


def _keys(payload: bytes) -> list[PublicKey]:
    try:
        told: dict[str, Any] = json.loads(payload)
        return [PublicKey(base64.b64decode(key, validate=True)) for key in told["predicate"]["keys"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VerificationError("not a statement of irkit") from error


def _called(key: PublicKey) -> str:
    return f"{key.name} ({key.id[:16]})" if key.name else key.id[:16]
