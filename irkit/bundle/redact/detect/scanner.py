"""All triggers in one pass over a text, and all known secrets in another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hyperscan

from irkit import kept
from irkit.bundle.redact.detect.registry import DETECTORS
from irkit.bundle.redact.detect.span import Span

KNOWN = "known"


class Triggers:
    """Patterns that Hyperscan looks for together. Not for two threads at once: its scratch memory is one's own.

    Those that irkit comes with have a `name`, under which they are kept compiled: to compile them takes 0.1 to 0.2 s.
    """

    def __init__(self, patterns: Sequence[bytes], flags: Sequence[int] | None = None, *, name: str = "") -> None:
        flags = flags or [0] * len(patterns)
        self._database = _kept(name, patterns, flags) if name else _compiled(patterns, flags)

    def hits(self, text: bytes) -> list[tuple[int, int]]:
        """(where it ends, number of the pattern) of every match, by place; Hyperscan does not promise their order."""
        hits: list[tuple[int, int]] = []
        self._database.scan(text, match_event_handler=lambda id, _from, to, *_: hits.append((to, id)))
        hits.sort()
        return hits


def _compiled(patterns: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    told = [one | hyperscan.HS_FLAG_DOTALL for one in flags]
    made.compile(expressions=list(patterns), ids=list(range(len(patterns))), flags=told)
    return made


def _kept(name: str, patterns: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    folder, recipe = Path(__file__).parent, repr((list(patterns), list(flags))).encode()
    if found := kept.read(folder, name, recipe):
        with suppress(hyperscan.error):  # of another version, or for a processor that can do more: it says so
            made = hyperscan.loadb(found, hyperscan.HS_MODE_BLOCK)
            made.scratch = hyperscan.Scratch(made)
            return made
    made = _compiled(patterns, flags)
    kept.write(folder, name, recipe, hyperscan.dumpb(made))
    return made


_MINE = threading.local()


def _detectors() -> Triggers:
    """The triggers of the registry: each thread has its own."""
    if not hasattr(_MINE, "triggers"):
        flags = [hyperscan.HS_FLAG_CASELESS if one.caseless else 0 for one in DETECTORS]
        _MINE.triggers = Triggers([one.trigger for one in DETECTORS], flags, name="detectors")
    mine: Triggers = _MINE.triggers
    return mine


@dataclass(frozen=True, slots=True)
class Hits:
    """Where, in one text, triggers and forms of known secrets end: (place, number), by place."""

    triggers: list[tuple[int, int]]
    known: list[tuple[int, int]]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.triggers or self.known)

    def ends(self) -> list[int]:
        """All places, in order."""
        return sorted(at for at, _ in (*self.triggers, *self.known))


class Scanner:
    """What has to be hidden in a text: the finds of every detector, and every known form of every known secret.

    `known`: form of a secret (at most LONGEST bytes) to the secret. One thread at a time.
    """

    def __init__(self, known: Mapping[bytes, bytes]) -> None:
        self._secrets = list(known.items())
        self._forms = Triggers([_literal(form) for form in known]) if known else None

    def hits(self, text: bytes) -> Hits:
        """Whatever in `text` is looked at: where there is nothing, nothing is hidden."""
        return Hits(_detectors().hits(text), self._forms.hits(text) if self._forms else [])

    def spans(
        self, text: bytes, *, hits: Hits | None = None, document: bool = False, since: int = 0, hidden: int = 0
    ) -> list[Span]:
        """What to hide in `text`, by place, the longer first; spans may overlap.

        `hits`: those of `text`, where they are known. `document`: the structure of the text is judged elsewhere, so
        detectors that guess at it are left out. What starts before `since` is context; up to `hidden` all is hidden
        already, so that no name is looked for there.
        """
        hits = hits or self.hits(text)
        found = [Span(at - len(form), at, KNOWN, secret) for at, form, secret in self._known(hits)]
        ahead: list[Span] = []  # what guesses hide: within, no name is looked for; before and between, any counts
        for at, number in hits.triggers:
            detector = DETECTORS[number]
            if document and (detector.guess or detector.spread):
                continue
            if detector.guess and (at <= hidden or any(span.start - span.lead <= at <= span.end for span in ahead)):
                continue
            ahead = [span for span in ahead if span.end >= at]
            for span in detector.find(text, at):
                found.append(span)
                if detector.guess and span.start >= since:
                    ahead.append(span)
        return sorted(found, key=_place)

    def _known(self, hits: Hits) -> Iterator[tuple[int, bytes, bytes]]:
        return ((at, *self._secrets[number]) for at, number in hits.known)


def _place(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def _literal(form: bytes) -> bytes:
    r"""`form` as a pattern: every byte as `\xNN`."""
    return b"".join(b"\\x%02x" % byte for byte in form)
