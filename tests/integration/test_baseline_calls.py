"""Thirty calls of every kind, and the daemon holds nothing more than before: descriptors, threads, ports, objects."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import ApplicationServer, Phone, PhoneCall, tones
from tests.harness.baseline import baseline
from tests.harness.daemon import TOKEN, Daemon

from .line import document
from .site import Site, sound

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Applications = Callable[..., Awaitable[ApplicationServer]]

KINDS = ("ivr", "record", "canceled", "leaves", "rejected", "dialled")
NUMBERS = {kind: f"+1555000400{place}" for place, kind in enumerate(KINDS)}
DOCUMENTS = {
    "ivr": '<Gather numDigits="1" action="/key" timeout="20"><Play>/menu.wav</Play></Gather>',
    "record": '<Record playBeep="false" finishOnKey="#" action="/recorded"/>',
    "canceled": "<Pause length='20'/>",
    "leaves": "<Play>/menu.wav</Play>",
    "rejected": '<Reject reason="busy"/>',
    "dialled": "<Dial record='record-from-answer'>{callee}</Dial>",
}
GAUGES = tuple(
    f"callwright_{name}"
    for name in (
        "native_objects",
        "calls_live",
        "calls_queued",
        "conferences_live",
        "callbacks_pending",
        "store_staged",
    )
)
KEPT = [r"tcp .* established"]
"""Connections that are kept open for the next request are no leak."""


class Mix:
    """One call of each kind after the other, by a phone of its own."""

    def __init__(self, site: Site, phone: Phone, application: ApplicationServer) -> None:
        self.site, self.phone, self.application = site, phone, application

    async def run(self) -> None:
        """Eight calls and a dialled child."""
        for kind in KINDS:
            await getattr(self, kind)()
        await self.placed_and_busy()
        await self.placed_and_recorded()

    async def _call(self, kind: str) -> PhoneCall:
        return await self.phone.invite(self.site.daemon.sip_uri(NUMBERS[kind]))

    async def ivr(self) -> None:
        call = await self._call("ivr")
        await call.answered()
        await call.media.heard_tone(440)
        release = self.application.hold("/key", document("<Hangup/>"))
        await call.media.send_digits("5")
        release.set()
        await call.until_ended()

    async def record(self) -> None:
        call = await self._call("record")
        await call.answered()
        await call.media.play(tones.tone(600, 0.5))
        release = self.application.hold("/recorded", document("<Hangup/>"))
        await call.media.send_digits("#")
        release.set()
        await call.until_ended()

    async def canceled(self) -> None:
        call = await self._call("canceled")
        await self.application.request("/canceled")
        assert (await call.cancel()).status == 487

    async def leaves(self) -> None:
        call = await self._call("leaves")
        await call.answered()
        await call.media.heard_tone(440)
        await call.hangup()

    async def rejected(self) -> None:
        assert (await (await self._call("rejected")).refused()).status == 486

    async def dialled(self) -> None:
        call = await self._call("dialled")
        callee = await self.site.carrier.incoming()
        await callee.answer()
        await call.answered()
        call.media.tone(500)
        await callee.media.heard_tone(500)
        await callee.hangup()
        await call.until_ended()

    async def placed_and_busy(self) -> None:
        placed = await self.site.create()
        await (await self.site.carrier.incoming()).refuse(486)
        await self.site.over(placed.sid)

    async def placed_and_recorded(self) -> None:
        url = self.application.url("/menu.wav")
        placed = await self.site.create(twiml=document(f"<Play>{url}</Play>"), record=True)
        callee = await self.site.carrier.incoming()
        await callee.answer()
        await callee.media.heard_tone(440)
        await self.site.over(placed.sid)


async def gauges(daemon: Daemon) -> Counter[str]:
    """What the daemon says that it holds."""
    metrics = await daemon.metrics()
    return Counter({name: count for name, count in metrics.items() if name.startswith(GAUGES)})


async def test_thirty_calls_leave_nothing_behind(sites: Sites, phones: Phones, applications: Applications) -> None:
    """After a first round has filled the caches, four rounds of eight calls change nothing that stays."""
    application = await applications(TOKEN)
    tables = [{"number": number, "voice_url": application.url(f"/{kind}")} for kind, number in NUMBERS.items()]
    site = await sites(numbers=tables)
    application.serve_sound("/menu.wav", sound(440, 1.0))
    for kind, verbs in DOCUMENTS.items():
        application.on(f"/{kind}", document(verbs.format(callee=site.callee)))
    mix = Mix(site, await phones("caller"), application)
    await mix.run()

    async with baseline(site.daemon.pid, settle=10, ignoring=KEPT, native=lambda: gauges(site.daemon)):
        for _ in range(4):
            await mix.run()
    metrics = await site.daemon.metrics()
    finished = {name: count for name, count in metrics.items() if name.startswith("callwright_calls_finished_total")}
    assert sum(finished.values()) == 5 * 9, finished


async def test_many_calls_at_once_leave_nothing_behind(sites: Sites, phones: Phones) -> None:
    """Twenty calls that live together and end together."""
    site = await sites()
    site.serve_tone("/menu.wav", 440, 3.0)
    site.script("/voice", "<Play loop='0'>/menu.wav</Play>")
    phone = await phones("caller")

    async def one() -> None:
        call = await phone.invite(site.daemon.sip_uri(site.number))
        await call.answered()
        await call.media.heard_tone(440)
        await call.hangup()

    await one()
    async with baseline(site.daemon.pid, settle=10, ignoring=KEPT, native=lambda: gauges(site.daemon)):
        await asyncio.gather(*(one() for _ in range(20)))
