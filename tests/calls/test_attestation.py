"""What is signed of calls out and believed of calls in, on a room of fakes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from callwright.calls import attestation
from callwright.calls.attestation import Attestation, Signature, Verdict
from callwright.calls.control import DialPlan, NumberTarget, SipTarget
from callwright.sip.leg import Invite
from callwright.sip.repository import Repository, Unavailable
from tests.calls.fakes import NUMBER, Room
from tests.calls.jumping import turns
from tests.calls.test_switchboard import order, placed
from tests.harness.attesting import opened, passport, voucher

ROOT = voucher("root", authority=True)
LEAF = voucher("carrier", ROOT)
URL = "https://certificates.example/a.pem"
CALLER, CALLED = "+15557654321", NUMBER
KEY = cast(ec.EllipticCurvePrivateKey, LEAF.key)


class Certificates:
    """In place of the network: one chain, which may be slow or missing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.missing = ""
        self.slow = 0.0

    async def chain(self, url: str, within: float) -> tuple[x509.Certificate, ...]:
        self.asked.append(url)
        await asyncio.sleep(min(self.slow, within))
        if self.missing or self.slow > within:
            raise Unavailable(self.missing or "slow")
        return (LEAF.certificate,)


def believing(certificates: Certificates | None = None) -> Attestation:
    source = cast(Repository, certificates or Certificates())
    return Attestation({}, frozenset({"carrier"}), (ROOT.certificate,), source)


def signing(how: str) -> Attestation:
    return Attestation({"carrier": Signature(how, KEY, URL)})


def with_attestation(room: Room, own: Attestation) -> Room:
    room.exchange = room.switchboard.exchange = replace(room.exchange, attestation=own)
    return room


def invite(*headers: tuple[str, str], caller: str = CALLER, called: str = CALLED) -> Invite:
    return Invite(
        request_uri=f"sip:{called}@127.0.0.1",
        from_uri=f"sip:{caller}@carrier.example",
        from_header="",
        to_uri=f"sip:{called}@127.0.0.1",
        to_header="",
        contact="",
        call_id="x",
        source_host="127.0.0.1",
        source_port=5090,
        transport="UDP",
        headers=headers,
    )


def identity(**changes: Any) -> tuple[str, str]:
    facts: dict[str, Any] = {"caller": CALLER[1:], "called": CALLED[1:], "by": LEAF, "url": URL} | changes
    return "Identity", passport(facts.pop("by"), facts.pop("url"), **facts)


class TestIn:
    @pytest.mark.parametrize("level", ["A", "B", "C"])
    async def test_believed(self, level: str) -> None:
        name, value = identity(level=level)
        verdict = await believing().verdict(invite((name, value)))
        token = value.partition(";")[0]
        assert verdict == Verdict(f"TN-Validation-Passed-{level}", token, header=value)
        assert verdict.parameters() == {"StirVerstat": f"TN-Validation-Passed-{level}", "StirPassportToken": token}

    @pytest.mark.parametrize(
        ("given", "verstat", "why"),
        [
            ({"caller": "15550000000"}, "TN-Validation-Failed-A", "orig is 15550000000"),
            ({"called": "15550000000", "level": "B"}, "TN-Validation-Failed-B", "dest is 15550000000"),
            ({"issued": 1_600_000_000}, "TN-Validation-Failed-A", "stale"),
            ({"by": voucher("carrier")}, "TN-Validation-Failed-A", "signature does not fit"),
            ("nonsense", "TN-Validation-Failed", "not a PASSporT"),
            ("x" * 5000, "TN-Validation-Failed", "5000 characters"),
        ],
    )
    async def test_not_believed(self, given: dict[str, Any] | str, verstat: str, why: str) -> None:
        header = ("Identity", given) if isinstance(given, str) else identity(**given)
        certificates = Certificates()
        verdict = await believing(certificates).verdict(invite(header))
        assert verdict.verstat == verstat and why in verdict.why
        assert certificates.asked == ([URL] if "fit" in why else []), "nothing is fetched for what is of no use"

    async def test_nobody_said_anything(self) -> None:
        verdict = await believing().verdict(invite(("X-A", "1")))
        assert (verdict.verstat, verdict.parameters()) == ("No-TN-Validation", {"StirVerstat": "No-TN-Validation"})

    async def test_an_untrusted_root(self) -> None:
        other = voucher("root", authority=True)
        own = Attestation({}, frozenset({"carrier"}), (other.certificate,), cast(Repository, Certificates()))
        verdict = await own.verdict(invite(identity()))
        assert verdict.verstat == "TN-Validation-Failed-A" and "no trusted root" in verdict.why
        late = await believing().verdict(invite(identity()), datetime.now(UTC) + timedelta(days=3))
        assert late.verstat == "TN-Validation-Failed-A"

    async def test_the_first_that_holds_decides(self) -> None:
        verdict = await believing().verdict(invite(identity(caller="1555"), identity(level="B")))
        assert verdict.verstat == "TN-Validation-Passed-B"

    async def test_the_asserted_identity_goes_before_from(self) -> None:
        asserted = ("P-Asserted-Identity", f'"Bob" <sip:{CALLER}@carrier.example;user=phone>')
        verdict = await believing().verdict(invite(asserted, identity(), caller="anonymous"))
        assert verdict.verstat == "TN-Validation-Passed-A"

    async def test_servers_that_do_not_answer_cost_two_seconds_in_all(self) -> None:
        certificates, loop = Certificates(), asyncio.get_running_loop()
        certificates.slow = 60.0
        began = loop.time()
        verdict = await believing(certificates).verdict(invite(*(identity() for _ in range(4))))
        assert loop.time() - began == pytest.approx(attestation.WAIT_S, abs=0.1)
        assert verdict.verstat == "No-TN-Validation" and verdict.parameters()["StirPassportToken"]


