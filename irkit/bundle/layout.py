"""What lies where in a bundle: BagIt 1.0 (RFC 8493), so that any bag reader, `sha256sum -c` and tar agree with us.

    <name>/data/...                  the payload: evidence, case.json, collection.json, report/
    <name>/bagit.txt                 BagIt version and encoding
    <name>/bag-info.txt              case, times, Payload-Oxum, and the head of the custody chain
    <name>/custody.jsonl             who did what: a hash chain
    <name>/manifest-sha256.txt       a hash for each payload file
    <name>/tagmanifest-sha256.txt    a hash for each of the four files above
    <name>/statement.dsse.json       signatures over the tagmanifest, when a key is configured

In that order, so that sealing needs one pass: what a hash covers is written before the hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from irkit import chain, digest, times
from irkit.errors import BundleError
from irkit.model import codec
from irkit.model.run import RunRecord
from irkit.text import safe, slug

SUFFIX = ".tar.gz"
PAYLOAD = "data/"
CASE = "case.json"
COLLECTION = "collection.json"

BAGIT = "bagit.txt"
INFO = "bag-info.txt"
CUSTODY = "custody.jsonl"
MANIFEST = "manifest-sha256.txt"
TAGMANIFEST = "tagmanifest-sha256.txt"
STATEMENT = "statement.dsse.json"
TAGS = (BAGIT, INFO, CUSTODY, MANIFEST, TAGMANIFEST)
ORDER = (*TAGS, STATEMENT)

# Label in `bag-info.txt`: the key ids of those who sign, so that a statement taken away is missed.
SIGNED_BY = "Signed-By"

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

# RFC 8493, 2.1.3: these three, and no others, are written as %0A, %0D, %25.
_ENCODED = {ord("\n"): "%0A", ord("\r"): "%0D", ord("%"): "%25"}


def bundle_name(case: str, pod: str, at: datetime) -> str:
    """`irkit-<case>-<pod>-<UTC stamp>`: the file name without `.tar.gz`, and the folder inside."""
    return f"irkit-{slug(case)}-{slug(pod)}-{times.stamp(at)}"


def write_case(record: RunRecord, data: Path) -> Path:
    """Write `case.json` into the staged payload: incident, target, operator, cluster with skew, tool version."""
    told = (
        "case",
        "playbook",
        "playbook_sha256",
        "tool_version",
        "tool_sha256",
        "operator",
        "authority",
        "started",
        "dry_run",
        "cluster",
        "target",
        "scope",
    )
    return _write({"run": record.id} | {key: getattr(record, key) for key in told}, data / CASE)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A payload file whose original stands in the bundle as ciphertext. Paths are relative to `data/`."""

    path: str  # as it was collected
    member: str  # as it stands in the bundle
    sha256: str  # of the ciphertext
    shown: str | None = None  # SHA-256 of what stands at `path` instead, without secrets; None: nothing does


def write_collection(record: RunRecord, data: Path, sealed: Sequence[Sealed] | None = None) -> Path:
    """Write `collection.json`: every artifact and every gap, artifacts in order of path; what is `sealed`, if asked.

    `alterations` is what irkit itself changed on the cluster until then: {step, at, what}.
    """
    artifacts = sorted(record.artifacts, key=lambda artifact: artifact.path)
    altered = [
        {"step": step.id, "at": step.started, "what": action.what} for step in record.steps for action in step.actions
    ]
    told = {"artifacts": artifacts, "gaps": record.gaps, "alterations": altered} | (
        {} if sealed is None else {"sealed": sealed}
    )
    return _write(told, data / COLLECTION)


def write_sealed(data: Path, sealed: Sequence[Sealed]) -> Path:
    """Write a `collection.json` for files that irkit did not collect: only what is sealed, and where it stands."""
    return _write({"artifacts": (), "gaps": (), "sealed": sealed}, data / COLLECTION)


def _write(noun: Mapping[str, object], path: Path) -> Path:
    try:
        digest.write([codec.pretty(noun)], path)
    except OSError as error:
        raise BundleError(f"cannot write {path.name}: {error.strerror}", "free some disk space") from error
    return path


def manifest(digests: Mapping[str, str]) -> bytes:
    """A BagIt manifest: SHA-256 in lower-case hex, two spaces, path; in the order of `digests`."""
    return "".join(f"{sha256}  {path.translate(_ENCODED)}\n" for path, sha256 in digests.items()).encode(
        "utf-8", "surrogateescape"
    )


def manifest_entries(text: bytes) -> dict[str, str]:
    """Path to SHA-256 of a manifest; lines that are none are left out."""
    pairs = (line.partition("  ") for line in text.decode("utf-8", "surrogateescape").split("\n"))
    return {_decoded(path): sha256 for sha256, gap, path in pairs if gap}


def _decoded(path: str) -> str:
    for code, escape in _ENCODED.items():
        path = path.replace(escape, chr(code))
    return path


def tag_manifest(tags: Mapping[str, bytes]) -> bytes:
    """The manifest over the other tag files."""
    return manifest({path: digest.of_bytes(text) for path, text in tags.items()})


def told(name: str, at: datetime, octets: int, files: int, custody: bytes) -> dict[str, str]:
    """What `bag-info.txt` says about the rest of the bag, so that it can be held against it.

    `Custody-Head-SHA256` is the hash of the custody log's last line: without it, cutting off the end is not seen.
    """
    return {
        "External-Identifier": name,
        "Bagging-Date": times.rfc3339(at)[:10],
        "Sealed-At": times.rfc3339(at),
        "Payload-Oxum": f"{octets}.{files}",
        "Custody-Entries": str(len(lines(custody))),
        "Custody-Head-SHA256": head(custody),
    }


def lines(custody: bytes) -> list[bytes]:
    """The lines of a custody log, without their newlines."""
    return custody.split(b"\n")[:-1]


def head(custody: bytes) -> str:
    """The hash of a custody log's last line."""
    *_, last = [b"", *lines(custody)]
    return digest.of_bytes(last) if last else chain.START


def info(fields: Mapping[str, object]) -> bytes:
    """A `bag-info.txt`: one line for each field, control characters shown as escapes."""
    return "".join(f"{_label(name)}: {safe(str(value))}\n" for name, value in fields.items()).encode()


def _label(name: str) -> str:
    if not name or ":" in name or name != safe(name).strip():
        raise BundleError(f"not a label for bag-info.txt: {name!r}")
    return name


def info_fields(text: bytes) -> dict[str, str]:
    """Label to value of a `bag-info.txt`."""
    return dict(_split(text))


def _split(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode("utf-8", "replace").split("\n"):
        label, colon, value = line.partition(": ")
        if colon:
            yield label, value
