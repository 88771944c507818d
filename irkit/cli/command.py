"""How a function becomes a command: the common flags, one error boundary, one exit code."""

from __future__ import annotations

import errno
import inspect
import logging
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, Any, cast

import typer

from irkit.cli import completing, options
from irkit.cli.face import Face, Output, silence
from irkit.cli.logs import LogFormat, configure
from irkit.errors import Exit, IrkitError
from irkit.settings import ClusterSettings, home

Kubeconfig = Annotated[
    str | None, typer.Option("--kubeconfig", envvar="IRKIT_KUBECONFIG", metavar="FILE", help="Kubeconfig file(s).")
]
Context = Annotated[str | None, typer.Option("--context", envvar="IRKIT_CONTEXT", help="Kubeconfig context.")]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        envvar="IRKIT_NAMESPACE",
        help="Namespace (default: the context's).",
        autocompletion=completing.namespaces,
    ),
]
OutputFlag = Annotated[
    Output, typer.Option("--output", "-o", envvar="IRKIT_OUTPUT", help="text, json (one document) or jsonl.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", envvar="IRKIT_QUIET", help="No chatter on stderr.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Plain text, as with any NO_COLOR in the environment.")]
LogLevel = Annotated[
    str, typer.Option("--log-level", envvar="IRKIT_LOG_LEVEL", metavar="LEVEL", help="debug, info, warning or error.")
]
LogStyle = Annotated[
    LogFormat, typer.Option("--log-format", envvar="IRKIT_LOG_FORMAT", help="text, or json for one object a line.")
]
Timeout = Annotated[
    float, typer.Option("--request-timeout", envvar="IRKIT_REQUEST_TIMEOUT", min=0.1, help="Seconds for one API call.")
]

_OFFLINE: dict[str, tuple[Any, Any]] = {
    "output": (OutputFlag, Output.TEXT),
    "quiet": (Quiet, False),
    "no_color": (NoColor, False),
    "log_level": (LogLevel, "warning"),
    "log_format": (LogStyle, LogFormat.TEXT),
}
_ONLINE: dict[str, tuple[Any, Any]] = {
    "kubeconfig": (Kubeconfig, None),
    "context": (Context, None),
    "namespace": (Namespace, None),
    "request_timeout": (Timeout, 30.0),
    **_OFFLINE,
}


def command(
    group: typer.Typer, name: str, *, online: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under `group` as command `name`.

    The function takes a `Face` first; what is left of its signature are the command's own arguments, one annotated
    with `options.Flags` for several. It may return an `Exit`; None is complete. `online` commands also take the flags
    that choose a cluster.
    """
    common = _ONLINE if online else _OFFLINE

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        several = {parameter.name: flags for parameter in own if (flags := _flags_of(parameter))}

        def run(**given: Any) -> None:  # noqa: ANN401 - whatever the command line holds
            def work(face: Face) -> Exit | None:
                made = {name: flags.taken(given) for name, flags in several.items()}
                return cast(Exit | None, function(face, **given, **made))

            face = face_of({flag: given.pop(flag) for flag in common})
            raise typer.Exit(bounded(work, face))

        shown = _in_order(own, several, common)
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        run.__annotations__ = {flag.name: flag.annotation for flag in shown}
        run.__name__, run.__module__, run.__doc__ = function.__name__, function.__module__, function.__doc__
        group.command(name, no_args_is_help=any(map(_required, shown)))(run)
        return function

    return register


def _flags_of(parameter: inspect.Parameter) -> options.Flags | None:
    """The flags that one parameter stands for; None where it is a flag itself."""
    told = getattr(parameter.annotation, "__metadata__", ())
    return next((one for one in told if isinstance(one, options.Flags)), None)


def _in_order(
    own: list[inspect.Parameter], several: dict[str, options.Flags], common: dict[str, tuple[Any, Any]]
) -> list[inspect.Parameter]:
    """All flags of a command as help shows them."""
    first: list[inspect.Parameter] = []
    last: list[inspect.Parameter] = []
    for parameter in own:
        flags = several.get(parameter.name)
        (last if flags and flags.last else first).extend(flags.each if flags else [parameter])
    named = inspect.Parameter.KEYWORD_ONLY
    middle = [inspect.Parameter(name, named, default=one, annotation=told) for name, (told, one) in common.items()]
    return [*(flag.replace(kind=named) for flag in first), *middle, *(flag.replace(kind=named) for flag in last)]


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def face_of(flags: dict[str, Any]) -> Face:
    """The face that the common flags ask for."""
    level = logging.getLevelNamesMapping().get(flags["log_level"].upper())
    if level is None:
        raise typer.BadParameter("debug, info, warning or error", param_hint="--log-level")
    configure(level, flags["log_format"])
    settings = ClusterSettings(flags.get("kubeconfig"), flags.get("context"), flags.get("request_timeout", 30.0))
    if isinstance(sys.stdout, TextIOWrapper):  # what a terminal's alphabet lacks is shown as an escape, as on stderr
        sys.stdout.reconfigure(errors="backslashreplace")
    plain = flags["no_color"] or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    color = not plain and sys.stderr.isatty() and sys.stdout.isatty()
    return Face(flags["output"], flags["quiet"], color, settings, flags.get("namespace"))


def bounded(work: Callable[[Face], Exit | None], face: Face) -> int:
    """Run `work`; whatever happens, the user sees one line and a remedy, never a traceback."""
    try:
        ended = int(work(face) or Exit.COMPLETE)
        sys.stdout.flush()  # a full disk, or a reader who went away, is noticed no sooner
    except IrkitError as error:
        return int(face.fail(error))
    except KeyboardInterrupt:
        return int(face.fail(IrkitError("interrupted")))  # a run that was under way has said so itself
    except BrokenPipeError:
        silence()
        return int(Exit.FAILED)
    except Exception as error:  # the last boundary: recorded below, said in one line
        return int(face.fail(_full(error) or _crash(error)))
    return ended


def _full(error: Exception) -> IrkitError | None:
    """A full disk, under the answer or under temporary files, is nobody's mistake; None for anything else."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    return IrkitError(os.strerror(error.errno), "free some disk space, also where temporary files go (TMPDIR)")


def _crash(error: Exception) -> IrkitError:
    import traceback

    log = home() / "crash.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out:
            traceback.print_exception(error, file=out)
    except OSError:
        return IrkitError(f"unexpected {type(error).__name__}", "and the crash log could not be written: disk full?")
    return IrkitError(f"unexpected {type(error).__name__}: this is a bug in irkit", f"send us {log}")
