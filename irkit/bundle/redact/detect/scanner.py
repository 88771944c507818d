"""All triggers and all known secrets in one pass over a text."""

from __future__ import annotations

from collections.abc import Mapping

import hyperscan

from irkit.bundle.redact.detect.registry import DETECTORS
from irkit.bundle.redact.detect.span import Span

KNOWN = "known"


class Scanner:
    """What has to be hidden in a text: the finds of every detector, and every known form of every known secret.

    `known`: form of a secret (at most LONGEST bytes) to the secret. One thread at a time.
    """

    def __init__(self, known: Mapping[bytes, bytes]) -> None:
        self._known = [(form, secret) for form, secret in known.items()]
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[one.trigger for one in DETECTORS] + [_literal(form) for form in known],
            ids=list(range(len(DETECTORS) + len(known))),
            flags=[_flags(one.caseless) for one in DETECTORS] + [_flags(False)] * len(known),
        )

    def spans(self, text: bytes, *, document: bool = False, since: int = 0, hidden: int = 0) -> list[Span]:
        """What to hide in `text`, by place, the longer first; spans may overlap.

        `document`: the structure of the text is judged elsewhere, so detectors that guess at it are left out. What
        starts before `since` is context; up to `hidden` all is hidden already, so that no name is looked for there.
        """
        found: list[Span] = []
        for at, number in self.hits(text):
            if number >= len(DETECTORS):
                form, secret = self._known[number - len(DETECTORS)]
                found.append(Span(at - len(form), at, KNOWN, secret))
                continue
            detector = DETECTORS[number]
            if document and (detector.guess or detector.spread) or detector.guess and at <= hidden:
                continue
            for span in detector.find(text, at):
                found.append(span)
                if detector.guess and span.start >= since:
                    hidden = max(hidden, span.end)
        return sorted(found, key=_place)

    def hits(self, text: bytes) -> list[tuple[int, int]]:
        """(where it ends, number) of every match; Hyperscan does not promise their order."""
        hits: list[tuple[int, int]] = []
        self._database.scan(text, match_event_handler=lambda id, _from, to, *_: hits.append((to, id)))
        hits.sort()
        return hits


def _place(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def _flags(caseless: bool) -> int:
    flags = hyperscan.HS_FLAG_DOTALL
    return flags | hyperscan.HS_FLAG_CASELESS if caseless else flags


def _literal(form: bytes) -> bytes:
    r"""`form` as a pattern: every byte as `\xNN`."""
    return b"".join(b"\\x%02x" % byte for byte in form)
