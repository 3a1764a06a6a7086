"""Registers trunks with their carriers: our side of REGISTER (RFC 3261 §10.2), kept alive over failures."""

import asyncio
import logging
import math
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from callwright.sip import contact
from callwright.sip.leg import Headers
from callwright.sip.uri import place_of, user_and_host, without_port

logger = logging.getLogger(__name__)

ANSWER_S = 8.0
LEAVE_S = 2.0
MOST_HOPS = 4
TOO_BRIEF, UNAUTHORIZED, PROXY_UNAUTHORIZED, NO_RESPONSE = 423, 401, 407, 408
LONGEST_S = 86400
FIRST_RETRY_S, REFUSED_S, LAST_RETRY_S = 15.0, 300.0, 900.0
"""Between attempts: doubled from the first to the last. Who is refused need not come back soon: more would lock him
out."""


class RegistrationState(Enum):
    """Whether a trunk's carrier knows where we are."""

    IDLE = "idle"
    REGISTERED = "registered"
    FAILED = "failed"
    REFUSED = "refused"
    GONE = "gone"


_FLOW: dict[RegistrationState, frozenset[RegistrationState]] = {
    RegistrationState.IDLE: frozenset(RegistrationState) - {RegistrationState.IDLE},
    RegistrationState.REGISTERED: frozenset(RegistrationState) - {RegistrationState.IDLE},
    RegistrationState.FAILED: frozenset(RegistrationState) - {RegistrationState.IDLE},
    RegistrationState.REFUSED: frozenset(RegistrationState) - {RegistrationState.IDLE},
    RegistrationState.GONE: frozenset(),
}


