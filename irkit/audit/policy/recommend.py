"""The policy that irkit recommends: noise dropped, secrets never whole, changes with bodies; every rule says why."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from irkit.errors import UsageError


def recommended() -> str:
    """The policy as a YAML file, with comments."""
    return files("irkit.audit.policy").joinpath("recommended.yaml").read_text("utf-8")


def write(path: Path) -> None:
    """Write the policy to a new file; raises UsageError where there is one already, or none can be."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(recommended())
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", "name a new file, and compare the two") from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
