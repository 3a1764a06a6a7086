"""Host names among trunks' sources, kept fresh: looked up every minute, and the last answer counts for an hour."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence

from callwright.sip.trunks import Trunks

logger = logging.getLogger(__name__)

REFRESH_S = 60.0
KEPT_S = 3600.0
LOOKUP_S = 5.0
MOST_ADDRESSES = 64


async def addresses_of(host: str) -> Sequence[str]:
    """All addresses of a name, at most 64, by the machine's own resolver and in its order.

    Raises:
        OSError: there is none, or none came within 5 s.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except TimeoutError:
        raise OSError(f"no address within {LOOKUP_S:g} s") from None
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(str(error)) from None
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))[:MOST_ADDRESSES]


class Names:
    """Looks up the names among the sources of all trunks.

    Args:
        changed: called when a name has other addresses than before.
    """

    def __init__(
        self,
        trunks: Trunks,
        changed: Callable[[], None],
        lookup: Callable[[str], Awaitable[Sequence[str]]] = addresses_of,
    ) -> None:
        self._trunks, self._changed, self._lookup = trunks, changed, lookup
        self._found: dict[str, float] = {}  # when each was last found
        self._failing: dict[str, str] = {}  # what the log was told of those that are not

    async def watch(self) -> None:
        """Looks all of them up, at once and every minute, until cancelled."""
        while True:
            if any(await asyncio.gather(*(self._look_up(name) for name in self._trunks.names))):
                self._changed()
            await asyncio.sleep(REFRESH_S)

    async def _look_up(self, name: str) -> bool:
        """One name; whether its addresses have changed."""
        try:
            found = await self._lookup(name)
        except OSError as error:
            return self._not_found(name, error)
        self._found[name] = asyncio.get_running_loop().time()
        changed = self._trunks.resolved(name, found)
        if self._failing.pop(name, "") or changed:
            logger.info("trunk source %s is %s", name, ", ".join(found))
        return changed

    def _not_found(self, name: str, error: OSError) -> bool:
        """One that cannot be looked up; the log is told when that begins, and when nobody is let in by it any more."""
        now, found = asyncio.get_running_loop().time(), self._found.get(name)
        lasting = found is not None and now - found < KEPT_S
        stage = "its last addresses count on" if lasting else "nobody is let in by that name"
        if self._failing.get(name) != stage:
            self._failing[name] = stage
            logger.warning("trunk source %s cannot be looked up (%s): %s", name, error, stage)
        return False if lasting else self._trunks.resolved(name, ())
