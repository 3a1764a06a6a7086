"""SIPp as a third stack: its own RFC 4733 events, its own dialogs, and many of them at once."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import tones
from tests.harness.foreign import Sipp

from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]


def repeated(output: list[str]) -> dict[str, int]:
    """How often SIPp sent each request again, from the last screen that it has printed; 3.7 numbers the rows."""
    rows = (re.match(r"(?:\d+ :)? *([A-Z]+) -+> +\d+ +(\d+)", line) for line in output)
    return {row[1]: int(row[2]) for row in rows if row is not None}


async def test_its_digits_drive_gather(sites: Sites, tmp_path: Path) -> None:
    """It calls, plays and sends events of its own making; what it plays is recorded."""
    site = await sites()
    site.script("/voice", '<Gather finishOnKey="#" action="/keys" timeout="10"/>')
    record = '<Record playBeep="false" trim="do-not-trim" maxLength="1" action="/done"/>'
    site.script("/keys", record)
    site.script("/done", "<Pause length='20'/>")
    sipp = await Sipp.calls(
        tmp_path, site.number, site.daemon.host, site.daemon.sip_port, caller="+15557654321", digits="159#", stay=4.0
    )
    keys = await site.application.request("/keys")
    assert (keys.form["Digits"], keys.form["From"]) == ("159", "+15557654321")
    done = await site.application.request("/done")
    pcm, rate = await site.wav(done.form["RecordingSid"])
    assert tones.contains(pcm, 440, rate=rate)
    await sipp.finished()
    await site.told("completed")


async def test_over_tcp(sites: Sites, tmp_path: Path) -> None:
    """It calls over TCP and hangs up."""
    site = await sites()
    site.serve_tone("/prompt.wav", 440, 10.0)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    sipp = await Sipp.calls(tmp_path, site.number, site.daemon.host, site.daemon.sip_port, stay=1.0, transport="tcp")
    await sipp.finished()
    assert int((await site.told("completed")).form["CallDuration"]) <= 2


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_it_is_called(sites: Sites, tmp_path: Path, transport: str) -> None:
    """It rings, answers and plays; the API's call records it and ends it."""
    site = await sites()
    sipp = await Sipp.answers(tmp_path, sound=tones.tone(700, 1.0), transport=transport)
    uri = sipp.uri + (";transport=tcp" if transport == "tcp" else "")
    placed = await site.create(to=uri, from_="alice", twiml=document("<Pause length='1'/>"), record=True)
    for status in ("initiated", "ringing", "in-progress"):
        await site.told(status, placed.sid)
    last = await site.over(placed.sid)
    pcm, rate = await site.wav(last.form["RecordingSid"])
    assert tones.contains(pcm, 700, rate=rate)
    await sipp.finished()


async def test_a_burst_of_fifty_calls(sites: Sites, tmp_path: Path) -> None:
    """Fifty calls at 25 a second: each is answered and told of, and nobody had to repeat anything."""
    site = await sites(rtp_ports=800)
    site.serve_tone("/prompt.wav", 440, 10.0)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    sipp = await Sipp.calls(
        tmp_path, site.number, site.daemon.host, site.daemon.sip_port, stay=1.0, count=50, rate=25.0
    )
    await sipp.finished(timeout=30)
    sids = [(await site.told("completed")).form["CallSid"] for _ in range(50)]
    assert len(set(sids)) == 50
    assert repeated(sipp.program.output) == {"INVITE": 0, "ACK": 0, "BYE": 0}
    calls = await site.do(lambda client: client.calls.list(limit=1000))
    assert [call.status for call in calls] == ["completed"] * 50
