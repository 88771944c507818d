"""All triggers in one pass over a text, and all known secrets in another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

import hyperscan

from irkit.bundle.redact.detect.registry import DETECTORS
from irkit.bundle.redact.detect.span import Span

KNOWN = "known"


class Triggers:
    """Patterns that Hyperscan looks for together. Not for two threads at once: its scratch memory is one's own."""

    def __init__(self, patterns: Sequence[bytes], flags: Sequence[int] | None = None) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        numbers, flags = list(range(len(patterns))), flags or [0] * len(patterns)
        told = [one | hyperscan.HS_FLAG_DOTALL for one in flags]
        self._database.compile(expressions=list(patterns), ids=numbers, flags=told)

    def hits(self, text: bytes) -> list[tuple[int, int]]:
        """(where it ends, number of the pattern) of every match, by place; Hyperscan does not promise their order."""
        hits: list[tuple[int, int]] = []
        self._database.scan(text, match_event_handler=lambda id, _from, to, *_: hits.append((to, id)))
        hits.sort()
        return hits


_MINE = threading.local()


def _detectors() -> Triggers:
    """The triggers of the registry: they take a moment to compile, so each thread does it once."""
    if not hasattr(_MINE, "triggers"):
        flags = [hyperscan.HS_FLAG_CASELESS if one.caseless else 0 for one in DETECTORS]
        _MINE.triggers = Triggers([one.trigger for one in DETECTORS], flags)
    mine: Triggers = _MINE.triggers
    return mine


class Scanner:
    """What has to be hidden in a text: the finds of every detector, and every known form of every known secret.

    `known`: form of a secret (at most LONGEST bytes) to the secret. One thread at a time.
    """

    def __init__(self, known: Mapping[bytes, bytes]) -> None:
        self._secrets = list(known.items())
        self._forms = Triggers([_literal(form) for form in known]) if known else None

    def calls(self, text: bytes) -> bool:
        """Whether anything in `text` is looked at at all."""
        return bool(_detectors().hits(text) or (self._forms and self._forms.hits(text)))

    def spans(self, text: bytes, *, document: bool = False, since: int = 0, hidden: int = 0) -> list[Span]:
        """What to hide in `text`, by place, the longer first; spans may overlap.

        `document`: the structure of the text is judged elsewhere, so detectors that guess at it are left out. What
        starts before `since` is context; up to `hidden` all is hidden already, so that no name is looked for there.
        """
        found = list(self._known(text))
        for at, number in _detectors().hits(text):
            detector = DETECTORS[number]
            if document and (detector.guess or detector.spread) or detector.guess and at <= hidden:
                continue
            for span in detector.find(text, at):
                found.append(span)
                if detector.guess and span.start >= since:
                    hidden = max(hidden, span.end)
        return sorted(found, key=_place)

    def _known(self, text: bytes) -> Iterator[Span]:
        for at, number in self._forms.hits(text) if self._forms else ():
            form, secret = self._secrets[number]
            yield Span(at - len(form), at, KNOWN, secret)


def _place(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def _literal(form: bytes) -> bytes:
    r"""`form` as a pattern: every byte as `\xNN`."""
    return b"".join(b"\\x%02x" % byte for byte in form)
