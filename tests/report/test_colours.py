"""Text can be read on what it stands on: WCAG AA, in light and in dark."""

from __future__ import annotations

import re
from itertools import product

import pytest

from irkit.report.render import TEMPLATES

CSS = (TEMPLATES / "report.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
)
TEXT = ("ink", "soft", "faint", "good", "caution", "bad", "plain", "link")
PAIRS = [
    *product(TEXT, ("paper", "sheet")),
    *((tone, f"{tone}-bg") for tone in ("good", "caution", "bad", "plain")),
    ("bandink", "paper"),
    ("ink", "caution-bg"),
    ("ink", "band"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(scheme: dict[str, str]) -> None:
    poor = []
    for text, ground in PAIRS:
        dim, bright = sorted((luminance(scheme[text]), luminance(scheme[ground])))
        if (bright + 0.05) / (dim + 0.05) < 4.5:
            poor.append((text, ground))
    assert poor == []


def test_the_dark_scheme_changes_every_colour() -> None:
    assert set(LIGHT) == set(DARK)
    assert all(LIGHT[name] != DARK[name] for name in LIGHT)
