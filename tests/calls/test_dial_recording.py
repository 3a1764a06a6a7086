"""Recordings of dials (call-control reference §1.6)."""

import asyncio

import pytest

from callwright.calls.control import DialRecording
from tests.calls.dialling import BOB, Dialling
from tests.calls.fakes import Room
from tests.calls.jumping import turns


class TestRecording:
    """record=... (call-control reference §1.6)."""

    @pytest.mark.parametrize("track", ["both", "inbound", "outbound"])
    @pytest.mark.parametrize("dual", [False, True])
    async def test_from_answer(self, room: Room, dual: bool, track: str) -> None:
        dialling = await Dialling.begin(room, [BOB], recording=DialRecording(dual=dual, track=track))
        bob = await room.engine.called()
        await turns()
        assert not room.engine.of("recorder")
        room.engine.answer_of(bob)
        tape = await room.engine.until("recorder")
        assert tape.values["channels"] == 1 + dual
        heard = [c for c in room.engine.of("connect", dialling.leg) if c.values["sink"] == tape.node]
        overheard = [c.values["listener"] for c in room.engine.of("overhear", dialling.leg)]
        assert (len(heard), overheard) == (
            0 if track == "outbound" else 1,
            [] if track == "inbound" else [tape.node + dual],
        )
        room.engine.end(bob)
        recorded = (await dialling.task).recording
        assert recorded is not None and recorded.duration == 2
        row = room.rows.row("recordings", recorded.sid)
        assert (row["status"], row["source"], row["track"]) == ("completed", "DialVerb", track)
        assert row["call_sid"] == dialling.call.sid

    async def test_from_ringing_without_an_answer(self, room: Room) -> None:
        dialling = await Dialling.begin(room, [BOB], recording=DialRecording(from_ringing=True))
        tape = await room.engine.until("recorder")
        room.engine.end(await room.engine.called(), 486)
        dialled = await dialling.task
        assert dialled.status == "busy" and dialled.recording is not None
        assert len(room.engine.of("stop", tape.node)) == 1

    async def test_caller_leaves(self, room: Room) -> None:
        dialling = await Dialling.begin(room, [BOB], recording=DialRecording())
        bob = await room.engine.called()
        room.engine.answer_of(bob)
        await room.engine.until("recorder")
        room.engine.end(dialling.leg)
        dialled = await dialling.task
        assert dialled.hung_up and dialled.recording is not None

    async def test_cancelled(self, room: Room) -> None:
        dialling = await Dialling.begin(room, [BOB], recording=DialRecording())
        bob = await room.engine.called()
        room.engine.answer_of(bob)
        await room.engine.until("connect", bob)
        dialling.task.cancel()
        await asyncio.wait({dialling.task})
        await room.exchange.tasks.settle(0.5)
        (row,) = room.rows.tables["recordings"].values()
        assert row["status"] == "completed"
