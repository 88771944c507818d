"""One RunRecord, four files: report.html, report.md, report.json, timeline.jsonl."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit import __version__, digest
from irkit.model import codec
from irkit.model.run import Moment, RunRecord
from irkit.report import figures, markdown, table
from irkit.report.page import page
from irkit.report.story import words
from irkit.report.story.chart import picture
from irkit.report.story.grouping import lines
from irkit.text import quoted, safe

if TYPE_CHECKING:
    from jinja2 import Environment

Form = Literal["html", "md", "json", "csv"]

SCHEMA = "irkit.dev/report/v1"
LONGEST = 1500  # characters of one value; report.json has the whole
TEMPLATES = Path(__file__).parent / "templates"


def render(record: RunRecord, form: Form) -> str:
    """The report of `record` as one text; "csv" is its timeline alone."""
    if form == "json":
        return quoted(codec.pretty({"schema": SCHEMA, **codec.plain(record)}).decode())
    if form == "csv":
        return "".join(table.rows(record))
    return "".join(_pieces(page(record), form))


def story(moments: Sequence[Moment], title: str) -> Iterator[str]:
    """A page with the picture and the table of some moments, in pieces."""
    told = lines(moments)
    drawn = picture(moments, told.key) if moments else None
    shown = {"title": title, "lines": told, "key": told.key, "chart": drawn, "words": words, "figures": figures}
    return _gathered(_html().get_template("timeline.html").generate(shown | {"whole": "the other formats"}))


def write(record: RunRecord, folder: Path) -> tuple[Path, ...]:
    """The four files in `folder`, each whole or absent. Raises OSError from the disk."""
    shown = page(record)
    made = {
        "report.html": (piece.encode() for piece in _pieces(shown, "html")),
        "report.md": (piece.encode() for piece in _pieces(shown, "md")),
        "report.json": [render(record, "json").encode()],
        "timeline.jsonl": _timeline(record),
    }
    for name, chunks in made.items():
        digest.write(chunks, folder / name)
    return tuple(folder / name for name in made)


def _timeline(record: RunRecord) -> Iterator[bytes]:
    return (quoted(codec.compact(moment).decode()).encode() + b"\n" for moment in record.timeline)


def _pieces(shown: dict[str, Any], form: Form) -> Iterator[str]:
    made = _html() if form == "html" else _markdown()
    return _gathered(made.get_template(f"report.{form}").generate(shown))


def _gathered(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in pieces of some 64 kB."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > 1 << 16:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


@cache
def _html() -> Environment:
    """Every value passes `_shown`, then autoescape; only the stylesheet is taken as it is; the CSP names its hash."""
    from markupsafe import Markup

    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    made = _environment(autoescape=True, finalize=lambda value: value if isinstance(value, Markup) else _shown(value))
    hashed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    made.globals |= {"css": Markup(css), "css_hash": hashed, "version": __version__}  # noqa: S704 - our own file
    return made


@cache
def _markdown() -> Environment:
    """Every value passes `_shown`, then `markdown.prose`, unless a filter made it Markdown on purpose."""
    made = _environment(
        autoescape=False,
        finalize=lambda value: value if isinstance(value, markdown.Marked) else markdown.prose(str(_shown(value))),
    )
    made.filters |= {"code": lambda text: markdown.code(_cut(str(text))), "fence": markdown.fence}
    return made


def _environment(*, autoescape: bool, finalize: Callable[[Any], Any]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from irkit.report.compiled import Compiled

    return Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        bytecode_cache=Compiled(TEMPLATES, "html" if autoescape else "md", made_by=Path(__file__)),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - False for Markdown, whose finalize escapes
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    """`value` fit to be read: cut to a length, and with what deceives an eye made visible."""
    return safe(_cut(value)) if isinstance(value, str) else value


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text) - LONGEST:,} more characters are in report.json)"
