"""What a probe runs, in the plainest shell there is, and what it says: one line for each call of each round."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from irkit.contain.proof.nouns import LISTEN, Target

LIFE = 600  # seconds after which a probe ends by itself, whoever died meanwhile
PATIENCE = 2  # seconds for one call

# Two kinds of nc are in use: one can connect and do nothing else (-z), busybox's runs a program once connected.
_HEAD = f"""\
command -v nc >/dev/null 2>&1 || {{ echo irkit no-nc; exit 3; }}
case "$(nc -h 2>&1)" in *-z*) z=-z; e=;; *) z=; e="-e true";; esac
try() {{
  if nc $z -w {PATIENCE} "$2" "$3" $e </dev/null >/dev/null 2>&1; then s=open; else s=shut; fi
  echo "irkit $n $1 $s"
}}
"""
LISTENER = f"""\
command -v nc >/dev/null 2>&1 || {{ echo irkit no-nc; exit 3; }}
case "$(nc -h 2>&1)" in
*-ll*) exec nc -ll -p {LISTEN} -e echo irkit;;
*) while :; do echo irkit | nc -l -p {LISTEN} -w 1 || echo irkit | nc -l {LISTEN}; done;;
esac
"""
_LINE = re.compile(rb"irkit (\d{1,9}) (?:(end)|(\S{1,80}) (open|shut))\s*\Z")

Round = Mapping[str, bool]  # target name -> whether the call got through


def caller(targets: Iterable[Target], *, life: int = LIFE) -> str:
    """A shell program that calls all targets at once, again and again; they hold addresses and words of ours only."""
    tries = " ".join(f"try {one.name} {one.host} {one.port} &" for one in targets)
    loop = f'while [ "$(date +%s)" -lt "$end" ]; do n=$((n+1)); {tries} wait; echo "irkit $n end"; sleep 1; done'
    return f"{_HEAD}n=0; end=$(($(date +%s)+{life}))\n{loop}\n"


@dataclass(slots=True)
class Heard:
    """What a probe has said so far."""

    whole: list[Round] = field(default_factory=list)  # the rounds that ended, in order
    useless: bool = False  # its image has no nc
    _open: dict[int, dict[str, bool]] = field(default_factory=dict)

    def hear(self, line: bytes) -> None:
        """One line of its log; what is not of our language is passed over."""
        if line.strip() == b"irkit no-nc":
            self.useless = True
        if not (found := _LINE.match(line)):
            return
        number, end, name, state = int(found[1]), found[2], found[3], found[4]
        if end:
            self.whole.append(self._open.pop(number, {}))
        else:
            self._open.setdefault(number, {})[name.decode("ascii", "replace")] = state == b"open"
