"""Who the engine lets in: trunks' sources and users, the file's users, and those of the API's domains.

It is put together anew when one of its parts changes, and in force before the change is answered for.
"""

import asyncio
import ipaddress
from collections.abc import Mapping

from callwright.config import Config
from callwright.sip.credentials import Credential
from callwright.sip.domains import ANYWHERE, Domains
from callwright.sip.endpoint import Endpoint
from callwright.sip.registrar import Registrar
from callwright.sip.roster import Roster
from callwright.sip.trunks import SourcePolicy, Trunks
from callwright.sip.users import OPTIONAL

STRANGERS: list[SourcePolicy] = [(prefix, (), OPTIONAL, "", ()) for prefix in ANYWHERE]
"""Policies of users of the API's domains, wherever they are, and of sources that such a domain admits: encrypted media
are taken when they are offered."""


class Access:
    """The engine's lists of sources and of credentials.

    Args:
        registrar: it answers REGISTER as soon as anybody can authenticate.
        roster: it hands the engine users of its own, where nobody else's name is theirs.
    """

    def __init__(
        self,
        config: Config,
        endpoint: Endpoint,
        trunks: Trunks,
        registrar: Registrar,
        domains: Domains,
        roster: Roster | None = None,
    ) -> None:
        self._rules, self._endpoint, self._trunks = config.sip, endpoint, trunks
        self._registrar, self._domains = registrar, domains
        self._own = [user.credential for user in registrar.users]
        self._own += trunks.credentials()
        self._roster = Roster(()) if roster is None else roster
        self._policies = [*(user.policy for user in registrar.users), *trunks.user_policies()]
        self._in_force: dict[tuple[str, str], Credential] = {}
        self._admitted: object = None
        self._authenticates = False
        self._due: asyncio.Handle | None = None

    def open(self) -> None:
        """Lets in whoever may now, and from now on whenever that changes."""
        self._roster.taken = lambda key: key in self._in_force
        self._roster.open(self._endpoint.engine)
        self._endpoint.held = self._roster.take
        if self._policies:
            self._endpoint.engine.trust(self._policies)
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
        self._let_in()
        self._prove({(one.username, one.realm): one for one in (*self._domains.credentials.values(), *self._own)})

    def _let_in(self) -> None:
        hosted, own = map(str, self._domains.networks), self._trunks.sources()
        # of two policies for one prefix the first counts
        policies = [*self._trunks.policies(), *self._domains.policies(map(ipaddress.ip_network, own)), *STRANGERS]
        admitted = sorted({*own, *hosted}), policies
        if admitted != self._admitted:
            self._admitted = admitted
            self._endpoint.engine.admit(*admitted)

    def _prove(self, users: Mapping[tuple[str, str], Credential]) -> None:
        engine = self._endpoint.engine
        asking = self._roster.realms
        if not self._authenticates and (users or asking or self._rules.silent):
            self._authenticates = True
            self._in_force = dict(users)
            self._endpoint.requests["REGISTER"] = self._registrar.take
            rules = self._rules
            self._endpoint.authenticate(users.values(), algorithms=rules.digest, silent=rules.silent, asking=asking)
            return
        for key in self._in_force.keys() - users.keys():
            engine.remove_credential(*key)
        for key, user in users.items():
            if (known := self._in_force.get(key)) is not user and known != user:
                engine.add_credential(*user.as_tuple())
        self._in_force = dict(users)
