"""The form of a policy: keys, types and words, by the rules of k8s.io/apiserver 0.37.2 (pkg/apis/audit/validation).

What the API server refuses is fatal. A key it does not know it passes over with a warning in its log, and the rule then
matches more than was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from irkit.audit.policy.document import Document, Path, Problem
from irkit.audit.policy.nouns import API_VERSION, KIND, Level, Stage

Found = Iterator[tuple[Path, str, str, bool]]  # where, what looked, message, fatal

_Keys = dict[str, type]
_BOTH: _Keys = {"omitStages": list, "omitManagedFields": bool}
_POLICY: _Keys = {"apiVersion": str, "kind": str, "metadata": dict, "rules": list, **_BOTH}
_LISTS = ("users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs")
_RULE: _Keys = {"level": str, **dict.fromkeys(_LISTS, list), **_BOTH}
_ENTRY: _Keys = {"group": str, "resources": list, "resourceNames": list}
_NAMES = {
    str: "text (in quotes where it looks like a number, or is yes or no)",
    list: "a list",
    dict: "a mapping",
    bool: "true or false",
}
_GROUP = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def problems(document: Document) -> list[Problem]:
    """What is wrong with the form of a policy."""
    found = _policy(document.data)
    return sorted({document.at(path, check, message, fatal=fatal) for path, check, message, fatal in found})


def _policy(data: Any) -> Found:  # noqa: ANN401 - YAML of any shape
    if not isinstance(data, dict):
        yield (), "type", "not a policy: a mapping is expected", True
        return
    yield from _mapping(data, (), _POLICY)
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if (found := data.get(key)) != wanted:
            yield (key,), "version", f"{key} must be {wanted}", key == "apiVersion" or bool(found)
    yield from _stages(data.get("omitStages"), ("omitStages",))
    rules = _items(data.get("rules"))
    if not rules:
        yield ("rules",), "no-rules", "a policy needs at least one rule", True
    for number, rule in enumerate(rules):
        yield from _rule(rule, ("rules", number))


def _rule(rule: Any, path: Path) -> Found:  # noqa: ANN401
    if not isinstance(rule, dict):
        yield path, "type", "a rule is a mapping", True
        return
    yield from _mapping(rule, path, _RULE)
    yield from _level(rule.get("level"), path)
    yield from _stages(rule.get("omitStages"), (*path, "omitStages"))
    for number, url in enumerate(_texts(rule.get("nonResourceURLs"))):
        yield from _url(url, (*path, "nonResourceURLs", number))
    if rule.get("nonResourceURLs") and (rule.get("resources") or rule.get("namespaces")):
        yield (*path, "nonResourceURLs"), "both-kinds", "a rule is for resources or for nonResourceURLs, not both", True
    for number, entry in enumerate(_items(rule.get("resources"))):
        yield from _entry(entry, (*path, "resources", number))


def _level(level: Any, path: Path) -> Found:  # noqa: ANN401
    if not level:
        yield path, "level", f"a rule needs a level: {', '.join(Level)}", True
    elif isinstance(level, str) and level not in tuple(Level):
        yield (*path, "level"), "level", f"no such level: {level}{_meant(level, Level)}", True


def _stages(stages: Any, path: Path) -> Found:  # noqa: ANN401
    for number, stage in enumerate(_texts(stages)):
        if stage not in tuple(Stage):
            yield (*path, number), "stage", f"no such stage: {stage}{_meant(stage, Stage)}", True


def _url(url: str, path: Path) -> Found:
    if url != "*" and not url.startswith("/"):
        yield path, "url", "a path begins with /", True
    if "*" in url[:-1]:
        yield path, "url", "a * may only stand at the end of a path", True


def _entry(entry: Any, path: Path) -> Found:  # noqa: ANN401
    if not isinstance(entry, dict):
        meant = "an entry of resources is a mapping: {group: apps, resources: [deployments]}"
        yield path, "type", meant, entry is not None  # null is taken for the whole core group
        return
    yield from _mapping(entry, path, _ENTRY)
    group = entry.get("group")
    if isinstance(group, str) and group not in ("", "*") and not _GROUP.fullmatch(group):
        version = " (a group has no version)" if "/" in group else ""
        yield (*path, "group"), "group", f"no group can be called {group}{version}", True
    if entry.get("resourceNames") and not entry.get("resources"):
        yield (*path, "resourceNames"), "names", "resourceNames needs resources beside it", True


def _mapping(data: dict[str, Any], path: Path, known: _Keys) -> Found:
    """Unknown keys, and values of another type than the key's; null is as good as absent."""
    for key, value in data.items():
        if key not in known:
            message = f"unknown key {key}{_meant(key, known)}: the API server passes over it"
            yield (*path, key), "unknown-key", message, False
        elif value is not None and not isinstance(value, known[key]):
            yield (*path, key), "type", f"{key} must be {_NAMES[known[key]]}", True
        elif isinstance(value, list) and (known is _ENTRY or key not in ("rules", "resources")):
            yield from _list_of_texts(value, (*path, key))


def _list_of_texts(found: Any, path: Path) -> Found:  # noqa: ANN401
    for number, item in enumerate(_items(found)):
        if not isinstance(item, str):
            yield (*path, number), "type", f"must be {_NAMES[str]}", item is not None  # null is taken for ""


def _items(found: Any) -> list[Any]:  # noqa: ANN401
    return found if isinstance(found, list) else []


def _texts(found: Any) -> list[str]:  # noqa: ANN401
    """The items of a list of texts, null as ""; empty for any other list, which is a problem of its own."""
    items = ["" if item is None else item for item in _items(found)]
    return items if all(isinstance(item, str) for item in items) else []


def _meant(word: str, known: Any) -> str:  # noqa: ANN401 - any words
    close = get_close_matches(word, list(known), 1) or [one for one in known if one.lower() == word.lower()]
    return f"; {close[0]} is meant?" if close else ""
