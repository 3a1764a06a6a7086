"""What is heard by those who wait, in memory."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.backdrop import Programme
from callwright.calls.call import Call
from callwright.engine import Sound
from callwright.errors import ApplicationError


@dataclass
class Programmes:
    """Documents beside a call's own, by URL.

    Attributes:
        of: what each URL gives; a URL that is not there fails.
        asked: URLs and parameters, in order.
        work: what a document does to a call that waits in a queue, by URL.
    """

    of: dict[str, list[Programme]] = field(default_factory=dict)
    work: dict[str, Callable[[Call], Awaitable[None]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def follow(
        self, hook: Hook, params: dict[str, str], *, account: Account, call: Call | None
    ) -> AsyncGenerator[Programme, None]:
        self.asked.append((hook.url, params))
        if hook.url not in self.of:
            raise ApplicationError("HTTP 404", code=11200, url=hook.url)
        for programme in self.of[hook.url]:
            yield programme

    async def perform(self, call: Call, hook: Hook, params: Callable[[], dict[str, str]], *, endless: bool) -> None:
        while True:
            self.asked.append((hook.url, params()))
            if hook.url not in self.work:
                raise ApplicationError("HTTP 404", code=11200, url=hook.url)
            await self.work[hook.url](call)
            if not endless:
                return


class HeldMusic:
    """Hold music: one sound."""

    def __init__(self) -> None:
        self.one = Sound(b"\1\0" * 160, 16000)

    async def sound(self) -> Sound:
        return self.one