class TestInboundCalls:
    async def test_told_before_the_first_document(self, room: Room) -> None:
        certificates = Certificates()
        certificates.slow = 1.0
        with_attestation(room, believing(certificates))
        leg = room.engine.incoming(headers=[identity()])
        await turns()
        assert not room.sessions, "it is not known yet"
        assert (await room.engine.until("answer", leg)).values["code"] == 180, "the caller hears it ring meanwhile"
        await room.engine.until("answer", leg, count=2)
        (session,) = room.sessions
        assert session.call.parameters()["StirVerstat"] == "TN-Validation-Passed-A"
        assert ("stir", {"verstat": "TN-Validation-Passed-A"}) in room.rows.steps(session.call.sid)

    async def test_a_sip_party_is_told(self, room: Room) -> None:
        with_attestation(room, believing())
        name, value = identity()
        call, _ = await room.inbound(headers=[(name, value)])
        dial = asyncio.create_task(call.dial(DialPlan([SipTarget("sip:bob@pbx.example")])))
        leg = await room.engine.called()
        headers = room.engine.of("originate", leg)[0].values["headers"]
        assert ("X-Twilio-VerStat", "TN-Validation-Passed-A") in headers and (name, value) in headers
        room.engine.end(leg, 486)
        await dial

    async def test_a_caller_who_does_not_wait(self, room: Room) -> None:
        certificates = Certificates()
        certificates.slow = 1.0
        with_attestation(room, believing(certificates))
        leg = room.engine.incoming(headers=[identity()])
        await turns()
        (call,) = room.exchange.live.values()
        room.engine.end(leg, 487)
        assert await call.ended == "canceled" and not room.sessions

    async def test_other_trunks_are_not_asked(self, room: Room) -> None:
        with_attestation(room, Attestation())
        call, _ = await room.inbound(headers=[identity()])
        assert "StirVerstat" not in call.parameters()


class TestOut:
    def claimed(self, room: Room, index: int = 0) -> dict[str, Any]:
        headers = dict(room.engine.of("originate")[index].values["headers"])
        return opened(headers["Identity"], KEY.public_key())

    async def test_a_number_of_the_account_is_A(self, room: Room) -> None:
        with_attestation(room, signing("policy"))
        call, leg = await placed(room)
        claim = self.claimed(room)
        assert (claim["attest"], claim["orig"], claim["dest"]) == ("A", {"tn": NUMBER[1:]}, {"tn": ["15558880000"]})
        assert abs(claim["iat"] - datetime.now(UTC).timestamp()) < 5 and len(claim["origid"]) == 36
        room.engine.answer_of(leg)
        await turns()
        told = room.posts.of("http://app.example/status")
        assert not told or told[-1]["StirStatus"] == "A"
        room.engine.end(leg)
        await call.ended
        assert room.posts.of("http://app.example/status")[-1]["StirStatus"] == "A"

    @pytest.mark.parametrize(
        ("verstat", "level"), [("TN-Validation-Passed-B", "B"), ("TN-Validation-Failed-A", "C"), ("", "C")]
    )
    async def test_a_caller_who_is_passed_on_by_his_CallToken(self, room: Room, verstat: str, level: str) -> None:
        """What was believed of him is kept; a SIP party is told of it, too (§7.6)."""
        with_attestation(room, signing("policy"))
        inbound, _ = await room.inbound()
        if verstat:
            inbound.verified(Verdict(verstat, header="passed on"))
        await placed(room, from_=CALLER, forwards=inbound)
        claim = self.claimed(room)
        assert (claim["attest"], claim["orig"]) == (level, {"tn": CALLER[1:]})
        await room.switchboard.place(order(room, to="sip:bob@pbx.example", from_=CALLER, forwards=inbound))
        leg = await room.engine.called(2)
        headers = room.engine.of("originate", leg)[0].values["headers"]
        assert (("X-Twilio-VerStat", verstat) in headers) is bool(verstat)
        assert (("Identity", "passed on") in headers) is bool(verstat)

    async def test_a_caller_who_is_passed_on_is_C(self, room: Room) -> None:
        with_attestation(room, signing("policy"))
        call, _ = await room.inbound()
        dial = asyncio.create_task(call.dial(DialPlan([NumberTarget("+15558880000")])))
        leg = await room.engine.called()
        claim = self.claimed(room)
        assert (claim["attest"], claim["orig"]) == ("C", {"tn": CALLER[1:]})
        room.engine.end(leg, 486)
        await dial

    async def test_a_customers_number_that_we_do_not_know_is_B(self, room: Room) -> None:
        with_attestation(room, signing("policy"))
        await placed(room, from_="+15559990000")
        assert self.claimed(room)["attest"] == "B"

    async def test_as_the_file_says(self, room: Room) -> None:
        with_attestation(room, signing("C"))
        await placed(room)
        assert self.claimed(room)["attest"] == "C"

    @pytest.mark.parametrize("shown", ["+266696687", "alice", "anonymous"])
    async def test_who_has_no_number_is_not_vouched_for(self, room: Room, shown: str) -> None:
        with_attestation(room, signing("A"))
        await placed(room, from_=shown)
        assert "Identity" not in dict(room.engine.of("originate")[0].values["headers"])

    async def test_not_to_other_trunks(self, room: Room) -> None:
        with_attestation(room, Attestation({"other": Signature("A", KEY, URL)}))
        await placed(room)
        assert not room.engine.of("originate")[0].values["headers"]
