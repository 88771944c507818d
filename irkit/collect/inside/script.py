"""The shell script that reads /proc: POSIX sh and a few small tools, busybox's where there are no others.

Each line of its output is `<pid> <what> <base64>`: base64, so that nothing a process calls itself can forge a line.
Of one process at most 1024 open files are
named. It runs no program of the target, and reads an executable through /proc/PID/exe, deleted or not.
"""

from __future__ import annotations

_TOOLS = r"""
t() { if command -v "$1" >/dev/null 2>&1; then "$@"; else busybox "$@"; fi; }
say() { printf '%s %s ' "$1" "$2"; t base64 | t tr -d '\n'; echo; }
own=$(t readlink /proc/self/ns/mnt)
"""
# In a probe, the processes of its own mount namespace are ours; by exec, this shell.
_OURS = {True: '[ "$ns" = "$own" ]', False: '[ "$p" = "$$" ]'}
_EACH = r"""
for d in /proc/[0-9]*; do
  p=${d#/proc/}
  ns=$(t readlink "$d/ns/mnt" 2>/dev/null)
  OURS && continue
"""
_NET = r"""
for f in tcp tcp6 udp udp6 raw raw6 unix packet; do
  [ -r /proc/net/$f ] && t cat /proc/net/$f | say 0 net/$f
done
"""
_PROCESS = r"""
  for f in status cmdline maps; do t cat "$d/$f" 2>/dev/null | say "$p" $f; done
  for f in exe cwd root; do printf '%s' "$(t readlink "$d/$f" 2>/dev/null)" | say "$p" $f; done
  h=$(t sha256sum "$d/exe" 2>/dev/null)
  printf '%s' "${h%% *}" | say "$p" sha256
  n=0
  for f in "$d"/fd/*; do
    [ -L "$f" ] || continue
    n=$((n + 1)); [ $n -gt 1024 ] && break
    printf '%s\0%s\0' "${f##*/}" "$(t readlink "$f" 2>/dev/null)"
  done | say "$p" fd
  case "$seen" in *"<$ns>"*) ;; *) t cat "$d/mountinfo" 2>/dev/null | say "$p" mountinfo; seen="$seen<$ns>";; esac
done
"""
_ENVIRONMENT = r"""
  t cat "$d/environ" 2>/dev/null | say "$p" environ
done
"""


def look(*, probe: bool) -> str:
    """Sockets, then each process. `probe`: it runs in a container of ours, else in the target itself."""
    return _TOOLS + _NET + "seen=\n" + _each(probe) + _PROCESS


def environment(*, probe: bool) -> str:
    """The environment of each process: secrets, for the sealed part alone."""
    return _TOOLS + _each(probe) + _ENVIRONMENT


def _each(probe: bool) -> str:
    return _EACH.replace("OURS", _OURS[probe])
