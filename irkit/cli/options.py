"""Arguments and options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from irkit.cli import completing
from irkit.errors import UsageError
from irkit.settings import DEFAULT_STORE, SealSettings, StoreSettings


@dataclass(frozen=True, slots=True)
class Flags:
    """Annotates a parameter of a command that stands for several flags: the parameters of `make`, which makes it.

    What `make` raises is told like an error of the command itself.
    """

    make: Callable[..., Any]
    last: bool = False  # shown after the flags that all commands have

    @property
    def each(self) -> list[inspect.Parameter]:
        """The flags, as parameters of a function."""
        return list(inspect.signature(self.make, eval_str=True).parameters.values())

    def taken(self, given: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever `make` makes
        """What the flags make, which are taken out of `given`."""
        return self.make(**{flag.name: given.pop(flag.name) for flag in self.each})


Pod = Annotated[
    str,
    typer.Argument(
        metavar="POD", help="Pod name: web-0, pod/web-0 or NAMESPACE/web-0.", autocompletion=completing.pods
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Case = Annotated[str | None, typer.Option("--case", envvar="IRKIT_CASE", help="Case id (default: made from the time).")]
Authority = Annotated[
    str, typer.Option("--authority", envvar="IRKIT_AUTHORITY", metavar="WHO", help="Who authorised it, for custody.")
]
Audit = Annotated[
    list[str] | None,
    typer.Option("--audit", metavar="SRC", help="Audit log: as `irkit audit search` takes it. Repeats."),
]
Deadline = Annotated[
    str | None, typer.Option("--deadline", metavar="TIME", help="Seal what is there after this long: 60s, 5m.")
]
MaxArtifact = Annotated[
    str | None, typer.Option("--max-artifact", metavar="SIZE", help="Cut each file of evidence here: 500M, 2G.")
]
MaxTotal = Annotated[str | None, typer.Option("--max-total", metavar="SIZE", help="Take no more evidence than this.")]
DiskReserve = Annotated[
    str | None, typer.Option("--disk-reserve", metavar="SIZE", help="Stop while this much of the disk is free (128M).")
]
BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A sealed bundle (.tar.gz).")]

Store = Annotated[
    str, typer.Option("--store", envvar="IRKIT_STORE", metavar="URL", help="file:///dir or s3://bucket/prefix.")
]
S3Endpoint = Annotated[
    str | None, typer.Option("--s3-endpoint-url", envvar="IRKIT_S3_ENDPOINT_URL", metavar="URL", help="Not AWS: where.")
]
S3Lock = Annotated[
    str | None, typer.Option("--s3-lock", envvar="IRKIT_S3_LOCK", metavar="MODE", help="governance or compliance.")
]
S3RetainDays = Annotated[
    int | None, typer.Option("--s3-retain-days", envvar="IRKIT_S3_RETAIN_DAYS", min=1, help="Days to lock for.")
]
S3LegalHold = Annotated[
    bool, typer.Option("--s3-legal-hold", envvar="IRKIT_S3_LEGAL_HOLD", help="Hold it until somebody lifts the hold.")
]
S3KmsKey = Annotated[
    str | None, typer.Option("--s3-sse-kms-key", envvar="IRKIT_S3_SSE_KMS_KEY", metavar="KEY", help="Encrypt with it.")
]
S3Owner = Annotated[
    str | None, typer.Option("--s3-expected-owner", envvar="IRKIT_S3_EXPECTED_OWNER", metavar="ACCOUNT", help="Whose.")
]
S3Timeout = Annotated[
    float,
    typer.Option(
        "--s3-timeout", envvar="IRKIT_S3_TIMEOUT", metavar="SECONDS", min=1, max=86400, help="For one answer of it."
    ),
]


def store_settings(
    store: Store = DEFAULT_STORE,
    s3_endpoint_url: S3Endpoint = None,
    s3_lock: S3Lock = None,
    s3_retain_days: S3RetainDays = None,
    s3_sse_kms_key: S3KmsKey = None,
    s3_legal_hold: S3LegalHold = False,
    s3_expected_owner: S3Owner = None,
    s3_timeout: S3Timeout = 60.0,
) -> StoreSettings:
    """The store that the flags ask for."""
    return StoreSettings(
        store,
        s3_endpoint_url,
        s3_lock,
        s3_retain_days,
        s3_sse_kms_key,
        s3_legal_hold,
        s3_expected_owner,
        s3_timeout,
    )


StoreFlags = Annotated[StoreSettings, Flags(store_settings, last=True)]

SignKey = Annotated[
    list[Path] | None,
    typer.Option("--sign-key", envvar="IRKIT_SIGN_KEY", metavar="FILE", help="Sign with this private key. Repeats."),
]
Tsa = Annotated[
    str | None, typer.Option("--tsa", envvar="IRKIT_TSA_URL", metavar="URL", help="Time-stamping authority, RFC 3161.")
]
Recipient = Annotated[
    list[str] | None,
    typer.Option(
        "--recipient",
        envvar="IRKIT_RECIPIENTS",
        metavar="WHO",
        help="Who may read originals: age1..., an SSH public key, or a file of them. Repeats.",
    ),
]


def seal_settings(sign_key: SignKey = None, tsa: Tsa = None, recipient: Recipient = None) -> SealSettings:
    """What the flags ask to be done to a bundle."""
    return SealSettings(tuple(map(str, sign_key or ())), tsa, tuple(recipient or ()))


SealFlags = Annotated[SealSettings, Flags(seal_settings, last=True)]


def evidence(
    audit: Audit = None,
    deadline: Deadline = None,
    max_artifact: MaxArtifact = None,
    max_total: MaxTotal = None,
    disk_reserve: DiskReserve = None,
) -> dict[str, Any]:
    """The inputs of a playbook that say where evidence comes from, and bound it; raises UsageError."""
    sizes = {"max_artifact": max_artifact, "max_total": max_total, "disk_reserve": disk_reserve}
    return {"audit": audit or []} | _seconds(deadline) | _bytes(sizes)


EvidenceFlags = Annotated[dict[str, Any], Flags(evidence)]


def _seconds(deadline: str | None) -> dict[str, Any]:
    from irkit import times

    if deadline is None:
        return {}
    try:
        seconds = times.parse_span(deadline).total_seconds()
    except ValueError as error:
        raise UsageError(str(error), "a number and a unit: 60s, 5m, 1h") from error
    if not seconds:
        raise UsageError(f"no time to take anything in: a deadline of {deadline}", "a longer one: 60s, 5m, 1h")
    return {"deadline": seconds}


def _bytes(sizes: dict[str, str | None]) -> dict[str, int]:
    from irkit.text import parse_size

    try:
        return {name: parse_size(text) for name, text in sizes.items() if text is not None}
    except ValueError as error:
        raise UsageError(str(error), "a number and a unit: 500M, 2G, 1.5Gi") from error


def stated(authority: str) -> str:
    """Who authorised something, fit for custody; raises UsageError for more than one short line."""
    from irkit.text import safe

    plain = authority.strip()
    if plain != safe(plain) or len(plain) > 200:
        raise UsageError("an authority is one line of at most 200 characters", 'such as --authority "CASE-12, J. Doe"')
    return plain
