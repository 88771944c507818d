"""Who is let in: whoever holds a token of the approvers file, or is vouched for by the identity provider."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from irkit.errors import Refused
from irkit.playbook.approvals import people
from irkit.triggers.watch.login.oidc import Provider
from irkit.triggers.watch.login.sessions import Sessions

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """`provider`: None where tokens are the only way. The approvers file is read at each login, so changes count."""

    home: Path
    sessions: Sessions
    provider: Provider | None = None

    def by_token(self, token: str) -> str:
        """The secret of a new session; raises Refused, and UsageError for a file that cannot be read."""
        try:
            person = people.of_token(people.read(self.home), token.strip())
        except Refused:
            _LOG.warning("watch: a login by token was refused")
            raise
        _LOG.info("watch: %s logged in by token", person.name)
        return self.sessions.begin(person)

    def by_provider(self, state: str, code: str) -> str:
        """The same; raises LoginFailed."""
        if self.provider is None:
            raise Refused("there is no identity provider")
        person = self.provider.end(state, code)
        _LOG.info("watch: %s logged in by the identity provider", person.name)
        return self.sessions.begin(person)
