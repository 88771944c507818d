"""Pages as text: what was seen goes into a template; every value is made safe, then escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.report import figures
from irkit.report.render import TEMPLATES as REPORT
from irkit.report.story import words
from irkit.text import safe

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 600  # characters of one value
STATES = {"waiting": "plain", "leased": "caution", "done": "good", "dead": "bad"}

# No inline script or style, nothing from elsewhere, and nobody else's frame around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# A report shows what an attacker wrote. It brings a policy of its own; here it is, besides, a page of no origin: should
# anything in it ever run, it could neither read a page of ours nor send a form.
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def render(name: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """The page `name`."""
    return _environment().get_template(f"{name}.html").render(values)


@cache
def assets() -> Mapping[str, tuple[str, bytes]]:
    """The files that pages load, by name: media type and bytes. The report's stylesheet is the ground of ours."""
    css = (REPORT / "report.css").read_bytes() + b"\n" + (TEMPLATES / "watch.css").read_bytes()
    return {
        "watch.css": ("text/css; charset=utf-8", css),
        "watch.js": ("text/javascript; charset=utf-8", (TEMPLATES / "watch.js").read_bytes()),
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([TEMPLATES, REPORT], encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"figures": figures, "words": words, "STATES": STATES}
    return made


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return safe(value if len(value) <= LONGEST else f"{value[:LONGEST]}…")
