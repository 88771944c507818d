"""bundle.seal@1: one archive, its manifest, its custody; signed, stamped and for recipients only, where asked."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.model.bundle import Bundle
from irkit.model.codec import plain
from irkit.model.run import Effect, Outcome, RunRecord, Status
from irkit.playbook.steps.step import Base, Context, NoParams

if TYPE_CHECKING:
    from irkit.bundle.attest.keys import Signer


class SealBundle(Base):
    """The same attempt seals the same bytes, so after a crash it is simply sealed again."""

    name = "bundle.seal@1"
    about = "seal the evidence in a bundle"
    effect = Effect.COLLECT
    targeted = True
    Params = NoParams

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Seal everything staged. No key and no authority that fails costs the bundle: each is a gap."""
        from irkit.bundle.attest import kit
        from irkit.bundle.layout import SUFFIX

        name = _name(context)
        signers, gaps = kit.signable(context.sealing, str(context.folder / f"{name}{SUFFIX}"))
        record = replace(context.record, gaps=(*context.record.gaps, *gaps))
        bundle = _sealed(name, record, context, signers)
        gaps += kit.stamped(bundle, context.sealing.tsa_url, nonce=secrets.randbits(63))
        for gap in gaps:
            context.keep(gap)
        missing = "".join(f", no {gap.target}" for gap in gaps)
        summary = f"{bundle.path.name}, {bundle.files} files, {bundle.size} bytes, sha256 {bundle.sha256}{missing}"
        return Outcome(Status.GAPS if gaps else Status.DONE, summary, {"bundle": plain(bundle)})


def _name(context: Context) -> str:
    from irkit.bundle.layout import bundle_name

    name = bundle_name(context.case, context.subject, context.started)
    if context.sealed and context.sealed.path.name.startswith(f"{name}."):  # sealed anew within one second
        name += "-again"
    return name


def _sealed(name: str, record: RunRecord, context: Context, signers: Sequence[Signer]) -> Bundle:
    """The bundle over the staged payload, or over its copy for two audiences."""
    from irkit.bundle.layout import SUFFIX, write_case, write_collection
    from irkit.bundle.reader import describe
    from irkit.bundle.seal import seal
    from irkit.playbook.journal.shown import REPORT

    def seal_from(payload: Path, custody: Sequence[Mapping[str, Any]]) -> Bundle:
        info = {"Irkit-Case": context.case, "Irkit-Run": context.run}
        out, at = context.folder, context.started
        return seal(name, payload, out, info=info, custody=custody, at=at, signers=signers)

    target = context.folder / f"{name}{SUFFIX}"
    write_case(record, context.data)
    write_collection(record, context.data)
    if not context.sealing.recipients:
        return seal_from(context.data, context.custody)
    if target.exists():  # a crash came between sealing and telling; encrypted anew the bytes would differ
        return describe(target)
    staged = context.folder / f"{name}.parted"
    custody = _parted(record, context, staged)
    if (staged / "report").exists():  # what is shown of the run is told from it
        shutil.copytree(staged / "report", context.folder / REPORT, dirs_exist_ok=True)
    bundle = seal_from(staged, custody)
    shutil.rmtree(staged)
    return bundle


def _parted(record: RunRecord, context: Context, staged: Path) -> list[Mapping[str, Any]]:
    """Make, in `staged`, a copy of the payload for both audiences; returns the custody without its secrets."""
    from irkit.bundle.layout import CASE, COLLECTION, write_case, write_collection
    from irkit.bundle.recipients.audiences import Audiences, key, scrubbed

    audiences = Audiences(context.data, staged, context.sealing.recipients, key(context.key_file))
    sealed = audiences.part(leave=(CASE, COLLECTION))
    clean = scrubbed(replace(record, isolation=None, audit=None, timeline=()), audiences.redactor)
    # What the record is held against stays as it is, whatever a secret happens to look like.
    kept = zip(clean.artifacts, record.artifacts, strict=True)
    clean = replace(clean, artifacts=tuple(replace(new, path=old.path, sha256=old.sha256) for new, old in kept))
    write_case(clean, staged)
    write_collection(clean, staged, sealed)
    return [scrubbed(dict(entry), audiences.redactor) for entry in context.custody]
