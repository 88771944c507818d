"""Templates that are compiled once, not in every run: that takes half as long as the whole report of one pod."""

from __future__ import annotations

from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from irkit import kept


class Compiled(BytecodeCache):
    """What Jinja makes of the `templates`, kept beside them.

    `kind` tells environments apart that make different code of one template; `made_by` is the file that says how they
    do.
    """

    def __init__(self, templates: Path, kind: str, *, made_by: Path) -> None:
        self._folder, self._kind = templates, kind
        self._maker = f"{jinja2.__version__} {made_by.stat().st_mtime_ns}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept for just this template, made in just this way."""
        if found := kept.read(self._folder, self._name(bucket), self._recipe(bucket)):
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, if that can be done."""
        kept.write(self._folder, self._name(bucket), self._recipe(bucket), bucket.bytecode_to_string())

    def _name(self, bucket: Bucket) -> str:
        return f"{bucket.key}-{self._kind}"

    def _recipe(self, bucket: Bucket) -> bytes:
        return f"{self._maker} {bucket.checksum}".encode()
