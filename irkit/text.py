"""Text from a cluster, an alert or a log is hostile: what makes it fit for a terminal, an error, a file name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import quote

# C0, DEL and C1 controls, bidi marks and overrides, zero-width and invisible characters, line and paragraph
# separators, interlinear and tag characters, surrogates. Terminal escapes: CVE-2021-25743; bidi: CVE-2021-42574.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e01ef]"
)
# A cell that begins so is a formula to a spreadsheet, the full-width forms included.
_FORMULA = tuple("=+-@＝＋－＠")
_UNSLUG = re.compile(r"[^A-Za-z0-9._-]+")


def safe(text: str, *, keep: str = "") -> str:
    r"""`text` with every character that could steer a terminal or deceive an eye shown as an escape (`\x1b`).

    `keep` names characters that pass all the same, such as "\n\t" for a block of log lines.
    """
    return _HOSTILE.sub(lambda hit: hit[0] if hit[0] in keep else _escape(hit[0]), text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# Takes the secrets out of a server's words: an admission webhook quotes what it refused, a proxy what it was sent.
Mask = Callable[[str], str]
_READ = 64 << 10  # characters of an explanation that are looked into
_SHORTEST = 6  # characters of a credential that can be told from a word


def line(words: str, mask: Mask, *, limit: int = 500) -> str:
    """A server's words in one line of at most `limit` characters, without secrets: they are sought before it is cut."""
    return safe(mask(" ".join(words[:_READ].split())))[:limit]


def without(text: str, own: Iterable[str]) -> str:
    """`text` without our `own` credentials, whatever they look like, as they are or written for a URL."""
    for secret in sorted({form for each in own for form in (each, quote(each, safe=""))}, key=len, reverse=True):
        text = text.replace(secret, "[REDACTED]") if len(secret) >= _SHORTEST else text
    return text


def cell(text: str, *, limit: int) -> str:
    """`text` fit for a spreadsheet's cell: safe, cut at `limit` characters, formulas disarmed by an apostrophe."""
    plain = safe(text)
    short = plain if len(plain) <= limit else f"{plain[:limit]}…"
    return f"'{short}" if short.lstrip().startswith(_FORMULA) else short


def slug(name: str, *, limit: int = 80) -> str:
    """A file-name part for any `name`: letters, digits and `._-`, never empty, never starting with a dot.

    A name that had to change carries eight hex digits of its SHA-256, so that two names never share a slug.
    """
    plain = _UNSLUG.sub("-", unicodedata.normalize("NFKD", name)).lstrip(".-")
    if name and plain == name and len(name) <= limit:
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: limit - 9]}-{mark}" if plain else mark


def quoted(json: str) -> str:
    r"""`json` with every hostile character within its strings as `\uXXXX`: the same document, fit for a terminal.

    For JSON that a conforming writer made: there such characters stand in strings only, but for the line feeds that
    lay it out.
    """
    return _HOSTILE.sub(lambda hit: "\n" if hit[0] == "\n" else _utf16(hit[0]), json)


def _utf16(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtT]?)(i?)[bB]?")


def parse_size(text: str) -> int:
    """Bytes of "500M", "2G", "1.5Gi", "4096"; K, M, G, T are powers of 1024 with and without the i. Else ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if not found or (found[3] and not found[2]):
        raise ValueError(f"not a size: {text!r}")
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))
