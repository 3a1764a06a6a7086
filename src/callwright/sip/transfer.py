"""Transfers, as Python sees them: a REFER of ours with its reports, and one of a peer's (RFC 3515)."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from callwright.engine import Event

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint
    from callwright.sip.leg import Headers, Leg

NOBODY = 480
MOST_REPORTS = 100
"""That may wait to be read: a peer that sends more has lost its senses, and the oldest are dropped."""


class Source(StrEnum):
    """Where a report comes from: the answer to the REFER, a NOTIFY, their end without a final one, or a peer that has
    said that it will send none (RFC 4488)."""

    ANSWER = "answer"
    NOTIFY = "notify"
    END = "end"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Report:
    """How a transfer goes.

    Attributes:
        code: the SIP status that was told; 0 when nothing was.
        last: whether nothing follows.
    """

    source: Source
    code: int
    text: str
    last: bool


class Transfer:
    """One REFER of ours, until its last report or `close`. It may outlive its leg.

    Args:
        uri: whom the peer of an established leg is asked to call.
        headers: of the REFER itself; those of the call to be made are in the URI.

    Raises:
        ValueError: the URI or a header cannot be used.
    """

    def __init__(self, leg: "Leg", uri: str, headers: "Headers" = ()) -> None:
        self._endpoint = leg.endpoint
        self._reports: asyncio.Queue[Report] = asyncio.Queue(MOST_REPORTS)
        self._node = self._endpoint.engine.refer(leg.node, uri, headers=headers)
        self._endpoint.transfers[self._node] = self

    def on_report(self, report: Report) -> None:
        """The engine has heard of it."""
        if self._reports.full():
            self._reports.get_nowait()
        self._reports.put_nowait(report)

    async def report(self) -> Report:
        """The next report."""
        return await self._reports.get()

    def close(self) -> None:
        """Nobody asks any more."""
        if self._endpoint.transfers.pop(self._node, None) is not None:
            self._endpoint.engine.forget(self._node)


@dataclass(frozen=True, slots=True)
class Referral:
    """A REFER of a leg's peer, answered already.

    Attributes:
        code: 202, or how it was refused.
        target: the Refer-To's URI.
        attended: it names a leg of ours, or a dialog that is nobody's where the peer may not transfer to anybody.
        replaced: the leg that is to be replaced at the target; 0 for none of ours.
        node: 0 when the peer wants no reports.
    """

    endpoint: "Endpoint"
    node: int
    code: int
    target: str
    attended: bool = False
    replaced: int = 0
    referred_by: str = ""

    @property
    def accepted(self) -> bool:
        """Whether somebody has to carry it out."""
        return self.code < 300

    def tell(self, code: int, reason: str = "") -> None:
        """Reports to the peer; a final code (200 to 699) is the last."""
        if self.node:
            self.endpoint.engine.notify(self.node, code, reason=reason)


def on_transfer(endpoint: "Endpoint", event: Event) -> None:
    """Something of a REFER of ours."""
    detail = event.detail
    report = Report(Source(detail["by"]), event.code, event.text, detail["last"])
    transfers = endpoint.transfers
    transfer = transfers.pop(event.id, None) if report.last else transfers.get(event.id)
    if transfer is not None:
        transfer.on_report(report)


def on_refer(endpoint: "Endpoint", event: Event) -> None:
    """A REFER of a peer's."""
    detail = event.detail
    facts = {name: detail[name] for name in ("attended", "replaced", "referred_by")}
    referral = Referral(endpoint, detail["transfer"], event.code, event.text, **facts)
    leg = endpoint.legs.get(event.id)
    if leg is not None:
        leg.on_refer(referral)
    elif referral.accepted:
        referral.tell(NOBODY)
