"""`Meeting`: a conference of a line's callers, each with a tone of its own.

meeting = await Meeting.of(line, 3)               # they hear each other
await meeting.hears(0, 1, 2)                      # the first hears the others
await meeting.hears_nothing(2)
await meeting.told("participant-join", 0)         # the next status callback of the conference
"""

from typing import Any

import numpy as np

from tests.harness import PhoneCall, tones
from tests.harness.application import Received
from tests.harness.tones import Pcm
from tests.harness.waiting import within

from .line import Line, document

HERTZ = (500.0, 700.0, 1100.0, 1500.0)
"""Of the participants; clear of the beeps, and of hold music's strongest tones."""
EVENTS = "start end join leave mute hold modify announcement"


class Meeting:
    """A conference under test.

    Attributes:
        calls, sids: the participants and their CallSids, in the order in which they came.
        name: of the conference.
        sid: CF..., once a callback has told it.
    """

    def __init__(self, line: Line, name: str) -> None:
        self.line = line
        self.name = name
        self.calls: list[PhoneCall] = []
        self.sids: list[str] = []
        self.sid = ""
        self.sequence = 0
        line.application.on("/conference", "")

    @classmethod
    async def of(cls, line: Line, count: int, attributes: str = "", dial: str = "") -> "Meeting":
        """So many callers in one conference, who hear each other; the tones of the entrances are over."""
        meeting = cls(line, f"room {line.plan.index}")
        for _ in range(count):
            await meeting.joins(attributes, dial=dial)
        return meeting

    async def joins(self, attributes: str = "", *, dial: str = "", after: str = "", events: str = EVENTS) -> PhoneCall:
        """One more caller, who is in the conference when this returns.

        Args:
            attributes: of <Conference>; beeps are off unless they say otherwise.
            dial: attributes of <Dial>.
            after: verbs that follow.
        """
        beep = "" if "beep=" in attributes else 'beep="false"'
        callback = f'statusCallback="/conference" statusCallbackEvent="{events}"'
        noun = f"<Conference {beep} {callback} {attributes}>{self.name}</Conference>"
        self.line.application.on("/voice", document(f"<Dial {dial}>{noun}</Dial>{after}"))
        call = await self.line.call()
        await call.answered()
        self.sids.append((await self.line.request("/voice")).form["CallSid"])
        call.media.tone(HERTZ[len(self.calls)])
        self.calls.append(call)
        await self.line.daemon.logged(rf"{self.sids[-1]} conference sid=")
        return call

    async def hears(self, place: int, *others: int, timeout: float = 5.0) -> None:
        """Waits until a participant hears these others, and nobody else, for 0.3 s."""
        media = self.calls[place].media
        await within(
            self._hears(place, frozenset(others)), timeout, lambda: f"{place} hears {others}: {media.describe()}"
        )

    async def _hears(self, place: int, others: frozenset[int]) -> None:
        media = self.calls[place].media
        while True:
            heard = media.pcm(last=0.3)
            levels = [tones.tone_dbov(heard, hz) for hz in HERTZ[: len(self.calls)]]
            if all((level > -25) if other in others else (level < -45) for other, level in enumerate(levels)):
                return
            await media.received(1)

    async def hears_nothing(self, place: int) -> None:
        """Waits until a participant hears silence."""
        await self.calls[place].media.silence_heard(0.4)

    async def told(self, event: str, place: int | None = None, **facts: str) -> Received:
        """The next callback; it must be this event, of this participant, with the next sequence number."""
        request = await self.line.request("/conference")
        self.sequence += 1
        form = request.params
        self.sid = self.sid or form["ConferenceSid"]
        expected: dict[str, Any] = {
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self.sequence),
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "AccountSid": self.line.daemon.account_sid,
            **facts,
        }
        if place is not None:
            expected["CallSid"] = self.sids[place]
        found = {name: form.get(name) for name in expected}
        assert found == expected, f"{found}\n{expected}\n{self.line.application.history()}"
        return request

    async def do(self, work: Any) -> Any:
        """What a function returns that gets the vendor's client."""
        return await self.line.daemon.rest.do(work)

    async def participant(self, place: int, **changes: Any) -> Any:
        """Changes a participant by the API."""
        name, sid = self.name, self.sids[place]
        return await self.do(lambda client: client.conferences(name).participants(sid).update(**changes))


def music_heard(pcm: Pcm) -> bool:
    """Whether this is hold music of our own: sound all the time, and in several tones at once."""
    return tones.level_dbov(pcm) > -40 and len(tones.frequencies(pcm)) >= 2


def steady_tone(pcm: Pcm, hz: float) -> bool:
    """Whether a tone is in every 100 ms of the samples."""
    return all(tones.contains(piece, hz) for piece in np.array_split(pcm, max(1, len(pcm) // 800)))
