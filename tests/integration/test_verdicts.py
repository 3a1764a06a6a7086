"""What a call's record and its last log line say of sound that came one way, not at all, late, or not to the end."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.harness import PhoneCall, RtpPeer, Sdp
from tests.harness.packet import ReceiverReport, ReportBlock, RtpPacket, SourceDescription
from tests.harness.ports import next_address

from .line import Line

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SECOND = 50  # packets
EVERYTHING = 0x7FFFFF


class Talk:
    """A call whose sound a test has in its hands: `media` stands at the address that the phone's offer names, and sends
    nothing until `speak`."""

    def __init__(self, line: Line, call: PhoneCall, media: RtpPeer) -> None:
        self.line, self.call, self.media = line, call, media

    @property
    def place(self) -> tuple[str, int]:
        """Where the daemon wants to hear."""
        assert self.call.remote_sdp is not None
        return self.call.remote_sdp.address, self.call.remote_sdp.port

    def speak(self) -> None:
        self.media.connect(self.place)

    def report(self, *blocks: ReportBlock) -> None:
        """An RTCP report of the phone with these blocks and no others."""
        data = bytes(ReceiverReport(self.media.ssrc, blocks)) + bytes(SourceDescription(self.media.ssrc, "phone"))
        self.media.send_beside(data, (self.place[0], self.place[1] + 1), rtcp=True)

    async def verdict(self) -> str:
        """Of the call's last event, when the phone has hung up; the log has the same."""
        sid = (await self.line.request("/voice")).params["CallSid"]
        await self.call.hangup()
        logged = await self.line.daemon.logged(f"{sid} completed ")
        path = f"/2010-04-01/Accounts/{self.line.daemon.account_sid}/Calls/{sid}/Events.json?Kind=all"
        status, body = await self.line.daemon.get(path)
        assert status == 200
        data: dict[str, Any] = json.loads(body)["events"][-1]["data"]
        found = str(data.get("verdict", ""))
        assert data["statistics"]["verdict"] == found
        assert (f"verdict={found}" in logged) if found else ("verdict=" not in logged)
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def media() -> AsyncIterator[RtpPeer]:
    peer = RtpPeer(rtcp_interval=0)
    yield peer
    peer.close()


async def talking(line: Line, media: RtpPeer) -> Talk:
    """An answered call that plays a tone to the phone; the phone's signalling and media have one host."""
    line.sound("/tone.wav", 440, 20.0)
    phone = await line.phone(address=media.address)
    call = await line.call("<Play>/tone.wav</Play>", phone=phone, offer=Sdp.offer(media.address, media.port))
    call.media.close()
    await call.answered()
    return Talk(line, call, media)


async def test_a_call_that_was_well(line: Line, media: RtpPeer) -> None:
    talk = await talking(line, media)
    talk.speak()
    await media.received(3 * SECOND)
    assert await talk.verdict() == ""


async def test_a_phone_that_sends_nothing(line: Line, media: RtpPeer) -> None:
    talk = await talking(line, media)
    await media.received(SECOND)
    place = f"{media.address}:{media.port}"
    assert await talk.verdict() == f"no audio came: the description said {place}, nothing arrived from anywhere"


async def test_a_description_that_names_a_private_address(line: Line, media: RtpPeer) -> None:
    """The phone names an address of its own network, which its signalling does not come from."""
    line.sound("/tone.wav", 440, 20.0)
    phone = await line.phone(address=next_address())
    call = await line.call("<Play>/tone.wav</Play>", phone=phone, offer=Sdp.offer(media.address, media.port))
    call.media.close()
    await call.answered()
    await media.received(SECOND)
    place = f"{media.address}:{media.port}"
    said = await Talk(line, call, media).verdict()
    assert re.sub(r"our \d+ packets", "our N packets", said) == (
        f"no audio came: the description said {place}, nothing arrived from anywhere; our N packets went to {place}, a "
        f"private address that the description named; its signalling comes from {phone.address}"
    )


async def test_packets_from_elsewhere(line: Line, media: RtpPeer) -> None:
    """Another address sends, when nobody is learnt any more, and what it sends is no stream."""
    talk = await talking(line, media)
    await media.received(6 * SECOND, timeout=15)
    stranger = RtpPeer(rtcp_interval=0)
    for _ in range(20):
        stranger.send_raw(bytes(RtpPacket(0, 7, 160, 77, bytes(160))), talk.place)
    await media.received(SECOND // 2)
    place, other = f"{media.address}:{media.port}", f"{stranger.address}:{stranger.port}"
    assert await talk.verdict() == f"no audio came: the description said {place}, packets came from {other}"
    stranger.close()


async def test_that_we_are_not_heard(line: Line, media: RtpPeer) -> None:
    """The phone's RTCP says that all was lost."""
    talk = await talking(line, media)
    talk.speak()
    await media.received(3 * SECOND)
    (ours,) = media.heard.sources
    talk.report(ReportBlock(ours, 255, EVERYTHING, media.heard.arrivals[-1].packet.sequence, 0))
    await media.received(SECOND // 2)
    said = await talk.verdict()
    assert re.fullmatch(
        r"the peer reports that none of our \d+ packets came; "
        rf"they went to {media.address}:{media.port}, which its description named",
        said,
    ), said


async def test_that_we_are_heard_no_more(line: Line, media: RtpPeer) -> None:
    """The phone's RTCP knows of no packet that came after the first second."""
    talk = await talking(line, media)
    talk.speak()
    await media.received(SECOND)
    (ours,) = media.heard.sources
    last = media.heard.arrivals[-1].packet.sequence
    talk.report(ReportBlock(ours, 0, 0, last, 0))
    await media.received(6 * SECOND, timeout=15)
    talk.report(ReportBlock(ours, 0, 0, last, 0))
    await media.received(SECOND // 2)
    said = await talk.verdict()
    assert re.fullmatch(
        r"the peer reports that none of our last (29|30|31|32)\d packets came; they went to \S+, .*", said
    )


async def test_reports_that_tell_of_nothing(line: Line, media: RtpPeer) -> None:
    """The phone hears no packet, and so its RTCP has no block."""
    talk = await talking(line, media)
    talk.speak()
    await media.received(3 * SECOND)
    for _ in range(2):
        talk.report()
    await media.received(SECOND // 2)
    assert (await talk.verdict()).startswith("the peer's 2 reports tell of none of our 1")


async def test_sound_that_stops_half_way(line: Line, media: RtpPeer) -> None:
    talk = await talking(line, media)
    talk.speak()
    await media.received(SECOND)
    media.pause()
    await media.received(6 * SECOND, timeout=15)
    said = await talk.verdict()
    assert re.fullmatch(r"audio stopped [1-3]\.\d s after the answer: nothing came in the last [5-9]\.\d s", said), said


async def test_sound_that_comes_late(line: Line, media: RtpPeer) -> None:
    talk = await talking(line, media)
    await media.received(3 * SECOND)
    talk.speak()
    await media.received(SECOND)
    said = await talk.verdict()
    assert re.fullmatch(r"audio came only [2-5]\.\d s after the answer", said), said
