"""Elastic trunks: calls between the telephone network and a PBX, without a document (call-control reference §3.15,
§7.7).

A call to a number of a trunk goes on to the trunk's origination URLs, by priority and weight; one from the PBX to the
trunk's termination domain goes out to the number that it names, like any other call that the account places.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from callwright.calls.application import Hook
from callwright.calls.control import DialPlan, DialRecording, NumberTarget, SipTarget, Target
from callwright.calls.outbound import address_of
from callwright.calls.status import Direction
from callwright.sip.trunks import Gateway
from callwright.sip.uri import secured, user_and_host, with_user, without_port
from callwright.sip.weights import drawn
from callwright.store.directory import Directory, Record

if TYPE_CHECKING:
    from callwright.calls.call import Call

MOST_URIS = 10
RING_S = 60.0
"""For an answer: a PBX, or who is behind a number, decides by itself how long it rings."""
MODES = ("record-from-ringing", "record-from-answer", "record-from-ringing-dual", "record-from-answer-dual")
_NUMBER = re.compile(r"\+?[0-9*#]{3,32}\Z")


@dataclass(frozen=True, slots=True)
class Elastic:
    """A trunk, as one of its calls finds it.

    Attributes:
        sid: TK...
        domain: of its calls from the PBX, in lower case; "" without one.
        direction: trunking-originating (to the PBX) or trunking-terminating (from it).
        targets: whom the call goes on to, tried in turn; none when there is no way.
        pbx: the PBX is the "caller" of the dial or its "callee", or "" when it has left.
        caller_id: that is shown; "" for the call's own.
        recording: what is recorded of it; None for nothing.
        transfer: TransferMode: "disable-all", "enable-all" or "sip-only".
        transferee: who is transferred is shown to whom he is transferred to, not who transfers him.
        secure: signalling over TLS and encrypted media, on the PBX's side.
        recovery: whose document runs on who calls the PBX when that cannot be reached; None for nobody's.
    """

    sid: str
    domain: str
    direction: Direction
    targets: Sequence[Target] = ()
    pbx: str = ""
    caller_id: str = ""
    recording: DialRecording | None = None
    transfer: str = "disable-all"
    transferee: bool = False
    secure: bool = False
    recovery: Hook | None = None

    def plan(self) -> DialPlan:
        """The dial that connects the call."""
        return DialPlan(
            targets=self.targets,
            caller_id=self.caller_id,
            timeout=RING_S,
            answer_on_bridge=True,
            recording=self.recording,
            transfers=Transfers(self),
        )


class Grant(NamedTuple):
    """What a party's phone may ask for: a transfer to anybody, and one to the peer of another call of it."""

    blind: bool
    attended: bool


NOTHING = Grant(blind=False, attended=False)


class Transfers:
    """What the PBX of a trunk may do with those whom it talks to; they themselves may do nothing."""

    def __init__(self, trunk: Elastic) -> None:
        self._trunk = trunk

    def grant(self, caller: bool) -> Grant:
        """What the caller of the dial, or the callee, may ask for. An attended transfer leads wherever the other call
        goes: it is for trunks that allow all."""
        if self._trunk.pbx != ("caller" if caller else "callee") or self._trunk.transfer == "disable-all":
            return NOTHING
        return Grant(blind=True, attended=self._trunk.transfer == "enable-all")

    def moved(self, stays: "Call", uri: str) -> Elastic | str:
        """The trunk as the call finds it that connects who is left with a URI; or why that must not be."""
        target, fences = self._target(stays, uri), stays.exchange.fences
        if self._trunk.transfer == "sip-only" and fences.way(target).carried:
            return f"TransferMode of trunk {self._trunk.sid} is sip-only, and {uri} is a number"
        if (denial := fences.transfer(stays, address_of(target))) is not None:
            return denial.message
        theirs, ours = (stays.from_, stays.to) if stays.direction.inward else (stays.to, stays.from_)
        return replace(
            self._trunk,
            targets=(target,),
            pbx="",  # whoever it is now: he may be anybody
            caller_id=theirs if self._trunk.transferee else ours,
            recovery=None,
        )

    def _target(self, stays: "Call", uri: str) -> Target:
        """A number when the URI is of the trunk's domain, of ours or of none, else the URI, without header fields."""
        user, host = user_and_host(uri)
        number, domain = unquote(user), without_port(host).lower()
        local = not domain or domain == self._trunk.domain or stays.exchange.registrar.users.is_local(uri)
        if local and _NUMBER.match(number):
            return NumberTarget(number)
        plain = uri.partition("?")[0]
        return SipTarget(secured(plain) if self._trunk.secure else plain)


def origination(directory: Directory, number: Record) -> Elastic | None:
    """The trunk of a number, for a call to it; None for a number that has none."""
    record = directory.get("trunks", number["trunk_sid"] or "")
    if record is None or record.account_sid != number.account_sid:
        return None
    urls = [one for one in directory.of("origination_urls", record.account_sid, record.sid) if one["enabled"]]
    ways = drawn(Gateway(one["sip_url"], one["priority"], one["weight"]) for one in urls)[:MOST_URIS]
    uris = [with_user(way.uri, number["phone_number"]) for way in ways]
    targets = [SipTarget(secured(uri) if record["secure"] else uri) for uri in uris]
    return replace(
        _of(record, Direction.TRUNKING_ORIGINATING),
        targets=(replace(targets[0], alternatives=tuple(targets[1:])),) if targets else (),
        pbx="callee",
        recovery=_recovery(record),
    )


def termination(record: Record, number: str) -> Elastic:
    """A trunk, for a call from its PBX to a number."""
    return replace(_of(record, Direction.TRUNKING_TERMINATING), targets=(NumberTarget(number),), pbx="caller")


def _of(record: Record, direction: Direction) -> Elastic:
    mode = record["mode"] or "do-not-record"
    recording = DialRecording(
        from_ringing="ringing" in mode,
        dual=mode.endswith("-dual"),
        trim=record["trim"] == "trim-silence",
        source="Trunking",
    )
    return Elastic(
        sid=record.sid,
        domain=str(record["domain_name"] or "").lower(),
        direction=direction,
        recording=recording if mode in MODES else None,
        transfer=record["transfer_mode"] or "disable-all",
        transferee=record["transfer_caller_id"] == "from-transferee",
        secure=bool(record["secure"]),
    )


def _recovery(record: Record) -> Hook | None:
    url = record["disaster_recovery_url"]
    return Hook(url, record["disaster_recovery_method"] or "POST") if url else None
