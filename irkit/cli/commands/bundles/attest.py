"""`irkit bundle keygen|seal|sign|stamp|unseal|transfer|diff`: who vouches for a bundle, and who may read it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from irkit import times
from irkit.cli import options
from irkit.cli.command import command
from irkit.cli.commands.bundles.bundle import bundles
from irkit.cli.face import Face
from irkit.errors import Exit, UsageError, VerificationError

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the custody log.")]


@command(bundles, "keygen", online=False)
def keygen(
    face: Face,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="For the private key; FILE.pub is for everybody.")],
    ask: Annotated[bool, typer.Option("--passphrase", help="Encrypt it; asks, or IRKIT_SIGN_PASSPHRASE.")] = False,
) -> None:
    """Make an Ed25519 key pair to sign bundles with. Never overwrites."""
    from irkit.bundle.attest import keys, kit

    passphrase = (os.environ.get(kit.PASSPHRASE) or _asked()) if ask else None
    key = keys.generate(path, passphrase)
    face.emit({"private": str(path), "public": f"{path}.pub", "id": key.id, "encrypted": ask})
    face.show(f"private key {path}, for you alone; public key {path}.pub, to hand out", "good")
    face.show(f"key id {key.id}")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask for a passphrase", "IRKIT_SIGN_PASSPHRASE holds it")
    if not (given := str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True))):
        raise UsageError("an empty passphrase", "leave --passphrase out for a key that is not encrypted")
    return given


@command(bundles, "seal", online=False)
def seal(
    face: Face,
    sealing: options.SealFlags,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The files to seal; they are left as they are.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Put the bundle here.")] = Path(),
    case: options.Case = None,
    authority: options.Authority = "",
) -> Exit:
    """Seal a folder of files in a bundle: signed, stamped, and only for recipients, where asked."""
    from irkit.bundle.adopt import adopt
    from irkit.bundle.attest import kit
    from irkit.playbook.engine import operator

    kit.check(sealing)
    at = times.now()
    signers = kit.signers(sealing.sign_keys)
    bundle = adopt(
        folder,
        out,
        case=case or times.stamp(at),
        at=at,
        operator=operator(),
        authority=options.stated(authority),
        signers=signers,
        recipients=sealing.recipients,
    )
    gaps = kit.stamped(bundle, sealing.tsa_url, nonce=secrets.randbits(63))
    face.emit({"bundle": bundle, "gaps": gaps})
    face.show(f"{bundle.path}, {bundle.files} files, sha256 {bundle.sha256}", "good")
    for gap in gaps:
        face.show(f"GAP  {gap.target}: {gap.detail}; {gap.remedy}", "warn")
    return Exit.GAPS if gaps else Exit.COMPLETE


@command(bundles, "sign", online=False)
def sign(
    face: Face,
    bundle: options.BundlePath,
    key: Annotated[Path, typer.Option("--sign-key", envvar="IRKIT_SIGN_KEY", metavar="FILE", help="Private key.")],
) -> None:
    """Add a signature beside a sealed bundle, which does not change; first it is verified, exit 5 when wrong."""
    from irkit.bundle.attest import countersign, kit
    from irkit.bundle.verify import intact

    signer = kit.signers([key])[0]
    try:
        told, root = intact(bundle)
    except VerificationError as error:
        raise VerificationError(f"not signed, because {error.message}", error.hint) from error
    path = countersign.sign(told, root, signer)
    face.emit({"signature": str(path), "key_id": signer.public.id})
    face.show(f"{path}, signed by {signer.public.id}", "good")


@command(bundles, "stamp", online=False)
def stamp(
    face: Face,
    bundle: options.BundlePath,
    tsa: Annotated[str, typer.Option("--tsa", envvar="IRKIT_TSA_URL", metavar="URL", help="Authority, RFC 3161.")],
) -> None:
    """Have an authority say that the bundle existed now; its token is kept beside the bundle."""
    from irkit.bundle.attest import stamp as stamps
    from irkit.bundle.reader import describe

    token = stamps.stamp(describe(bundle), tsa, nonce=secrets.randbits(63))
    face.emit({"token": str(token), "authority": tsa})
    face.show(f"{token}, by {tsa}", "good")


@command(bundles, "unseal", online=False)
def unseal(
    face: Face,
    bundle: options.BundlePath,
    identity: Annotated[Path, typer.Option("--identity", "-i", metavar="FILE", help="age or SSH private key.")],
    reason: Reason,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for what is opened.")],
    authority: options.Authority = "",
    members: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Only these; all by default.")
    ] = None,
) -> None:
    """Open the sealed part. Who, when, why and on whose authority goes into the custody log beside the bundle first."""
    from irkit.bundle.recipients.unseal import unseal as opened
    from irkit.playbook.engine import operator

    found = opened(
        bundle,
        out,
        identity,
        members=members or (),
        reason=reason,
        authority=options.stated(authority),
        operator=operator(),
        clock=times.now,
    )
    face.emit(found)
    for one in found.opened:
        face.show(f"{one.member} -> {one.path}, {one.size} bytes")
    face.note(f"custody goes on beside the bundle, head sha256:{found.custody_head_sha256}")


@command(bundles, "transfer", online=False)
def transfer(
    face: Face,
    bundle: options.BundlePath,
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="Who holds it from now on.")],
    reason: Reason,
    authority: options.Authority = "",
) -> None:
    """Record in the custody log that the bundle passes to somebody else."""
    from irkit.bundle.attest import afterwards
    from irkit.playbook.engine import operator

    if not to.strip() or not reason.strip():
        raise UsageError("custody has to say who takes the bundle, and why", "--to and --reason")
    what = {"to": to, "reason": reason, "authority": options.stated(authority)}
    with afterwards.opened(bundle) as log:
        record = log.append(afterwards.told("transferred", operator(), times.now(), **what))
        head = log.head
    face.emit({"record": record, "custody_head_sha256": head})
    face.show(f"{afterwards.beside(bundle)}: transferred to {to}, head sha256:{head}", "good")


@command(bundles, "diff", online=False)
def diff(
    face: Face,
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A sealed bundle.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Another, such as a later one of the same pod.")],
) -> None:
    """What changed between two bundles: by file, and within JSON by pointer. Neither is verified by this."""
    from irkit.bundle.diff import diff as compare

    found = compare(before, after)
    face.emit(found, lines=found)
    for one in found:
        sizes = " -> ".join("-" if size is None else str(size) for size in (one.before, one.after))
        face.show(f"{one.kind:8} {one.path} ({sizes} bytes)")
        for pointer in one.pointers:
            face.show(f"           {pointer}", "dim")
    if not found:
        face.show("no difference")
