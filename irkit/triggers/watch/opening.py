"""The watch page put together, without the web framework until it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from irkit import times
from irkit.errors import UsageError
from irkit.triggers.place import Place
from irkit.triggers.queue.protocol import Desk
from irkit.triggers.sources import secret
from irkit.triggers.watch.login import oidc
from irkit.triggers.watch.login.doorkeeper import Doorkeeper
from irkit.triggers.watch.login.oidc import Provider
from irkit.triggers.watch.login.sessions import Sessions
from irkit.triggers.watch.login.settings import parse

if TYPE_CHECKING:
    from irkit.triggers.watch.web import Site


@dataclass(frozen=True, slots=True)
class Watching:
    """What the page is about: the runs in `home`. `provider`: None where people log in by token only."""

    home: Path
    provider: Provider | None = None


def watching(home: Path, file: Path | None, environ: Mapping[str, str], clock: times.Clock = times.now) -> Watching:
    """With the identity provider that `file` names; raises UsageError for what is wrong with it."""
    if file is None:
        return Watching(home)
    oidc.check()
    try:
        settings = parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    known = secret(settings.client_secret, environ).value.decode() if settings.client_secret else ""
    return Watching(home, Provider(settings, known, clock))


def site(watched: Watching, desk: Desk, place: Place, ending: Callable[[], bool]) -> Site:
    """Every path under /watch."""
    from irkit.triggers.watch.deeds import Deeds
    from irkit.triggers.watch.live import News
    from irkit.triggers.watch.lookout import Lookout
    from irkit.triggers.watch.web import Site

    lookout = Lookout(watched.home, desk)
    return Site(
        lookout,
        Deeds(watched.home, desk, times.now),
        Doorkeeper(watched.home, Sessions(times.now), watched.provider),
        News(lookout.mark),
        times.now,
        secure=place.tls is not None or place.behind_proxy,
        ending=ending,
    )
