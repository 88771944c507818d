"""Import one part of a package without paying for all of it.

`kubernetes/__init__` imports every API group, OAuth, pydantic and websockets (0.5 s); reading a kubeconfig needs none
of them. Measured: `without` brings that import to a third.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Late:
    """A name of a module that is imported when the name is first used."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the real one takes and gives
        return pkgutil.resolve_name(self._path)(*args, **options)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one holds
        return getattr(pkgutil.resolve_name(self._path), name)


class _StandIn(ModuleType):
    """A module whose every name is `_Late`."""

    def __getattr__(self, name: str) -> _Late:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Late(f"{self.__name__}.{name}")


@contextmanager
def without(package: str, *heavy: str) -> Iterator[None]:
    """Inside, `package` imports without running its `__init__`, and each `heavy` module is imported only when used.

    Does nothing for a package that is imported already, nor to a heavy module that is.
    """
    spec = importlib.util.find_spec(package) if package not in sys.modules else None
    if spec is None:
        yield
        return
    sys.modules[package] = importlib.util.module_from_spec(spec)
    stand_ins = {name: _StandIn(name) for name in heavy if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
