"""<Echo> (call-control reference §1.2)."""

from callwright.twiml.verbs import Echo
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, hang_up, op, twiml


def test_it_has_nothing_to_say() -> None:
    parsed = document("<Echo loop='1'>x<Say>y</Say></Echo>")
    assert parsed.verbs == (Echo(),)
    assert codes(parsed) == [12200, 12200, 12200]


async def test_it_lasts_until_hang_up() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Echo/><Say>Unreachable</Say>"), hang_up(op("echo"))).play_out()
