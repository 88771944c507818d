"""Files of Sigma rules; a rule that cannot be judged is refused by name, the others stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.audit.detect.rule import Rule
from irkit.audit.filter.grammar import Filter
from irkit.errors import UsageError
from irkit.model.audit import Severity
from irkit.model.evidence import Gap, GapReason
from irkit.text import slug

if TYPE_CHECKING:
    from sigma.rule import SigmaRule

LARGEST = 1 << 20  # bytes of one file that are read
_SEVERITIES = {"informational": Severity.INFO}
_REMEDY = "docs/audit.md says which constructs are judged; express it with those, or run the rule elsewhere"


@dataclass(frozen=True, slots=True)
class Sigma:
    """One rule of a user: small and picklable, so that any process may judge by it."""

    id: str  # "sigma:" and its name, its id or its title
    title: str
    severity: Severity
    technique: str  # "" where no tag names one
    tree: Filter

    @property
    def rule(self) -> Rule:
        """The same as findings are counted and shown by."""
        return Rule(self.id, 0, self.title, self.severity, (self.technique,), frozenset(), (), lambda event: "", "")


def load(paths: Iterable[Path]) -> tuple[tuple[Sigma, ...], tuple[Gap, ...]]:
    """The rules in files and folders, and a gap for each that is refused.

    Raises UsageError where pySigma is missing, a path is not there, or no rule is left.
    """
    try:
        import sigma.rule
    except ImportError as error:
        raise UsageError("Sigma rules need pySigma", "pip install 'irkit[sigma]'") from error
    del sigma
    rules: dict[str, Sigma] = {}
    gaps: list[Gap] = []
    found = [(file, one) for path in paths for file in _files(path) for one in _rules(file)]
    for file, one in found:
        if isinstance(one, Gap):
            gaps.append(one)
        elif rules.setdefault(one.id, one) != one:
            gaps.append(_refused(file, one.title, f"another rule is called {one.id}"))
    if not rules:
        raise UsageError("no Sigma rule that can be judged", gaps[0].detail if gaps else "name .yml files")
    return tuple(rules.values()), tuple(gaps)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file())
    if not path.is_file():
        raise UsageError(f"no such file: {path}", "a Sigma rule (.yml), or a folder of them")
    return [path]


def _rules(file: Path) -> Iterator[Sigma | Gap]:
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError
    from yaml import YAMLError

    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST).decode("utf-8")
        rules = SigmaCollection.from_yaml(text, collect_errors=True).rules
    except (SigmaError, YAMLError, OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        # pySigma assumes that a document is a mapping; for what is none it raises whatever comes first.
        yield _refused(file, "", f"cannot be read: {' '.join(str(error).split())[:200]}")
        return
    for one in rules:
        yield _judged(file, one)


def _judged(file: Path, one: object) -> Sigma | Gap:
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    from irkit.audit.detect.sigma.compile import Unsupported, tree

    title = str(getattr(one, "title", "") or "")
    if not isinstance(one, SigmaRule):
        return _refused(file, title, f"the construct {type(one).__name__.removeprefix('Sigma')}")
    if one.errors:
        return _refused(file, title, str(one.errors[0]))
    source = one.logsource
    if source.product != "kubernetes" or not {source.category, source.service} <= {"audit", None}:
        said = "/".join(filter(None, (source.product, source.category, source.service)))
        return _refused(file, title, f"the log source {said}: only kubernetes audit is")
    try:
        made = tree(one)
    except (Unsupported, SigmaError) as error:
        return _refused(file, title, str(error))
    return _made(one, made)


def _made(one: SigmaRule, made: Filter) -> Sigma:
    level = one.level.name.lower() if one.level else "medium"
    severity = _SEVERITIES.get(level) or Severity(level)
    tags = (tag.name.upper() for tag in one.tags if tag.namespace == "attack")
    technique = next((name for name in tags if name[:1] == "T" and name[1:2].isdigit()), "")
    return Sigma(f"sigma:{one.name or one.id or slug(one.title)}", one.title, severity, technique, made)


def _refused(file: Path, title: str, why: str) -> Gap:
    name = f"Sigma rule {file}{f': {title}' if title else ''}"
    return Gap("audit", name, GapReason.INVALID, f"not judged: {why}", _REMEDY)
