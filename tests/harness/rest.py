"""The vendor's own client library, pointed at a daemon under test."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

T = TypeVar("T")


class RedirectedHttp(TwilioHttpClient):  # type: ignore[misc]  # the base class has no types
    """Sends what was meant for any host of the vendor to the daemon instead; path and query stay."""

    def __init__(self, base_url: str, timeout: float = 10.0) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base_url)
        self.session.trust_env = False

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """As the base class, at the daemon."""
        parts = urlsplit(url)
        there = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        return super().request(method, there, *args, **options)


class Rest:
    """The client of one account. It blocks, so that its requests run in a thread.

    calls = await rest.do(lambda client: client.calls.list(limit=5))
    """

    def __init__(self, base_url: str, account: str, token: str) -> None:
        self._http = RedirectedHttp(base_url)
        self.client = Client(account, token, http_client=self._http)

    async def do(self, work: Callable[[Any], T]) -> T:
        """The result of the function, which gets the client; what it raises is raised here."""
        return await asyncio.to_thread(work, self.client)

    def close(self) -> None:
        """Closes its connections."""
        self._http.session.close()
