"""The SIP edge of a running daemon: its trunks and users, who is registered, who watches whom, and who is let in."""

import logging
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

from callwright.config import Config
from callwright.sip.access import Access
from callwright.sip.domains import Domains
from callwright.sip.endpoint import Endpoint
from callwright.sip.events.service import Events
from callwright.sip.events.service import over as notified_over
from callwright.sip.health import Health
from callwright.sip.interconnect import Interconnect
from callwright.sip.liveness import Grace, Liveness
from callwright.sip.phone_pings import PhonePings
from callwright.sip.phone_pings import over as pinged_over
from callwright.sip.registrar import Registrar
from callwright.sip.registration import Terms
from callwright.sip.roster import Roster
from callwright.sip.routes import Routes
from callwright.sip.routes import declared as declared_route
from callwright.sip.sources import Names
from callwright.sip.trunks import Trunks
from callwright.sip.trunks import declared as declared_trunk
from callwright.sip.users import Users
from callwright.sip.vouching import declared as vouching
from callwright.store.directory import Directory
from callwright.store.store import Store

logger = logging.getLogger(__name__)


class Edge:
    """Its parts.

    Attributes:
        trunks, users: those of the configuration file; `users` knows those of `domains` too.
        domains: the API's SIP domains.
        roster: users whom applications vouch for; `ask` of it asks them.
        registrar: where users' phones are.
        liveness: which of them are not there any more.
        endpoint: the engine; from `open` on.
        events: subscriptions and publications; from `open` on.
        health: which of the trunks' gateways are left alone.
        interconnect: what trunks do by themselves; from `open` on.
    """

    endpoint: Endpoint
    events: Events
    interconnect: Interconnect
    _access: Access

    def __init__(self, config: Config, store: Store, resources: Directory) -> None:
        self._config, self._store = config, store
        routes = Routes(declared_route(section) for section in config.route)
        self.trunks = Trunks((declared_trunk(section) for section in config.trunk), routes, realm=config.sip.domain)
        self.users = Users.of(config)
        sip = config.sip
        self.registrar = Registrar(self.users, store, Terms(sip.min_expires, sip.max_expires, sip.default_expires))
        self.liveness = Liveness(self.registrar, Grace(sip.connection_grace_s, sip.start_grace_s))
        self.domains = self._hosted(resources)
        self.roster = Roster(vouching(config))
        self.roster.registered = lambda aor: bool(self.registrar.bindings_of(aor))
        self.users.vouch(self.roster)
        self.health = Health()

    def _hosted(self, resources: Directory) -> Domains:
        """Their users are known before the registrations of the last run are taken up."""
        realm = self._config.sip.domain
        own = [user.credential for user in self.users] + self.trunks.credentials()
        domains = Domains(resources, realm, {one.username for one in own if one.realm == realm})
        domains.refresh()
        self.users.host(domains)
        return domains

    async def open(self, stack: AsyncExitStack) -> None:
        """Lets peers in; calls are turned away until somebody sets `endpoint.incoming`.

        Raises:
            StartError: the engine does not start.
            StoreError: what the last run has kept cannot be read.
        """
        await self.registrar.load()
        self.liveness.resume()
        config, sip = self._config, self._config.sip
        self.endpoint = Endpoint(config, self.trunks.sources(), self.trunks.policies())
        stack.push_async_callback(self._close_endpoint)
        self.endpoint.flow_closed.append(self.liveness.closed)
        terms, most = self.registrar.terms, (sip.subscriptions, sip.user_subscriptions)
        self.events = Events(self.registrar, self.trunks, self._store, terms, most, notified_over(self.endpoint))
        self._access = Access(config, self.endpoint, self.trunks, self.registrar, self.domains, self.roster)
        self._access.open()
        stack.callback(self._access.close)
        stack.push_async_callback(self.roster.close)
        await self.events.load()
        self.events.answer(self.endpoint)
        stack.push_async_callback(self.events.notifier.close)
        self.interconnect = Interconnect(self.endpoint, self.trunks, self.health, self._access.apply)

    async def _close_endpoint(self) -> None:
        """The calls are over: whatever the engine still plays or records, nobody has stopped."""
        held = self.endpoint.engine.counts()
        if not held["legs"] and (left := {kind: held[kind] for kind in ("ports", "bridge_ports") if held[kind]}):
            logger.error("the engine has %s without a call: please report it", left)
        await self.endpoint.close()

    def work(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs beside the calls until the daemon stops, by name."""
        if self.trunks.names:
            yield "trunk sources", Names(self.trunks, self._access.apply).watch()
        yield "registrar", self.registrar.serve()
        yield "registrations", self.registrar.prune()
        yield "connections of phones", self.liveness.serve()
        if period := self._config.sip.phone_ping_s:
            yield "pings of phones", PhonePings(self.registrar, period, pinged_over(self.endpoint)).serve()
        if self.roster.realms:
            yield "roster", self.roster.serve()
        yield from self.events.work()
        yield "trunks", self.interconnect.serve()
        if self.endpoint.speaks_tls:
            yield "SIP certificates", self.endpoint.watch_certificates()
