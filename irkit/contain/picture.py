"""Who may talk to whom as one SVG: sources on the left, destinations on the right, a line for each connection.

It stands alone: no script, no font, no link; light and dark by the reader's own setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    sources, targets = (sorted({str(one[end]) for one in shown}) for end in ("src", "dst"))
    height = TOP + ROW * (max(len(sources), len(targets), 1) + 1)
    lines = "".join(_line(one, sources, targets, stays) for one in shown)
    legend = "" if stays is None else " (dashed: cut off by isolation)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style>"
        f'<text x="16" y="26" font-weight="bold">{_text(title + legend)}</text>'
        f"{lines}{''.join(_ends(sources, LEFT - 12, 'end'))}{''.join(_ends(targets, RIGHT + 12, 'start'))}</svg>\n"
    )


def _line(one: Json, sources: list[str], targets: list[str], stays: set[tuple[str, str]] | None) -> str:
    ends = one["src"], one["dst"]
    first, last = _height(sources.index(ends[0])), _height(targets.index(ends[1]))
    kind = "now" if stays is None or ends in stays else "cut"
    ports = _ports(one["ports"])
    # The label stands nearer to the source: lines to one destination meet at the other end.
    spot = first + (last - first) * 0.25
    x, said = LEFT + 0.25 * (RIGHT - LEFT), _text(f"{ends[0]} to {ends[1]}: {ports}")
    return (
        f'<line class="{kind}" x1="{LEFT}" y1="{first}" x2="{RIGHT}" y2="{last}"><title>{said}</title></line>'
        f'<text class="ports" x="{x}" y="{spot - 3}" text-anchor="middle">{_text(ports, 24)}</text>'
    )


def _ends(names: list[str], x: int, anchor: str) -> Iterator[str]:
    for place, name in enumerate(names):
        at = f'x="{x}" y="{_height(place) + 4}" text-anchor="{anchor}"'
        yield f"<text {at}><title>{_text(name)}</title>{_text(name, 44)}</text>"


def _height(place: int) -> int:
    return TOP + ROW * place + ROW // 2


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