class Response(Protocol):
    """A final response."""

    @property
    def code(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def cseq(self) -> int: ...
    def values(self, name: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """What is registered, and where.

    Attributes:
        registrar: sip: URI without a user; its targets are found as those of calls are.
        username, password: answer its challenges, and only those of `realm`; "" for the first that asks.
        expires: seconds that are asked for.
    """

    registrar: str
    username: str
    password: str = field(repr=False)
    realm: str = ""
    expires: int = 3600

    @property
    def aor(self) -> str:
        """The address of record."""
        scheme = self.registrar.partition(":")[0]
        return f"{scheme}:{self.username}@{without_port(user_and_host(self.registrar)[1])}"


Send = Callable[[Line, Headers, str, float], Awaitable[Response]]
"""Sends a REGISTER of a line with these headers to a hop, answering one challenge; the last argument is its time in
seconds. 408 when nothing came, 503 when it could not be sent."""


class Registrant:
    """One trunk's registration.

    Args:
        send: sends a REGISTER.
        locate: finds the hops of a URI; raises OSError when there are none.
        on_change: told when the addresses of the registrar have changed.
        chance: a number from 0 to 1.

    Attributes:
        addresses: of the registrar: calls for the line may come from there.
        where: the hop that has confirmed it last.
        ends: loop time at which it expires.
        fault: why the last attempt has failed; "" when it has not.
    """

    def __init__(
        self,
        trunk: str,
        line: Line,
        *,
        send: Send,
        locate: Callable[[str], Awaitable[Sequence[str]]],
        on_change: Callable[["Registrant"], None] = lambda registrant: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.trunk, self.line = trunk, line
        self.addresses: frozenset[str] = frozenset()
        self.where, self.fault, self.ends = "", "", -math.inf
        self._send, self._locate, self._on_change, self._chance = send, locate, on_change, chance
        self._time = asyncio.get_running_loop().time
        self._state = RegistrationState.IDLE
        self._call_id, self._tag, self._cseq = secrets.token_hex(16), secrets.token_hex(8), 0
        self._asked = line.expires
        self._failures = 0

    @property
    def state(self) -> RegistrationState:
        """Only `_enter` changes it."""
        return self._state

    @property
    def registered(self) -> bool:
        """Whether calls can come: it was confirmed, and has not expired since."""
        return self._time() < self.ends

    @property
    def left(self) -> float:
        """Seconds until it expires; 0 when it is not registered."""
        return max(0.0, self.ends - self._time())

    def _enter(self, state: RegistrationState) -> None:
        if state is self._state or state not in _FLOW[self._state]:
            return
        self._state = state
        line = f"trunk={self.trunk} registration of {self.line.aor}"
        if state is RegistrationState.REGISTERED:
            logger.info("%s: registered at %s", line, self.where)
        elif state is RegistrationState.GONE:
            logger.info("%s: given up", line)
        else:
            logger.warning("%s: %s: %s", line, state.value, self.fault)

    async def serve(self) -> None:
        """Registers, and again before it expires, until cancelled."""
        while True:
            granted = await self._register()
            await asyncio.sleep(self._refresh(granted) if granted else self._retry())

    def _refresh(self, granted: int) -> float:
        """Before three quarters to nine tenths of it are over: trunks that came together do not stay together."""
        return max(1.0, granted * (0.75 + 0.15 * self._chance()))

    def _retry(self) -> float:
        first = REFUSED_S if self._state is RegistrationState.REFUSED else FIRST_RETRY_S
        longest = min(LAST_RETRY_S, first * 2.0 ** min(self._failures - 1, 10))
        return longest * (0.5 + 0.5 * self._chance())

    async def leave(self) -> None:
        """Takes the registration back; tries for 2 s."""
        if self.registered:
            try:
                await self._exchange(self.where, 0, LEAVE_S)
            except ValueError as error:
                logger.warning("trunk=%s cannot be unregistered: %s", self.trunk, error)
        self.ends = -math.inf
        self._enter(RegistrationState.GONE)

    async def _register(self) -> int:
        """One round over the registrar's places. Returns the seconds that it is good for; 0: it failed."""
        try:
            hops = (await self._locate(self.line.registrar))[:MOST_HOPS]
        except OSError as error:
            return self._failed(RegistrationState.FAILED, str(error))
        for hop in hops:
            try:
                response = await self._exchange(hop, self._asked, ANSWER_S)
            except ValueError as error:
                return self._failed(RegistrationState.FAILED, str(error))
            if 200 <= response.code < 300:
                return self._confirmed(hop, hops, response)
            fault = f"{response.code} {response.reason}"
            if 400 <= response.code < 500 and response.code != NO_RESPONSE:
                return self._failed(RegistrationState.REFUSED, fault)
        return self._failed(RegistrationState.FAILED, fault)

    async def _exchange(self, hop: str, expires: int, seconds: float) -> Response:
        """A REGISTER at one place; once more when it wants a longer time (423)."""
        response = await self._request(hop, expires, seconds)
        least = response.values("Min-Expires")
        if response.code == TOO_BRIEF and least and least[0].strip().isdigit():
            self._asked = min(LONGEST_S, int(least[0]))
            response = await self._request(hop, self._asked, seconds)
        return response

    async def _request(self, hop: str, expires: int, seconds: float) -> Response:
        self._cseq += 1
        headers = [
            ("From", f"<{self.line.aor}>;tag={self._tag}"),
            ("To", f"<{self.line.aor}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} REGISTER"),
            ("Expires", str(expires)),
        ]
        response = await self._send(self.line, headers, hop, seconds)
        self._cseq = max(self._cseq, response.cseq)
        return response

    def _confirmed(self, hop: str, hops: Sequence[str], response: Response) -> int:
        granted = max(1, min(LONGEST_S, self._granted(response)))
        self.where, self.fault, self._failures = hop, "", 0
        self.ends = self._time() + granted
        hosts = (user_and_host(place_of(self.line.registrar, one))[1] for one in hops)
        addresses = frozenset(without_port(host).strip("[]") for host in hosts)
        if addresses != self.addresses:
            self.addresses = addresses
            self._on_change(self)
        self._enter(RegistrationState.REGISTERED)
        return granted

    def _granted(self, response: Response) -> int:
        """Of our binding; its Contact has our user. Without one, of the whole response (RFC 3261 §10.2.4)."""
        try:
            contacts = contact.parse(response.values("Contact")) or []
        except ValueError:
            contacts = []  # what it has granted cannot be read: what was asked for is as good
        own = [one for one in contacts if user_and_host(one.uri)[0] == self.line.username]
        times = [one.expires for one in own if one.expires is not None]
        whole = [int(value) for value in response.values("Expires") if value.strip().isdigit()]
        return min(times or whole or [self._asked])

    def _failed(self, state: RegistrationState, fault: str) -> int:
        self._failures += 1
        self.fault = fault
        self._enter(state)
        return 0
