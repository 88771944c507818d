"""The techniques that rules name, as MITRE ATT&CK for Enterprise calls them in the version `VERSION`.

Version 19 retires the tactic Defense Evasion: Stealth keeps its id TA0005, Defense Impairment (TA0112) is new, and some
techniques went elsewhere. T1562 was taken apart: T1562.001 is T1685. `in_19` says what each of ours is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

VERSION = "18"
NEXT = "19"


@dataclass(frozen=True, slots=True)
class Technique:
    """One technique, or one sub-technique of `parent`."""

    id: str
    name: str
    tactics: tuple[str, ...]
    parent: str = ""  # the technique's name; "" for what is no sub-technique

    @property
    def full(self) -> str:
        """The name as ATT&CK's own pages print it."""
        return f"{self.parent}: {self.name}" if self.parent else self.name

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


_ENTRY, _RUN, _STAY, _RISE = "Initial Access", "Execution", "Persistence", "Privilege Escalation"
_HIDE, _KEYS, _LOOK, _MOVE = "Defense Evasion", "Credential Access", "Discovery", "Lateral Movement"

TECHNIQUES = {
    one.id: one
    for one in (
        Technique("T1036", "Masquerading", (_HIDE,)),
        Technique("T1036.005", "Match Legitimate Resource Name or Location", (_HIDE,), "Masquerading"),
        Technique("T1053.007", "Container Orchestration Job", (_RUN, _STAY, _RISE), "Scheduled Task/Job"),
        Technique("T1069.003", "Cloud Groups", (_LOOK,), "Permission Groups Discovery"),
        Technique("T1070", "Indicator Removal", (_HIDE,)),
        Technique("T1078", "Valid Accounts", (_HIDE, _STAY, _RISE, _ENTRY)),
        Technique("T1078.001", "Default Accounts", (_HIDE, _STAY, _RISE, _ENTRY), "Valid Accounts"),
        Technique("T1098.006", "Additional Container Cluster Roles", (_STAY, _RISE), "Account Manipulation"),
        Technique("T1133", "External Remote Services", (_STAY, _ENTRY)),
        Technique("T1134", "Access Token Manipulation", (_HIDE, _RISE)),
        Technique("T1528", "Steal Application Access Token", (_KEYS,)),
        Technique("T1546", "Event Triggered Execution", (_RISE, _STAY)),
        Technique("T1550.001", "Application Access Token", (_HIDE, _MOVE), "Use Alternate Authentication Material"),
        Technique("T1552.007", "Container API", (_KEYS,), "Unsecured Credentials"),
        Technique("T1562.001", "Disable or Modify Tools", (_HIDE,), "Impair Defenses"),
        Technique("T1565.001", "Stored Data Manipulation", ("Impact",), "Data Manipulation"),
        Technique("T1609", "Container Administration Command", (_RUN,)),
        Technique("T1610", "Deploy Container", (_HIDE, _RUN)),
        Technique("T1611", "Escape to Host", (_RISE,)),
        Technique("T1613", "Container and Resource Discovery", (_LOOK,)),
    )
}

# By intent, as ATT&CK 19 divides them: hiding, or breaking what guards. The others keep the tactics they have beside.
_STEALTH, _IMPAIRMENT = "Stealth", "Defense Impairment"
_HIDDEN = frozenset({"T1036", "T1036.005", "T1070"})
_MOVED = {"T1562.001": Technique("T1685", "Disable or Modify Tools", (_IMPAIRMENT,))}


def in_19(technique: Technique) -> Technique:
    """The same technique in version 19."""
    if moved := _MOVED.get(technique.id):
        return moved
    kept = tuple(tactic for tactic in technique.tactics if tactic != _HIDE)
    return replace(technique, tactics=((_STEALTH, *kept) if technique.id in _HIDDEN else kept))
