"""The test phone: what it hears, and when the demonstration has gone well."""

import array
import asyncio
from pathlib import Path
from typing import Any

import pytest

from callwright.demo import phone
from callwright.demo.phone import MENU_S, Report, _hear, level_dbov
from tests.calls.fakes import Room


def samples(amplitude: int, count: int = 160) -> bytes:
    return array.array("h", [amplitude, -amplitude] * (count // 2)).tobytes()


def test_level() -> None:
    assert level_dbov(samples(32767)) == pytest.approx(0, abs=0.01)
    assert level_dbov(samples(3277)) == pytest.approx(-20, abs=0.1)
    assert level_dbov(b"") < -90 and level_dbov(samples(0)) < -90


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"code": 503}, False),
        ({"by": "local"}, False),
        ({"sound_after_key": -1.0}, False),
        ({"first_sound": -1.0}, False),
    ],
)
def test_well(change: dict[str, Any], well: bool) -> None:
    facts: dict[str, Any] = {"answered": 0.1, "first_sound": 0.2, "pressed": 1.3, "sound_after_key": 1.6}
    assert Report(**(facts | {"code": 200, "by": "remote"} | change)).well is well


async def test_key_is_pressed_in_the_menu_and_the_answer_follows_a_gap(tmp_path: Path) -> None:
    room = Room.open(tmp_path)
    leg = room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>")
    report, lines = Report(), []
    for now, silence in ((0.3, 0.3), (0.5, 0.0), (0.3 + MENU_S + 0.1, 0.0), (1.5, 0.0), (1.7, 0.1), (1.9, 0.0)):
        _hear(leg, "7", report, lines.append, now, silence)
    assert (report.first_sound, report.pressed, report.sound_after_key) == (0.3, 0.3 + MENU_S + 0.1, 1.7)
    assert [one.values["digits"] for one in room.engine.of("send_digits", leg.node)] == ["7"]
    assert len(lines) == 3
    await room.close()


async def test_refused_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room.open(tmp_path)
    monkeypatch.setattr(phone, "Endpoint", lambda config, sources: room.endpoint)
    lines: list[str] = []
    task = asyncio.create_task(phone.demonstrate("sip:x@y", "5", "127.0.0.1", lines.append))
    room.engine.end(await room.engine.called(), 486, reason="Busy Here")
    report = await task
    assert (report.answered, report.code, report.reason, report.well) == (-1, 486, "Busy Here", False)
    assert lines[-1] == "ended by the remote side: 486 Busy Here"
