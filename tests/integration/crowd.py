"""`Crowd`: live calls of a line, among which a test's own ones run.

crowd = await Crowd.on(line)                      # they hear what they should
...                                               # the test
await crowd.undisturbed()                         # and still do
"""

import asyncio

from tests.harness import Phone, PhoneCall
from tests.harness.application import Received

from .line import Line, document

LISTENERS, TALKERS = 20, 8
PROMPT_HZ, TALK_HZ = 620.0, 1250.0


class Crowd:
    """Callers who hear an endless prompt, and a conference in which one of them speaks.

    Attributes:
        listeners, talkers: their calls; the first of the talkers speaks.
    """

    def __init__(self, line: Line, phone: Phone) -> None:
        self._line, self._phone = line, phone
        self._room = f"crowd {line.plan.index}"
        self.listeners: list[PhoneCall] = []
        self.talkers: list[PhoneCall] = []

    @classmethod
    async def on(cls, line: Line, listeners: int = LISTENERS, talkers: int = TALKERS) -> "Crowd":
        """The document at /voice is the crowd's until this returns."""
        crowd = cls(line, await line.phone("crowd"))
        line.sound("/crowd.wav", PROMPT_HZ, 10.0)
        line.application.on("/voice", crowd._document)
        calls = [await crowd._call(place < listeners) for place in range(listeners + talkers)]
        crowd.listeners, crowd.talkers = calls[:listeners], calls[listeners:]
        await asyncio.gather(*(call.answered() for call in calls))
        await line.requests("/voice", len(calls))
        crowd.talkers[0].media.tone(TALK_HZ)
        await crowd.undisturbed()
        return crowd

    async def _call(self, listens: bool) -> PhoneCall:
        number = self._line.plan.bare if listens else self._line.plan.number
        return await self._line.call(number=number, phone=self._phone)

    def _document(self, request: Received) -> str:
        if request.params["To"] == self._line.plan.bare:
            return document('<Play loop="0">/crowd.wav</Play>')
        return document(f'<Dial><Conference beep="false">{self._room}</Conference></Dial>')

    async def undisturbed(self) -> None:
        """Each hears what he should."""
        await asyncio.gather(
            *(call.media.heard_tone(PROMPT_HZ) for call in self.listeners),
            *(call.media.heard_tone(TALK_HZ) for call in self.talkers[1:]),
        )
