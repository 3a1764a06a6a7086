"""Other people's phones against ours, both ways, with every tone measured."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from . import tones
from .baresip import Baresip
from .call import How
from .foreign import Sipp, program
from .sip import Phone

Phones = Callable[..., Awaitable[Phone]]
pytestmark = pytest.mark.integration


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_is_called(phones: Phones, baresip: Callable[..., Awaitable[Baresip]], transport: str) -> None:
    alice, bare = await phones("alice", transport=transport), await baresip(hz=600, transport=transport)
    call = await alice.call(bare.uri)
    await bare.event("CALL_ESTABLISHED")
    call.media.tone(1000)
    assert await call.media.heard_tone(600) == pytest.approx(-13, abs=1)
    await call.media.send_digits("12#")
    await bare.heard_digits("12#")
    await bare.send_digits("59*")
    await call.media.heard_digits("59*")
    await call.hangup()
    await bare.event("CALL_CLOSED")
    heard = await bare.recording()
    assert tones.contains(heard[-4000:], 1000) and not tones.contains(heard, 600)


async def test_baresip_calls_holds_and_hangs_up(phones: Phones, baresip: Callable[..., Awaitable[Baresip]]) -> None:
    alice, bare = await phones("alice"), await baresip(hz=600)
    await bare.dial(alice.uri)
    call = await alice.incoming()
    await call.ring()
    await call.answer()
    await bare.event("CALL_ESTABLISHED")
    call.media.tone(1000)
    await call.media.heard_tone(600)
    await bare.hold()
    await call.expect("INVITE")
    await call.expect("INVITE")
    assert call.remote_sdp is not None and call.remote_sdp.direction == "sendonly"
    await bare.resume()
    await call.expect("INVITE")
    mark = call.media.mark()
    await call.media.received(50, since=mark)
    await bare.hangup()
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert tones.contains((await bare.recording())[-1600:], 1000)


async def test_baresip_refuses_nothing_that_it_was_not_asked(
    phones: Phones, baresip: Callable[..., Awaitable[Baresip]]
) -> None:
    alice, bare = await phones("alice"), await baresip(auto_answer=False)
    call = await alice.invite(bare.uri)
    await call.ringing()
    await bare.event("CALL_INCOMING")
    assert call.final is None
    await bare.accept()
    await call.answered()
    await call.hangup()


async def test_sipp_calls_plays_and_sends_digits(phones: Phones, tmp_path: Path) -> None:
    alice = await phones("alice")
    sipp = await Sipp.calls(tmp_path, "alice", alice.address, alice.port, caller="+15550002", digits="12#", stay=2.0)
    call = await alice.incoming()
    assert call.from_user == "+15550002"
    await call.answer()
    await call.media.heard_tone(440)
    await call.media.heard_digits("12#")
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    await sipp.finished()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_sipp_is_called(phones: Phones, tmp_path: Path, transport: str) -> None:
    alice = await phones("alice", transport=transport)
    sipp = await Sipp.answers(tmp_path, sound=tones.tone(700, 1), transport=transport)
    call = await alice.call(sipp.uri)
    await call.media.heard_tone(700)
    await call.hangup()
    await sipp.finished()


async def test_sipp_reports_a_call_that_failed(phones: Phones, tmp_path: Path) -> None:
    alice = await phones("alice")
    sipp = await Sipp.calls(tmp_path, "alice", alice.address, alice.port)
    await (await alice.incoming()).refuse(486)
    with pytest.raises(AssertionError, match="486"):
        await sipp.finished()


def test_a_missing_program_fails_with_its_package() -> None:
    with pytest.raises(AssertionError, match=r"no-such-phone is not installed.* package some-package"):
        program("no-such-phone", "some-package")
