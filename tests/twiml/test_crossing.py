"""A caller who is passed on to another application, with the documents of both (call-control reference §6.6)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from callwright.calls.application import Application, Hook
from callwright.calls.call import Call
from callwright.twiml.document import parse
from callwright.twiml.session import Answer as SessionAnswer
from callwright.twiml.session import Session
from tests.calls.fakes import Room
from tests.calls.jumping import skipping, turns
from tests.twiml.playbook import Answer

T = TypeVar("T")
SID = "AP" + "7" * 32
OTHER, DONE = "http://other.example/voice", "http://app.example/done"


class Site:
    """A room whose calls run documents.

    Attributes:
        asked: URL and parameters of each request.
    """

    def __init__(self, room: Room, documents: Mapping[str, str]) -> None:
        self.room, self.documents = room, documents
        self.asked: list[tuple[str, dict[str, str]]] = []
        applications = {SID: Application(voice=Hook(OTHER))}
        object.__setattr__(room.exchange, "scripts", self)
        object.__setattr__(room.exchange, "applications", lambda _, sid: applications.get(sid))
        room.switchboard._open_session = lambda call: Session(call, self, call.application)

    async def screen(self, call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        raise AssertionError("nobody is screened here")

    async def serve(self, call: Call) -> None:
        await self.room.switchboard.serve(call)

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        self.asked.append((hook.url, params))
        return parse(Answer(f"<Response>{self.documents[hook.url]}</Response>".encode(), "text/xml", hook.url))

    async def given(self, text: str, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        raise AssertionError("every document has a URL")

    def amend(self, application: Application) -> None:
        raise AssertionError("nobody changes anything")

    async def over(self) -> None:
        """Returns when no call lives."""
        while self.room.exchange.live:
            await turns(1)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    with skipping(asyncio.get_running_loop()):
        made = Room.open(tmp_path)
        yield made
        await made.close()


DIAL = (
    f"<Dial action='/done'><Application customerId='me'><ApplicationSid>{SID}</ApplicationSid>"
    "<Parameter name='Order' value='7'/></Application></Dial>"
)


@pytest.mark.parametrize(
    ("other", "status", "returned"),
    [
        ("<Pause/><Say>x</Say><Hangup><Parameter name='Paid' value='yes'/></Hangup>", "completed", "yes"),
        ("<Reject reason='busy'><Parameter name='Paid' value='no'/></Reject>", "busy", "no"),
        ("<Say>x</Say>", "completed", None),
    ],
)
async def test_there_and_back(room: Room, other: str, status: str, returned: str | None) -> None:
    site = Site(room, {"http://app.example/voice": DIAL, OTHER: other, DONE: "<Say>Back</Say>"})
    leg = room.engine.incoming()
    spoken = 1 if "Say" in other else 0
    for count in range(1, spoken + 2):
        room.engine.played((await room.engine.until("player", count=count)).node)
    await site.over()
    (_, first), (_, there), (_, back) = site.asked
    assert (there["CallStatus"], there["Direction"], there["To"], there["ParentCallSid"]) == (
        "ringing",
        "inbound",
        SID,
        first["CallSid"],
    )
    assert (there["Param_Order"], there["CustomerId"], there["ApplicationSid"]) == ("7", "me", SID)
    assert (back["CallSid"], back["CallStatus"]) == (first["CallSid"], "in-progress")
    assert (back["DialCallStatus"], back["DialCallSid"]) == (status, there["CallSid"])
    assert back.get("ReturnParam_Paid") == returned
    assert room.sounds.asked[-1] == "Back" and len(room.engine.of("hangup", leg)) == 1


def test_the_documents_are_what_they_should_be() -> None:
    assert parse(f"<Response>{DIAL}</Response>".encode(), "text/xml", "http://app.example/voice").warnings == ()
