"""A bundle with all that can be had: two signatures inside, one beside, a time stamp, custody that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyrage  # type: ignore[import-untyped]

from irkit.bundle.attest import afterwards, countersign, stamp
from irkit.bundle.attest.keys import PublicKey, Signer
from irkit.bundle.reader import describe
from irkit.bundle.recipients import veil
from irkit.bundle.seal import seal
from irkit.bundle.verify import verify
from irkit.model.bundle import Verification
from irkit.model.run import Operator
from tests.bundle import authority, bags

SECRET = b"password=hunter2\n" * 9000
FILES = {"pod/pod.json": b'{"kind":"Pod"}\n', "logs/app.log": b"GET /\n" * 40}


@dataclass(frozen=True)
class Vouched:
    """The bundle, the keys pinned for it, the authority's root, and the identity that opens its sealed part."""

    path: Path
    keys: tuple[PublicKey, ...]
    roots: Path
    identity: Path

    def files(self) -> list[Path]:
        """The bundle and what stands beside it."""
        return sorted(self.path.parent.glob(f"{self.path.name}*"))

    def verify(self, path: Path) -> Verification:
        """Of a copy, with everything pinned."""
        return verify(path, keys=self.keys, roots=self.roots)


def made(folder: Path, people: dict[str, Signer], tsa: Path) -> Vouched:
    """All of it, in `folder`."""
    key = pyrage.x25519.Identity.generate()
    identity, plain, data = folder / "key.txt", folder / "plain", bags.stage(folder / "data", FILES)
    identity.write_text(f"{key}\n")
    plain.write_bytes(SECRET)
    veil.veil(plain, data / "sealed/env.age", [str(key.to_public())])
    signers = [people["ann"], people["bob"]]
    out = folder / "out"
    sealed = seal(bags.NAME, data, out, info=bags.INFO, custody=bags.CUSTODY, at=bags.AT, signers=signers)
    countersign.sign(describe(sealed.path), bags.NAME, people["eve"])
    stamp.beside(sealed.path).write_bytes(authority.reply(tsa, stamp.request(sealed.sha256, 1 << 62)))
    with afterwards.opened(sealed.path) as log:
        for hours, who in enumerate(("bob", "eve", "the evidence room")):
            at = bags.AT + timedelta(hours=hours)
            log.append(afterwards.told("transferred", Operator("ann", "here"), at, to=who, reason="shift ends"))
    pinned = tuple(people[name].public for name in ("ann", "bob", "eve"))
    return Vouched(sealed.path, pinned, tsa / "root.pem", identity)
