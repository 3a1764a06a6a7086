"""Who the engine lets in: trunks' sources and users, the file's users, and those of the API's domains.

It is put together anew when one of its parts changes, and in force before the change is answered for.
"""

import asyncio
import logging
from collections.abc import Mapping

from callwright.config import Config
from callwright.sip.credentials import Credential
from callwright.sip.domains import Domains
from callwright.sip.endpoint import Endpoint
from callwright.sip.registrar import Registrar
from callwright.sip.trunks import Trunks

logger = logging.getLogger(__name__)

REFRESH_S = 60.0
KEPT_S = 3600.0


class Access:
    """The engine's lists of sources and of credentials.

    Args:
        registrar: whose users the domains' are added to; it answers REGISTER as soon as anybody can authenticate.
    """

    def __init__(
        self, config: Config, endpoint: Endpoint, trunks: Trunks, registrar: Registrar, domains: Domains
    ) -> None:
        self._rules, self._endpoint, self._trunks = config.sip, endpoint, trunks
        self._registrar, self._domains = registrar, domains
        self._own = [user.credential for user in registrar.users if not user.hosted]
        self._own += trunks.credentials()
        self._in_force: dict[tuple[str, str], Credential] = {}
        self._sources: tuple[str, ...] = ()
        self._authenticates = False
        self._due: asyncio.Handle | None = None
        self._found: dict[str, float] = {}  # when each name was last found
        self._failing: dict[str, str] = {}  # what the log was told of those that are not

    def open(self) -> None:
        """Lets in whoever may now, and from now on whenever that changes."""
        self.apply()
        self._domains.listen(self._changed)

    def close(self) -> None:
        """Changes have no effect any more."""
        self._changed()
        assert self._due is not None
        self._due.cancel()  # and stays set: nothing is scheduled again

    def _changed(self) -> None:
        if self._due is None:
            self._due = self._endpoint.loop.call_soon(self._take)

    def _take(self) -> None:
        self._due = None
        self.apply()

    def apply(self) -> None:
        """Hands the engine what it does not have yet, and takes from it what nobody has any more."""
        self._domains.refresh()
        self._registrar.users.host(self._domains.users, self._domains.names)
        self._let_in()
        self._prove({(one.username, one.realm): one for one in (*self._domains.credentials.values(), *self._own)})

    def _let_in(self) -> None:
        hosted = map(str, self._domains.networks)
        sources = tuple(sorted({*self._trunks.sources(), *hosted}))
        if sources != self._sources:
            self._sources = sources
            self._endpoint.engine.admit(list(sources), self._trunks.policies())

    def _prove(self, users: Mapping[tuple[str, str], Credential]) -> None:
        engine = self._endpoint.engine
        if not self._authenticates and (users or self._rules.silent):
            self._authenticates = True
            self._in_force = dict(users)
            self._endpoint.requests["REGISTER"] = self._registrar.take
            rules = self._rules
            self._endpoint.authenticate(users.values(), algorithms=rules.digest, silent=rules.silent)
            return
        for key in self._in_force.keys() - users.keys():
            engine.remove_credential(*key)
        for key, user in users.items():
            if self._in_force.get(key) != user:
                engine.add_credential(*user.as_tuple())
        self._in_force = dict(users)

    # names among the sources

    async def watch_names(self) -> None:
        """Looks up the names among trunks' sources, at once and every minute, until cancelled."""
        while True:
            results = await asyncio.gather(*(self._look_up(name) for name in self._trunks.names))
            if any(results):
                self.apply()
            await asyncio.sleep(REFRESH_S)

    async def _look_up(self, name: str) -> bool:
        """One name; whether its addresses have changed. Its last answer counts for an hour."""
        try:
            found = await self._endpoint.lookup_all(name)
        except OSError as error:
            return self._not_found(name, error)
        self._found[name] = self._endpoint.loop.time()
        changed = self._trunks.resolved(name, found)
        if changed or self._failing.pop(name, ""):
            logger.info("trunk source %s is %s", name, ", ".join(found))
        return changed

    def _not_found(self, name: str, error: OSError) -> bool:
        """One that cannot be looked up; the log is told when that begins, and when nobody is let in by it any more."""
        now, found = self._endpoint.loop.time(), self._found.get(name)
        lasting = found is not None and now - found < KEPT_S
        stage = "its last addresses count on" if lasting else "nobody is let in by that name"
        if self._failing.get(name) != stage:
            self._failing[name] = stage
            logger.warning("trunk source %s cannot be looked up (%s): %s", name, error, stage)
        return False if lasting else self._trunks.resolved(name, ())
