"""The bridge between the engine and asyncio, on a fake engine."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

import callwright.sip.endpoint as endpoint_module
from callwright.config import Config, validate
from callwright.engine import EventKind, Sound
from callwright.errors import LegGone, MediaError, StartError
from callwright.sip.credentials import Credential
from callwright.sip.endpoint import BATCH, Endpoint, Played
from callwright.sip.leg import Leg
from callwright.sip.request import Request
from callwright.sip.tape import Taped
from tests.calls.fakes import Room
from tests.calls.jumping import turns

TONE = ((440.0, 0.0, 100, 0),)


@pytest.fixture
def leg(room: Room) -> Leg:
    return room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>")


async def test_admits_its_sources(room: Room) -> None:
    assert room.engine.of("admit")[0].values["sources"] == ["127.0.0.0/8"]
    assert set(room.engine.of("gate")[0].values) == {"requests_per_second", "burst", "backlog"}


async def test_more_events_than_a_batch(room: Room, leg: Leg) -> None:
    keys: list[str] = []
    with leg.digits(lambda digit: keys.append(digit.key)):
        room.engine.digit(leg.node, *("5" * (BATCH * 3 + 1)))
        await turns()
    assert len(keys) == BATCH * 3 + 1


async def test_ended_leg_is_forgotten(room: Room, leg: Leg) -> None:
    room.engine.end(leg.node, 486)
    assert (await leg.ended).code == 486
    assert room.endpoint.legs == {}
    room.engine.digit(leg.node, "1")
    await turns()


async def test_event_that_breaks_loses_no_other(room: Room, leg: Leg, caplog: pytest.LogCaptureFixture) -> None:
    room.engine.happen(EventKind.PROGRESS, leg.node, 180)
    room.engine.happen(EventKind.LOG, 0, code=2, text="from below")
    room.engine.end(leg.node)
    await leg.ended
    assert "event PROGRESS" in caplog.text and "from below" in caplog.text


async def test_strangers_requests_are_refused(room: Room) -> None:
    room.engine.happen(EventKind.REQUEST, 70, text="REGISTER")
    room.engine.happen(EventKind.REQUEST, 71, text="MESSAGE")
    inside = {"to_header": "<sip:a@h> ; TAG=x"}
    room.engine.happen(EventKind.REQUEST, 72, text="SUBSCRIBE", **inside)
    room.engine.happen(EventKind.REQUEST, 73, text="NOTIFY", to_header="<sip:a@h;tag=none>")
    room.engine.happen(EventKind.REQUEST, 74, text="SUBSCRIBE", to_header="<sip:a@h;tag=none>")
    await room.engine.until("respond", 74)
    assert [one.values["code"] for one in room.engine.of("respond")] == [403, 405, 481, 481, 405]


async def test_requests_reach_who_answers_them(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """With what the engine says of them; one that breaks its handler is answered too."""
    seen: list[Request] = []

    def take(request: Request) -> None:
        seen.append(request)
        if request.cseq == 2:
            raise RuntimeError("broken")
        request.respond(200, "Fine", [("X-A", "1")])

    room.endpoint.requests["PUBLISH"] = take
    facts = {
        **dict.fromkeys(("request_uri", "to_uri", "source_host", "transport", "user", "realm"), ""),
        **{"call_id": "c1", "source_port": 5060, "expires": -1, "local_host": "x", "body": b""},
    }
    headers = [("Contact", "<sip:a@h>"), ("X", ""), ("contact", "<sip:b@h>")]
    room.engine.happen(EventKind.REQUEST, 70, text="PUBLISH", **facts, cseq=1, headers=headers)
    room.engine.happen(EventKind.REQUEST, 71, text="PUBLISH", **facts, cseq=2, headers=[])
    await room.engine.until("respond", 71)
    assert (seen[0].method, seen[0].call_id, seen[0].values("Contact")) == ("PUBLISH", "c1", ["<sip:a@h>", "<sip:b@h>"])
    fine, broken = room.engine.of("respond")
    assert fine.values == {"code": 200, "reason": "Fine", "headers": [("X-A", "1")]}
    assert broken.values["code"] == 500 and "broken" in caplog.text


async def test_users_are_told_to_the_engine(room: Room) -> None:
    """By their digests, of the domain; nothing of it is in force before."""
    assert room.engine.of("authenticate") == []
    alice = Credential.of("alice", "127.0.0.1", "open sesame")
    room.endpoint.authenticate([alice], algorithms=["MD5"], silent=True)
    assert room.engine.of("credentials")[0].values["users"] == [alice.as_tuple()]
    values = room.engine.of("authenticate")[0].values
    assert (values["realm"], values["algorithms"], values["silent"]) == ("127.0.0.1", ["MD5"], True)
    assert "friendly-scanner" in values["scanners"]


async def test_an_invite_tells_its_user(room: Room) -> None:
    seen: list[Leg] = []
    room.endpoint.incoming = seen.append
    room.engine.incoming(user="alice", realm="127.0.0.1")
    room.engine.incoming()
    await turns()
    assert [(leg.invite.user, leg.invite.realm) for leg in seen if leg.invite] == [("alice", "127.0.0.1"), ("", "")]


async def test_security_is_one_line(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    facts = {"kind": "blocked", "source_host": "192.0.2.7", "source_port": 5060, "user": "a b", "method": "REGISTER"}
    room.engine.happen(EventKind.SECURITY, 0, code=60, **facts)
    await turns()
    line = "security kind=blocked source=192.0.2.7 port=5060 method=REGISTER user=a%20b seconds=60"
    assert [record.getMessage() for record in caplog.records if record.name == "callwright.sip.security"] == [line]


class TestPlay:
    async def test_to_its_end(self, room: Room, leg: Leg) -> None:
        task = asyncio.create_task(room.endpoint.play(leg, [Sound(b"\0\0", 16000)], interruptible=True))
        player = await room.engine.until("player")
        assert player.values["stop_on_digit"] == leg.node
        room.engine.played(player.node, "digit", "5")
        assert await task == Played("digit", 1000, "5")

    async def test_cancelled(self, room: Room, leg: Leg) -> None:
        task = asyncio.create_task(room.endpoint.tone(leg, TONE, loop=0))
        tone = await room.engine.until("tone")
        task.cancel()
        await asyncio.wait({task})
        assert room.engine.of("stop", tone.node)
        await turns()
        assert not room.endpoint._players and not leg._waiters

    async def test_leg_ends(self, room: Room, leg: Leg) -> None:
        task = asyncio.create_task(room.endpoint.tone(leg, TONE))
        tone = await room.engine.until("tone")
        room.engine.end(leg.node)
        with pytest.raises(LegGone):
            await task
        assert room.engine.of("stop", tone.node)

    async def test_refused_by_the_bridge(self, room: Room, leg: Leg) -> None:
        task = asyncio.create_task(room.endpoint.tone(leg, TONE))
        tone = await room.engine.until("tone")
        room.engine.happen(EventKind.FAILED, tone.node, text="no further port")
        with pytest.raises(MediaError, match="no further port"):
            await task


class TestTape:
    async def test_stopped(self, room: Room, tmp_path: Path) -> None:
        limits: list[int] = []
        tape = room.endpoint.tape(str(tmp_path / "x.wav"), limit=lambda: limits.append(1))
        room.engine.limit(tape.nodes[0])
        await turns()
        assert limits == [1]
        taped = await tape.stop()
        assert taped == Taped(str(tmp_path / "x.wav"), 2000, 1000, 200, 1800, 0, "")
        assert await tape.stop() == taped
        assert not room.endpoint._tapes

    async def test_that_ends_by_itself_says_so(self, room: Room, tmp_path: Path) -> None:
        limits: list[int] = []
        tape = room.endpoint.tape(str(tmp_path / "x.wav"), limit=lambda: limits.append(1))
        facts = {"duration": 1, "voiced": 0, "first_voice": -1, "last_voice": -1}
        room.engine.happen(EventKind.RECORDED, tape.nodes[0], text="x", dropped=0, error="disk full", **facts)
        await turns()
        assert limits == [1] and (await tape.stop()).error == "disk full"


class TestClose:
    async def test_ends_every_leg(self, tmp_path: Path) -> None:
        room = Room.open(tmp_path)
        leg = room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>")
        lost = Leg(room.endpoint, 999)
        room.endpoint.legs[999] = lost
        await room.endpoint.close()
        assert (leg.ended.result().code, lost.ended.result().code) == (503, 503)
        assert lost.ended.result().by == "local" and not room.endpoint.legs


@pytest.mark.parametrize(
    ("user", "uri"), [("demo", "<sip:demo@127.0.0.1>"), ("", "<sip:127.0.0.1>"), ("a b>", "<sip:a%20b%3E@127.0.0.1>")]
)
async def test_local_uri(room: Room, user: str, uri: str) -> None:
    assert room.endpoint.local_uri(user) == uri


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.EADDRINUSE, "udp:127.0.0.1:5060: Address already in use"),
            "sip.listen: cannot bind udp:127.0.0.1:5060: Address already in use: another program listens there",
        ),
        (
            OSError(errno.EACCES, "udp:127.0.0.1:80: Permission denied"),
            "sip.listen: cannot bind udp:127.0.0.1:80: Permission denied",
        ),
        (ValueError("rtp_ports"), "the SIP engine does not start: rtp_ports"),
        (RuntimeError("no"), "the SIP engine does not start: no"),
    ],
)
async def test_start_that_fails_says_what_to_do(monkeypatch: pytest.MonkeyPatch, error: Exception, line: str) -> None:
    def refuse(**settings: Any) -> None:
        raise error

    monkeypatch.setattr(endpoint_module, "Engine", refuse)
    with pytest.raises(StartError) as caught:
        Endpoint(validate({}), [])
    assert caught.value.message == line


async def test_settings_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def start(**settings: Any) -> None:
        given.update(settings)
        raise RuntimeError("enough")

    monkeypatch.setattr(endpoint_module, "Engine", start)
    config: Config = validate({"sip": {"listen": ["udp:127.0.0.1:5070", "tcp:[::1]:0"]}, "limits": {"legs": 7}})
    with pytest.raises(StartError):
        Endpoint(config, [])
    assert given["listen"] == [("udp", "127.0.0.1", 5070), ("tcp", "::1", 0)]
    assert (given["max_legs"], given["rtp_ports"]) == (7, (20000, 29999))
    assert (given["codecs"], given["ptime"]) == (("PCMU", "PCMA", "G722", "opus"), 20)
    assert given["opus"] == {"bitrate": 0, "complexity": 5, "fec": 1, "dtx": 0}
    assert (given["tls"], given["verify_server"], given["session_expires"]) == ([], True, 1800)


async def test_certificates_that_cannot_be_read_name_their_key(tmp_path: Path) -> None:
    section = {"listen": ["tls:127.0.0.1:0"], "certificate": str(tmp_path / "none.pem"), "private_key": "key.pem"}
    with pytest.raises(StartError, match=r"^sip\.certificate: .*none\.pem: No such file"):
        Endpoint(validate({"sip": section}), [])


async def test_plays_into_any_node(room: Room) -> None:
    """A bus has no leg whose end would end it: whoever plays cancels."""
    sound = Sound(b"\0\0" * 160, 16000)
    playing = asyncio.create_task(room.endpoint.play_into(77, [sound], loop=0))
    player = await room.engine.until("player")
    assert (player.values["sink"], player.values["loop"], player.values["stop_on_digit"]) == (77, 0, 0)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert room.engine.of("stop", player.node)
    beep = asyncio.create_task(room.endpoint.tone_into(77, TONE))
    tone = await room.engine.until("tone")
    room.engine.played(tone.node)
    assert (await beep).why == "finished"
