"""Templates that are compiled once, not in every run: that takes half as long as the whole report of one pod."""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, FileSystemBytecodeCache


class Compiled(FileSystemBytecodeCache):
    """What Jinja makes of the templates, kept where Python keeps what it makes of modules: in __pycache__ beside them.

    So only who may change irkit itself can change it. Where nothing can be written, each run compiles anew. `kind`
    tells environments apart that make different code of one template; `made_by` is the file that says how they do.
    """

    def __init__(self, templates: Path, kind: str, *, made_by: Path) -> None:
        super().__init__(str(templates / "__pycache__"), f"%s.{kind}.{sys.implementation.cache_tag}.jinja")
        self._maker = f"{jinja2.__version__} {made_by.stat().st_mtime_ns}"

    def get_source_checksum(self, source: str) -> str:
        """What has to be the same for kept code to be used: the template, and what compiles it."""
        return super().get_source_checksum(f"{self._maker}\n{source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept; what cannot be read, or was cut short, is compiled anew."""
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, if that can be done."""
        if sys.dont_write_bytecode:
            return
        with suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
