"""How digits reach a Gather: RFC 4733 as good and bad senders send it, and SIP INFO; none is lost or heard twice."""

import pytest

from tests.harness import PCMU, Codec, PhoneCall, tones

from .line import LATER, Line

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def gathering(line: Line, digits: int) -> PhoneCall:
    """An answered call that gathers so many digits."""
    line.on("/key", LATER)
    call = await line.call(f'<Gather action="/key" finishOnKey="" numDigits="{digits}" timeout="30"/>')
    await call.answered()
    return call


async def pressed(line: Line) -> str:
    """What the application was told."""
    return (await line.request("/key")).form["Digits"]


async def test_every_key(line: Line) -> None:
    call = await gathering(line, 12)
    await call.media.send_digits("0123456789*#", 0.06, 0.04)
    assert await pressed(line) == "0123456789*#"


async def test_letters(line: Line) -> None:
    call = await gathering(line, 4)
    await call.media.send_digits("ABCD", 0.06, 0.04)
    assert await pressed(line) == "ABCD"


async def test_the_same_key_again_and_again(line: Line) -> None:
    call = await gathering(line, 4)
    await call.media.send_digits("1111", 0.06, 0.04)
    assert await pressed(line) == "1111"


async def test_without_marker(line: Line) -> None:
    call = await gathering(line, 3)
    await call.media.send_digits("122", marker=False)
    assert await pressed(line) == "122"


async def test_ends_that_are_lost(line: Line) -> None:
    call = await gathering(line, 3)
    await call.media.send_digits("122", lost=(-1, -2, -3))
    await call.media.send_digits("9")  # a digit without an end may only be sure when the next begins
    assert await pressed(line) == "122"


async def test_ends_that_are_never_sent(line: Line) -> None:
    call = await gathering(line, 3)
    await call.media.send_digits("3345", end_packets=0)
    assert await pressed(line) == "334"


async def test_beginnings_that_are_lost(line: Line) -> None:
    call = await gathering(line, 3)
    await call.media.send_digits("577", lost=(0, 1, 2))
    assert await pressed(line) == "577"


async def test_all_but_one_end_packet_is_lost(line: Line) -> None:
    call = await gathering(line, 2)
    await call.media.play(tones.silence(0.2))  # a source whose first packets have gaps is on probation (RFC 3550 §A.1)
    await call.media.send_digits("88", 0.1, lost=(0, 1, 2, 3, 4, -2, -3))
    assert await pressed(line) == "88"


async def test_a_key_held_long_is_one_digit(line: Line) -> None:
    call = await gathering(line, 2)
    await call.media.send_digits("6", 1.5)
    await call.media.send_digits("7")
    assert await pressed(line) == "67"


async def test_a_key_without_any_sound_between(line: Line) -> None:
    call = await gathering(line, 3)
    await call.media.send_digits("121", 0.06, 0.0)
    assert await pressed(line) == "121"


@pytest.mark.parametrize("plain", [False, True], ids=["dtmf-relay", "dtmf"])
async def test_info(line: Line, plain: bool) -> None:
    call = await gathering(line, 3)
    for digit in "5#5":
        assert (await call.info_dtmf(digit, plain=plain)).status == 200
    assert await pressed(line) == "5#5"


async def test_info_from_a_phone_without_telephone_event(line: Line) -> None:
    line.on("/key", LATER)
    call = await line.call_with((PCMU,), '<Gather action="/key" numDigits="2" timeout="30"/>')
    assert call.remote_sdp is not None and call.remote_sdp.dtmf is None
    await call.info_dtmf("1")
    await call.info_dtmf("1")
    assert await pressed(line) == "11"


async def test_sent_both_ways_is_heard_once(line: Line) -> None:
    """Some phones send each key as RFC 4733 and as INFO."""
    call = await gathering(line, 3)
    for digit in "44":
        await call.media.send_digits(digit, 0.06, 0.04)
        await call.info_dtmf(digit)
    await call.media.send_digits("5")
    assert await pressed(line) == "445"


async def test_another_payload_type(line: Line) -> None:
    line.on("/key", LATER)
    events = Codec(110, "telephone-event", 8000, "0-16")
    call = await line.call_with((PCMU, events), '<Gather action="/key" numDigits="2" timeout="30"/>')
    assert call.remote_sdp is not None and call.remote_sdp.dtmf == events
    await call.media.send_digits("12")
    assert await pressed(line) == "12"
