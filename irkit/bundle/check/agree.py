"""Whether the parts of a bundle say the same: manifests, `bag-info.txt`, the record of what was collected."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from irkit import times
from irkit.bundle import layout
from irkit.bundle.check.walk import Read
from irkit.model.bundle import Problem


def contradictions(read: Read) -> Iterator[Problem]:
    """Where the parts of a bundle do not say the same."""
    yield from (Problem(path, "missing") for path in layout.TAGS if path not in read.tags)
    if read.kept.get(layout.BAGIT, layout.DECLARATION) != layout.DECLARATION:
        yield Problem(layout.BAGIT, "not the declaration of BagIt 1.0 in UTF-8")
    yield from _differences(layout.MANIFEST, read.kept.get(layout.MANIFEST), read.payload)
    covered = {path: sha256 for path, sha256 in read.tags.items() if path not in (layout.TAGMANIFEST, layout.STATEMENT)}
    yield from _differences(layout.TAGMANIFEST, read.kept.get(layout.TAGMANIFEST), covered)
    yield from _info(read)
    yield from _collected(read)


def _differences(name: str, text: bytes | None, present: dict[str, str]) -> Iterator[Problem]:
    """Where manifest `name` and the files present part ways; nothing for a manifest that is not there."""
    if text is None or text == layout.manifest(present):
        return
    listed = layout.manifest_entries(text)
    for path in sorted(listed.keys() | present.keys()):
        if path not in present:
            yield Problem(path, f"missing, though {name} lists it")
        elif path not in listed:
            yield Problem(path, f"not listed in {name}")
        elif listed[path] != present[path]:
            yield Problem(path, f"changed: its SHA-256 is not the one in {name}")
    if listed == present:
        yield Problem(name, "not in the form irkit writes: order, spacing or lines that say nothing")


def _info(read: Read) -> Iterator[Problem]:
    """Where `bag-info.txt` and the rest part ways."""
    if layout.INFO not in read.kept:
        return
    fields = layout.info_fields(read.kept[layout.INFO])
    try:
        at = times.parse(fields.get("Sealed-At", ""))
    except ValueError:
        yield Problem(layout.INFO, "has no Sealed-At")
        return
    if int(at.timestamp()) != read.mtime:
        yield Problem(layout.INFO, "Sealed-At is not the time of the files")
    told = layout.told(read.root, at, read.octets, len(read.payload), read.kept.get(layout.CUSTODY, b""))
    yield from (
        Problem(layout.INFO, f"{label} is {fields.get(label)!r}, found {value!r}")
        for label, value in told.items()
        if fields.get(label) != value
    )


class _Taken(msgspec.Struct):
    path: str
    sha256: str


class _Collection(msgspec.Struct):
    artifacts: list[_Taken]
    sealed: list[layout.Sealed] = []


def _collected(read: Read) -> Iterator[Problem]:
    """Where the payload is not what the collectors took; of what is sealed, only the ciphertext can be compared."""
    name = layout.PAYLOAD + layout.COLLECTION
    if name not in read.kept:
        return
    try:
        told = msgspec.json.decode(read.kept[name], type=_Collection)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        yield Problem(name, "not a collection record")
        return
    shown = {one.path: one.shown for one in told.sealed}
    expected = {artifact.path: artifact.sha256 for artifact in told.artifacts} | {
        path: sha256 for path, sha256 in shown.items() if sha256
    }
    clear = [(path, sha256) for path, sha256 in expected.items() if shown.get(path, sha256) is not None]
    for path, sha256 in (*clear, *((one.member, one.sha256) for one in told.sealed)):
        found = read.payload.get(layout.PAYLOAD + path)
        if found != sha256:
            what = "missing, though it was collected" if found is None else "not as it was collected: SHA-256 differs"
            yield Problem(layout.PAYLOAD + path, what)
    yield from (
        Problem(layout.PAYLOAD + path, "stands in clear, though it was sealed")
        for path, sha256 in sorted(shown.items())
        if sha256 is None and layout.PAYLOAD + path in read.payload
    )
