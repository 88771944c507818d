"""The in-toto statement in a bundle: these keys say that this is the tagmanifest, and so every byte it covers.

The statement carries the public keys of its signers. They prove nothing about who signed; they only let damage to a
signature be seen by somebody without the keys. Who signed is answered against keys given from outside, never else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

from irkit.bundle import layout
from irkit.bundle.attest import envelope
from irkit.bundle.attest.envelope import Envelope
from irkit.bundle.attest.keys import PublicKey, Signer
from irkit.errors import VerificationError

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://irkit.dev/evidence-bundle/v1"


def sign(bundle: str, tagmanifest_sha256: str, signers: Sequence[Signer]) -> bytes:
    """`statement.dsse.json` for the bundle of that name."""
    return envelope.seal(_statement(bundle, tagmanifest_sha256, [signer.public for signer in signers]), signers)


def _statement(bundle: str, tagmanifest_sha256: str, keys: Sequence[PublicKey]) -> bytes:
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": f"{bundle}/{layout.TAGMANIFEST}", "digest": {"sha256": tagmanifest_sha256}}],
        "predicateType": PREDICATE,
        "predicate": {"keys": [base64.b64encode(key.der).decode() for key in keys]},
    }
    return json.dumps(statement, sort_keys=True).encode()


def examine(
    text: bytes | None, bundle: str, tagmanifest_sha256: str, promised: Sequence[str], pinned: Sequence[PublicKey]
) -> tuple[str, list[str]]:
    """(what to tell about the signatures, what is wrong) for the statement `text` of a bundle (None: there is none).

    `promised` are the key ids that `bag-info.txt` names; `pinned` the keys that must have signed.
    """
    if text is None:
        missing = [f"missing, though {layout.INFO} names signers"] if promised else []
        return "unsigned", missing + ["not signed, though a key was given"] * bool(pinned)
    try:
        signed = envelope.decode(text)
        problems = list(_faults(text, signed, bundle, tagmanifest_sha256, promised))
    except VerificationError as error:
        return "broken", [error.message]
    unsigned = [key for key in pinned if not signed.signed_by(key)]
    problems += [f"not signed by {_called(key)}" for key in unsigned]
    if problems:
        return "broken", problems
    if not pinned:
        ids = ", ".join(id[:16] for id, _ in signed.signatures)
        return f"signed by {ids}: whose keys these are is not known without --key", []
    return f"valid, signed by {', '.join(map(_called, pinned))}", []


def _faults(
    text: bytes, signed: Envelope, bundle: str, tagmanifest_sha256: str, promised: Sequence[str]
) -> Iterator[str]:
    """What is wrong with a statement, whoever signed it."""
    keys = _keys(signed.payload)
    if signed.payload != _statement(bundle, tagmanifest_sha256, keys):
        yield "signed for something else than this bundle"
    if text != envelope.encode(signed) or [key.id for key in keys] != [id for id, _ in signed.signatures]:
        yield "not in the form irkit writes"
    if [id for id, _ in signed.signatures] != list(promised):
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
