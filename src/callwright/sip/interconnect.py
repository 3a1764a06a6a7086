"""What the trunks do by themselves while calls come and go: pings of their gateways, registrations with carriers."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from callwright.sip.health import Health
from callwright.sip.leg import Headers
from callwright.sip.pings import ANSWER_S, Pings
from callwright.sip.registrant import LEAVE_S, Line, Registrant
from callwright.sip.transaction import Credentials, Response, transact
from callwright.sip.trunks import Trunks
from callwright.sip.uri import place_of

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

logger = logging.getLogger(__name__)


class Interconnect:
    """The trunks' own traffic.

    Args:
        health: is told what pings find.
        admit: called when calls are to be let in from other addresses than before (`Trunks.sources`).
    """

    def __init__(self, endpoint: "Endpoint", trunks: Trunks, health: Health, admit: Callable[[], None]) -> None:
        self._endpoint, self._trunks, self._admit = endpoint, trunks, admit
        self._pings = Pings(trunks, health, ask=self._ask, locate=endpoint.hops)
        self.registrants = [
            Registrant(trunk.name, trunk.line, send=self._register, locate=endpoint.hops, on_change=self._on_change)
            for trunk in trunks
            if trunk.line is not None
        ]

    async def serve(self) -> None:
        """Pings, registers and keeps names fresh until cancelled; then takes the registrations back, in 2 s."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._endpoint.locator.keep_fresh(self._uris), name="names of targets")
                group.create_task(self._pings.serve(), name="pings")
                for registrant in self.registrants:
                    group.create_task(registrant.serve(), name=f"registration of {registrant.trunk}")
        finally:
            await self._leave()

    async def _leave(self) -> None:
        leaving = [asyncio.create_task(registrant.leave()) for registrant in self.registrants]
        if not leaving:
            return
        _, late = await asyncio.wait(leaving, timeout=LEAVE_S + 1)
        for task in late:
            task.cancel()
        for result in await asyncio.gather(*leaving, return_exceptions=True):
            if isinstance(result, Exception):
                logger.error("a registration could not be taken back", exc_info=result)

    def _uris(self) -> Iterator[str]:
        """Whose names a call or a refresh will need."""
        yield from self._trunks.target_uris()
        yield from (registrant.line.registrar for registrant in self.registrants)

    async def _ask(self, uri: str, hop: str) -> Response:
        return await transact(self._endpoint, "OPTIONS", uri, next_hop=place_of(uri, hop), timeout=ANSWER_S)

    async def _register(self, line: Line, headers: Headers, hop: str, seconds: float) -> Response:
        return await transact(
            self._endpoint,
            "REGISTER",
            line.registrar,
            headers=headers,
            next_hop=place_of(line.registrar, hop),
            timeout=seconds,
            credentials=Credentials(line.username, line.password, line.realm) if line.password else None,
        )

    def _on_change(self, registrant: Registrant) -> None:
        """Calls of the line are let in from where it is registered."""
        self._trunks.registered(registrant.trunk, registrant.line.username, registrant.addresses)
        self._admit()
