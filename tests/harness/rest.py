"""The vendor's own client library, pointed at a daemon under test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]  # twilio has no types
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

T = TypeVar("T")


class RedirectedHttp(TwilioHttpClient):  # type: ignore[misc]  # the base class has no types
    """Sends what was meant for any host of the vendor to the daemon instead; path and query stay."""

    def __init__(self, base_url: str, timeout: float = 10.0) -> None:
        super().__init__(timeout=timeout)
        self._base_url = base_url
        self.session.trust_env = False

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """As the base class, at the daemon."""
        return super().request(method, _there(self._base_url, url), *args, **options)


class RedirectedAsyncHttp(AsyncTwilioHttpClient):  # type: ignore[misc]  # the base class has no types
    """The same on the event loop."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    async def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """As the base class, at the daemon."""
        return await super().request(method, _there(self._base_url, url), *args, **options)


def _there(base_url: str, url: str) -> str:
    """A URL of another host, at the daemon."""
    base, parts = urlsplit(base_url), urlsplit(url)
    return urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))


class Rest:
    """The client of one account. It blocks, so that its requests run in a thread.

    calls = await rest.do(lambda client: client.calls.list(limit=5))
    """

    def __init__(self, base_url: str, account: str, token: str) -> None:
        self._base_url, self._account, self._token = base_url, account, token
        self._http = RedirectedHttp(base_url)
        self.client = Client(account, token, http_client=self._http)

    async def do(self, work: Callable[[Any], T]) -> T:
        """The result of the function, which gets the client; what it raises is raised here."""
        return await asyncio.to_thread(work, self.client)

    async def go(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """The same for what the client does asynchronously: `go(lambda client: client.calls.list_async())`."""
        async with RedirectedAsyncHttp(self._base_url) as http:
            return await work(Client(self._account, self._token, http_client=http))

    def close(self) -> None:
        """Closes its connections."""
        self._http.session.close()
