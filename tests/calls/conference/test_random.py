"""Whatever happens in a conference, each hears whom he should, what is told adds up, and nothing is left."""

import random
from collections.abc import Callable

import pytest

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Programme
from callwright.calls.conference.conference import EndReason
from callwright.calls.conference.participant import Reason
from callwright.calls.control import Silence
from callwright.errors import RoomError
from tests.calls.attending import TOLD, Attendance, events, heard
from tests.calls.fakes import SETTINGS, Room
from tests.calls.jumping import turns

STEPS = 60
WAIT = Hook("http://app.example/wait")
PLENTY = {"trunk": [{**SETTINGS["trunk"][0], "max_calls": 300, "calls_per_second": 1000}]}


def should_hear(attending: list[Attendance]) -> set[tuple[int, int]]:
    """Who should hear whom, from what each is, one pair at a time."""
    found = set()
    for source, one in enumerate(attending):
        for sink, other in enumerate(attending):
            if source == sink or one.task.done() or other.task.done():
                continue
            speaker, listener = one.participant, other.participant
            if not one.conference.started or speaker.hold or listener.hold or speaker.muted:
                continue
            if not speaker.coach or speaker.coach == other.call.sid:
                found.add((source, sink))
    return found


class Chance:
    """Does something to a conference, by a seeded chance."""

    def __init__(self, room: Room, seed: int) -> None:
        self.room, self.random = room, random.Random(seed)
        self.attending: list[Attendance] = []
        room.programmes.of[WAIT.url] = [Programme((Silence(3.0),)), Programme((), endless=True)]

    @property
    def there(self) -> list[Attendance]:
        return [one for one in self.attending if not one.task.done()]

    async def step(self) -> None:
        there = self.there
        if len(there) < 2 or (len(there) < 7 and self.random.random() < 0.3):
            await self._join()
            return
        one, other = self.random.choice(there), self.random.choice(there)
        conference, participant = one.conference, one.participant
        match self.random.randrange(9):
            case 0:
                conference.mute(participant, self.random.random() < 0.5)
            case 1 | 2:
                conference.hold(participant, self.random.random() < 0.5, self._sound())
            case 3:
                try:
                    conference.coach(participant, self.random.choice(["", other.call.sid]))
                except RoomError:
                    assert one is other
            case 4:
                conference.modify(participant, end_on_exit=self.random.random() < 0.2, wait=self._sound())
            case 5:
                self.room.engine.end(one.leg)
            case 6:
                conference.remove(participant, Reason.UPDATED_BY_REQUEST, kicked=True)
            case 7:
                one.task.cancel()
            case 8 if self.random.random() < 0.2:
                conference.end(EndReason.BY_REQUEST)

    def _sound(self) -> Backdrop | Hook:
        return self.random.choice([Backdrop.MUSIC, Backdrop.SILENCE, WAIT])

    async def _join(self) -> None:
        starts, muted = self.random.random() < 0.7, self.random.random() < 0.2
        beeps = self.random.random() < 0.5
        self.attending.append(
            await Attendance.begin(
                self.room, start_on_enter=starts, muted=muted, wait=self._sound(), beep_on_enter=beeps
            )
        )


@pytest.mark.parametrize("seed", range(25))
async def test_each_hears_whom_he_should(rooms: Callable[..., Room], seed: int) -> None:
    room = rooms(**PLENTY)
    chance = Chance(room, seed)
    for _ in range(STEPS):
        await chance.step()
        await turns()
        assert heard(room, *chance.attending) == should_hear(chance.attending)
    for one in chance.there:
        room.engine.end(one.leg)
    await turns()
    assert room.engine.edges() - taps(room) == set()
    told = events(room)
    assert told.count("participant-join") == told.count("participant-leave") == len(chance.attending)
    assert told.count("conference-end") == len(room.rows.tables["conferences"])
    for sid in {posted["ConferenceSid"] for posted in room.posts.of(TOLD.url)}:
        numbers = [
            int(posted["SequenceNumber"]) for posted in room.posts.of(TOLD.url) if posted["ConferenceSid"] == sid
        ]
        assert numbers == list(range(1, len(numbers) + 1))
    for bus in room.engine.of("bus"):
        assert room.engine.of("stop", bus.node) and room.engine.playing(bus.node) == []
    assert all(room.engine.playing(one.leg) == [] for one in chance.attending)


def taps(room: Room) -> set[tuple[int, int]]:
    """Edges to taps that are gone with them."""
    stopped = {command.node for command in room.engine.of("stop")}
    nodes = {command.node for command in room.engine.of("tap")} & stopped
    return {(source, sink) for source, sink in room.engine.edges() if sink in nodes}
