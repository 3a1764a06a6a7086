"""Who hears whom in a conference: each participant has a tone of its own (call-control reference §1.6)."""

import pytest

from tests.harness import tones

from .line import Line
from .meeting import HERTZ, Meeting, steady_tone

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def test_three_hear_each_other_and_not_themselves(line: Line) -> None:
    meeting = await Meeting.of(line, 3)
    for place, call in enumerate(meeting.calls):
        await meeting.hears(place, *(other for other in range(3) if other != place))
        assert tones.tone_dbov(call.media.pcm(last=0.5), HERTZ[place]) < -45
        assert steady_tone(call.media.pcm(last=0.5), HERTZ[(place + 1) % 3])
