"""An account's own subjects taken out of a binding, and the annotation on it that puts them back where they were."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from irkit import digest
from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.cluster.subjects import Account, through
from irkit.contain.hand import difference
from irkit.errors import Refused
from irkit.model.codec import build, compact

PREFIX = "irkit.dev/revoked."


@dataclass(frozen=True, slots=True)
class Memory:
    """What was taken for one account: subjects with their place, and the pods on whose behalf."""

    namespace: str
    name: str
    pods: tuple[str, ...]  # uids
    subjects: tuple[tuple[int, dict[str, Any]], ...]

    @property
    def account(self) -> Account:
        """Whose subjects they were."""
        return Account(self.namespace, self.name)


def key(account: Account) -> str:
    """The annotation for `account`: its name hashed, since an annotation's name is short."""
    return f"{PREFIX}{digest.of_bytes(str(account).encode())[:16]}"


def memory(binding: Json, account: Account) -> Memory | None:
    """What is remembered of `account`; None for nothing. Raises Refused for what irkit cannot have written."""
    text = part(part(binding, "metadata"), "annotations").get(key(account))
    return _read(text, binding) if isinstance(text, str) else None


def memories(binding: Json, uid: str) -> list[Memory]:
    """What is remembered on behalf of the pod `uid`; raises as `memory` does."""
    notes = part(part(binding, "metadata"), "annotations")
    ours = [text for name, text in notes.items() if name.startswith(PREFIX) and isinstance(text, str) and uid in text]
    return [each for text in ours if uid in (each := _read(text, binding)).pods]


def _read(text: str, binding: Json) -> Memory:
    """Only subjects that stand for the account alone: whatever else is there would be a way to be granted more."""
    name = binding["metadata"].get("name")
    refused = Refused(f"what irkit remembers on binding {name} was altered", "look at the binding and mend it by hand")
    try:
        found = build(Memory, json.loads(text))
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise refused from error
    for _, subject in found.subjects:
        how = through(subject, found.account)
        if how is None or not how.alone:
            raise refused
    return found


def taken(binding: Json, account: Account, uid: str) -> list[Json]:
    """JSON Patch operations that take the account's own subjects out; none where nothing is left to do.

    Taken again after somebody put them back, the first memory stays.
    """
    own = [(at, each) for at, each in enumerate(entries(binding, "subjects")) if _own(each, account)]
    known = memory(binding, account)
    if not own and (known is None or uid in known.pods):
        return []
    pods = dict.fromkeys((*(known.pods if known else ()), uid))
    before = known.subjects if known else ()
    fresh = tuple(one for one in own if one[1] not in [subject for _, subject in before])
    left = [each for each in entries(binding, "subjects") if not _own(each, account)]
    return _operations(binding, left, Memory(account.namespace, account.name, tuple(pods), (*before, *fresh)))


def returned(binding: Json, known: Memory, uid: str) -> list[Json]:
    """JSON Patch operations that put the subjects back, unless another pod still wants them gone."""
    subjects = entries(binding, "subjects")
    if others := tuple(pod for pod in known.pods if pod != uid):
        return _operations(binding, subjects, Memory(known.namespace, known.name, others, known.subjects))
    for at, subject in sorted(known.subjects, key=lambda one: one[0]):
        if subject not in subjects:
            subjects.insert(at, subject)
    return _operations(binding, subjects, Memory(known.namespace, known.name, (), ()))


def _own(subject: Json, account: Account) -> bool:
    how = through(subject, account)
    return how is not None and how.alone


def _operations(binding: Json, subjects: list[Json], known: Memory) -> list[Json]:
    notes = part(binding["metadata"], "annotations")
    after = {name: text for name, text in notes.items() if name != key(known.account)}
    if known.pods:
        after[key(known.account)] = compact(known).decode()
    operations = list(difference("/metadata/annotations", notes, after))
    if subjects != entries(binding, "subjects"):
        verb = {"op": "add", "path": "/subjects", "value": subjects}  # "add" replaces what is there (RFC 6902, 4.1)
        operations.append(verb if subjects else {"op": "remove", "path": "/subjects"})
    return operations
