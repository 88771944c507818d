"""WHO SEALED IT: keys, signatures, times that others vouch for, custody after sealing."""

from __future__ import annotations

from importlib import import_module

from irkit.errors import UsageError

EXTRA = "pip install 'irkit[attest]'"


def installed(package: str) -> bool:
    """Whether a package of the `attest` extra can be imported."""
    try:
        import_module(package)
    except ImportError:
        return False
    return True


def need(package: str, what: str) -> None:
    """Raise UsageError, with the remedy, where `package` is not installed; `what` cannot be done without it."""
    if not installed(package):
        raise UsageError(f"{what} needs the package {package}, which is not installed", EXTRA)
