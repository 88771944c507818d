"""How a function becomes a command: the common flags, one error boundary, one exit code."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.face import Face, Output
from irkit.cli.logs import LogFormat, configure
from irkit.errors import Exit, IrkitError
from irkit.settings import ClusterSettings, home

Kubeconfig = Annotated[
    str | None, typer.Option("--kubeconfig", envvar="IRKIT_KUBECONFIG", metavar="FILE", help="Kubeconfig file(s).")
]
Context = Annotated[str | None, typer.Option("--context", envvar="IRKIT_CONTEXT", help="Kubeconfig context.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", envvar="IRKIT_NAMESPACE", help="Namespace (default: the context's).")
]
OutputFlag = Annotated[
    Output, typer.Option("--output", "-o", envvar="IRKIT_OUTPUT", help="text, json (one document) or jsonl.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", envvar="IRKIT_QUIET", help="No chatter on stderr.")]
NoColor = Annotated[bool, typer.Option("--no-color", envvar="NO_COLOR", help="Plain text.")]
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
    group: typer.Typer, name: str, *, online: bool = True, store: bool = False, seal: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under `group` as command `name`.

    The function takes a `Face` first (then, with `store`, the `StoreSettings`, and with `seal`, the `SealSettings`);
    what is left of its signature are the command's own arguments. It may return an `Exit`; None is complete. `online`
    commands also take the flags that choose a cluster.
    """
    common = _ONLINE if online else _OFFLINE
    added = common | (options.STORE if store else {}) | (options.SEAL if seal else {})

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1 + store + seal :]

        def run(**given: Any) -> None:  # noqa: ANN401 - whatever the command line holds
            face = face_of({flag: given.pop(flag) for flag in common})
            settings: list[Any] = []
            if store:
                settings.append(options.store_settings({flag: given.pop(flag) for flag in options.STORE}))
            if seal:
                settings.append(options.seal_settings({flag: given.pop(flag) for flag in options.SEAL}))
            raise typer.Exit(bounded(lambda face: function(face, *settings, **given), face))

        extra = [
            inspect.Parameter(flag, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for flag, (annotation, default) in added.items()
        ]
        run.__signature__ = inspect.Signature([*_keyword_only(own), *extra])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *extra)}
        run.__name__, run.__module__, run.__doc__ = function.__name__, function.__module__, function.__doc__
        group.command(name, no_args_is_help=any(_required(parameter) for parameter in own))(run)
        return function

    return register


def _keyword_only(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def face_of(flags: dict[str, Any]) -> Face:
    """The face that the common flags ask for."""
    level = logging.getLevelNamesMapping().get(flags["log_level"].upper())
    if level is None:
        raise typer.BadParameter("debug, info, warning or error", param_hint="--log-level")
    configure(level, flags["log_format"])
    settings = ClusterSettings(flags.get("kubeconfig"), flags.get("context"), flags.get("request_timeout", 30.0))
    color = not flags["no_color"] and sys.stderr.isatty() and sys.stdout.isatty()
    return Face(flags["output"], flags["quiet"], color, settings, flags.get("namespace"))


def bounded(work: Callable[[Face], Exit | None], face: Face) -> int:
    """Run `work`; whatever happens, the user sees one line and a remedy, never a traceback."""
    try:
        return int(work(face) or Exit.COMPLETE)
    except IrkitError as error:
        return int(face.fail(error))
    except KeyboardInterrupt:
        return int(face.fail(IrkitError("interrupted", "irkit run ls shows what was under way")))
    except BrokenPipeError:
        # The reader went away (`| head`): keep the interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FAILED)
    except Exception as error:  # the last boundary: recorded below, said in one line
        return int(face.fail(_crash(error)))


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
