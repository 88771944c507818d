"""Real payloads and logs by others, outside the project: `IRKIT_CORPUS`, by default beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("IRKIT_CORPUS") or Path(__file__).parents[2] / "shared/data")


def absent(folder: Path) -> str:
    """Why a test that reads `folder` is left out."""
    return f"LEFT OUT: no corpus at {folder}; IRKIT_CORPUS names it"
