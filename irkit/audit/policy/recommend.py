"""The policy that irkit recommends: noise dropped, secrets never whole, changes with bodies; every rule says why."""

from __future__ import annotations

from importlib.resources import files


def recommended() -> str:
    """The policy as a YAML file, with comments."""
    return files("irkit.audit.policy").joinpath("recommended.yaml").read_text("utf-8")
