"""Who may talk to whom as one SVG: sources on the left, destinations on the right, a row for each connection.

It stands alone: no script, no font, no link; light and dark by the reader's own setting.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from irkit.cluster.protocol import Json
from irkit.text import safe

ROW, TOP, WIDTH, LEFT, RIGHT = 26, 56, 980, 330, 650
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.ports{font-size:11px;fill:#57606a}"
    ".now{stroke:#0969da}.cut{stroke:#8c959f;stroke-dasharray:4 4}"
    "@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.ports{fill:#9198a1}.now{stroke:#4493f8}}"
)


def picture(connections: Iterable[Json], left: Iterable[Json] | None, title: str) -> str:
    """The SVG of `connections` as `reach` gives them; those not among `left`, what isolation leaves, are dashed."""
    shown = list(connections)
    stays = None if left is None else {(one["src"], one["dst"]) for one in left}
    height = TOP + ROW * (len(shown) + 1)
    legend = "" if stays is None else " (dashed: cut off by isolation)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style>"
        f'<text x="16" y="26" font-weight="bold">{_text(title + legend)}</text>'
        f"{''.join(_row(TOP + ROW * place, one, stays) for place, one in enumerate(shown))}</svg>\n"
    )


def _row(y: int, one: Json, stays: set[tuple[str, str]] | None) -> str:
    ends, ports = (str(one["src"]), str(one["dst"])), _ports(one["ports"])
    kind = "now" if stays is None or ends in stays else "cut"
    said = _text(f"{ends[0]} to {ends[1]}: {ports}")
    return (
        f'<line class="{kind}" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"><title>{said}</title></line>'
        f'<path class="{kind}" d="M{RIGHT - 7} {y - 4}L{RIGHT} {y}L{RIGHT - 7} {y + 4}" fill="none"/>'
        f'<text class="ports" x="{(LEFT + RIGHT) // 2}" y="{y - 4}" text-anchor="middle">{_text(ports, 48)}</text>'
        f"{_end(ends[0], LEFT - 12, y, 'end')}{_end(ends[1], RIGHT + 12, y, 'start')}"
    )


def _end(name: str, x: int, y: int, anchor: str) -> str:
    at = f'x="{x}" y="{y + 4}" text-anchor="{anchor}"'
    return f"<text {at}><title>{_text(name)}</title>{_text(name, 44)}</text>"


def _ports(ports: str | list[Json]) -> str:
    if isinstance(ports, str):
        return ports
    return ", ".join(
        f"{one['protocol']} {one['port']}" + (f"-{one['endPort']}" if one["endPort"] != one["port"] else "")
        for one in ports
    )


def _text(text: str, most: int | None = None) -> str:
    told = safe(text)
    return escape(told if most is None or len(told) <= most else f"{told[: most - 1]}…")
