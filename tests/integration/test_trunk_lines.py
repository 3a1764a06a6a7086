"""What trunks do by themselves: registrations with carriers, and OPTIONS to their gateways."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import Guard, Phone, Refused
from tests.harness.dialog import response_to
from tests.harness.message import Request, Response

from .commands import callwright
from .site import Site

pytestmark = pytest.mark.integration

Phones = Callable[..., Awaitable[Phone]]
Sites = Callable[..., Awaitable[Site]]
LINE, PASSWORD = "line1", "line-secret"


class Registrar:
    """A carrier's registrar: asks for the password, and confirms for a time."""

    def __init__(self, phone: Phone, expires: int = 600) -> None:
        self.phone, self.expires = phone, expires
        self.status = 200
        phone.guard = Guard(LINE, PASSWORD, realm="carrier.test")
        phone.handlers["REGISTER"] = self.answer

    def answer(self, request: Request) -> Response:
        if self.status != 200:
            return response_to(request, self.status, headers=[("Min-Expires", "900")])
        granted = min(self.expires, int(request.headers["Expires"]))
        contact = f"{request.headers['Contact']};expires={granted}"
        return response_to(request, 200, headers=[("Contact", contact)] if granted else [])

    async def registered(self, expires: str = "3600") -> Request:
        """The next REGISTER that has been confirmed."""
        while True:
            request = await self.phone.expect("REGISTER")
            assert isinstance(request, Request)
            if "Authorization" in request.headers:
                assert request.headers["Expires"] == expires
                return request

    def trunk(self, **keys: Any) -> dict[str, Any]:
        where = f"sip:{self.phone.address}:{self.phone.port}"
        own = {"server": where, "username": LINE, "password": PASSWORD, "realm": "carrier.test", **keys}
        return {"name": "line", "prefixes": [], "register": own}


async def inhabited(sites: Sites, trunk: dict[str, Any]) -> Site:
    """A daemon that takes calls from its carrier's address only; the line is one of its numbers."""
    twiml = "<Response><Echo/></Response>"
    return await sites(strangers=True, trunks=[trunk], numbers=[{"number": LINE, "twiml": twiml}])


class TestRegistration:
    async def test_calls_come_from_the_registrar_and_from_nobody_else(self, sites: Sites, phones: Phones) -> None:
        registrar, stranger = Registrar(await phones("registrar")), await phones("stranger")
        site = await inhabited(sites, registrar.trunk())
        request = await registrar.registered()
        assert request.headers["To"] == f"<sip:{LINE}@{registrar.phone.address}>"
        assert f"sip:{LINE}@{site.daemon.host}:{site.daemon.sip_port}" in request.headers["Contact"]
        await site.daemon.logged(rf"trunk=line registration of sip:{LINE}@\S+: registered at")
        assert (await site.daemon.metrics())['callwright_trunk_registered{state="registered",trunk="line"}'] == 1
        registrar.phone.guard = None
        call = await registrar.phone.invite(site.daemon.sip_uri(LINE))
        await call.answered()
        await site.daemon.logged(r"invite .*trunk=line")
        await call.hangup()
        other = await registrar.phone.invite(site.daemon.sip_uri(site.number))
        with pytest.raises(Refused, match="403"):
            await other.answered()
        before = len(stranger.trace.entries)
        refused = await stranger.invite(site.daemon.sip_uri(LINE))
        assert (await refused.refused()).status == 403
        assert len(stranger.trace.entries) > before

    async def test_refreshed_and_taken_back(self, sites: Sites, phones: Phones) -> None:
        registrar = Registrar(await phones("registrar"), expires=2)
        site = await inhabited(sites, registrar.trunk())
        first = await registrar.registered()
        again = await registrar.registered()
        assert again.call_id == first.call_id and again.cseq > first.cseq
        await site.daemon.stop()
        last = registrar.phone.trace.messages("REGISTER")[-1]
        assert isinstance(last, Request)
        assert last.headers["Expires"] == "0" and "Authorization" in last.headers

    async def test_its_password_is_for_its_realm_only(self, sites: Sites, phones: Phones) -> None:
        registrar = Registrar(await phones("registrar"))
        site = await inhabited(sites, registrar.trunk(realm="elsewhere.test"))
        await site.daemon.logged(r"WARNING .*trunk=line registration of \S+ refused: 401")
        assert not any("Authorization" in one.headers for one in registrar.phone.trace.messages("REGISTER"))
        ended = await callwright("trunks", "--config", str(site.daemon.directory / "callwright.toml"))
        assert (ended.code, ended.err) == (0, [])
        (shown,) = [line.split() for line in ended.out if line.startswith("line ")]
        assert shown == ["line", "0/1000", "refused", "-", "-"]


async def test_gateways_are_pinged(sites: Sites, phones: Phones) -> None:
    """One that cannot take calls is left alone before a call meets it, and is back when it can."""
    gateway = await phones("gateway")
    ill = True
    gateway.handlers["OPTIONS"] = lambda request: response_to(request, 503 if ill else 200)
    target = f"sip:{gateway.address}:{gateway.port}"
    keys = {"ping_s": 0.5, "quarantine_after": 2, "quarantine_s": 1}
    site = await sites(trunks=[{"name": "pinged", "targets": [target], "prefixes": [], **keys}])
    sample = f'callwright_trunk_target_up{{target="{target}",trunk="pinged"}}'
    await site.daemon.logged(
        f"WARNING .*trunk=pinged target={target} is left alone for 1 s after 2 failures: OPTIONS: 503"
    )
    figures = await site.daemon.metrics()
    assert sample in figures and figures[sample] == 0
    ill = False
    await site.daemon.logged(f"trunk=pinged target={target} is back", 15)
    assert (await site.daemon.metrics())[sample] == 1
    request = await gateway.expect("OPTIONS")
    assert isinstance(request, Request) and request.uri == target
    assert (await site.daemon.health())["status"] == "ok"
