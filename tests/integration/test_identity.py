"""Who calls, by trunk: asserted identities, privacy, forwarders and forms of numbers, in and out."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone, PhoneCall

from .site import CALLER, NUMBER, Site

pytestmark = pytest.mark.integration

TOLD, PLAIN, FORWARDER = "+17770001", "+17780001", "+15553334444"
Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
ASSERTED = ("P-Asserted-Identity", f'"Ada L." <sip:{CALLER};verstat=TN-Validation-Passed-A@carrier.example>')


async def told(
    site: Site, carrier: Phone, *headers: tuple[str, str], to: str = NUMBER, from_: str = ""
) -> dict[str, str]:
    """What the application is told of a call."""
    from_uri = f"sip:{from_ or carrier.user}@carrier.example"
    call = await carrier.invite(site.daemon.sip_uri(to), headers=headers, from_uri=from_uri)
    form = (await site.application.request("/voice")).form
    await call.answered()
    shown = await site.fetch(form["CallSid"])
    assert (shown._from, shown.caller_name or "", shown.forwarded_from or "") == (
        form["From"],
        form.get("CallerName", ""),
        form.get("ForwardedFrom", ""),
    )
    await call.hangup()
    return form


async def test_who_calls_in(sites: Sites, phones: Phones) -> None:
    """A carrier that is believed says who calls; of one that is not it is a header like another; both are obeyed when
    the caller does not want to be known."""
    believed, plain = await phones("believed"), await phones("plain")
    trunks = [
        {"name": "believed", "allow": [f"{believed.address}/32"], "trust_identity": True},
        {"name": "plain", "allow": [f"{plain.address}/32"], "inbound_numbers": ["tech-prefix:99", "national:+1"]},
    ]
    site = await sites(trunks=trunks)
    site.script("/voice", "<Play digits='1'/><Pause length='20'/>")
    diverted = ("Diversion", f"<sip:{FORWARDER}@carrier.example>;reason=user-busy")
    form = await told(site, believed, ASSERTED, diverted)
    assert (form["From"], form["CallerName"], form["ForwardedFrom"]) == (CALLER, "Ada L.", FORWARDER)
    assert form["StirVerstat"] == "TN-Validation-Passed-A"

    form = await told(site, plain, ASSERTED, diverted, from_="05550009000", to="990" + NUMBER.removeprefix("+1"))
    assert (form["From"], form["To"], form["SipHeader_P-Asserted-Identity"]) == ("+15550009000", NUMBER, ASSERTED[1])
    assert not form.keys() & {"CallerName", "ForwardedFrom", "StirVerstat"}

    for carrier in (believed, plain):
        form = await told(site, carrier, ASSERTED, ("Privacy", "id"), to=NUMBER, from_="anonymous")
        assert form["From"] == form["Caller"] == "+266696687"
        assert CALLER not in str(form) and "Ada" not in str(form)


async def test_who_calls_out(sites: Sites, phones: Phones) -> None:
    """One trunk wants its account in From, and to be told everything; another nothing."""
    gateway = await phones("gateway")
    account = {"profile": "from-is-auth-user", "username": "acct", "password": "x", "from_domain": "our.example"}
    trunks = [
        {"name": "told", "prefixes": ["+1777"], "diversion": True, "outbound_numbers": ["no-plus"], **account},
        {"name": "plain", "prefixes": ["+1778"], "identity": "rpid"},
    ]
    site = await sites(trunks=[{**trunk, "targets": [f"sip:{gateway.place}"]} for trunk in trunks])

    async def carried(verbs: str) -> PhoneCall:
        """The call that a caller's document has placed."""
        site.script("/voice", verbs)
        call = await site.carrier.invite(site.daemon.sip_uri(NUMBER), from_uri=f"sip:{CALLER}@carrier.example")
        incoming = await gateway.incoming()
        await incoming.refuse(486)
        assert (await call.refused()).status == 603
        return incoming

    incoming = await carried(f"<Dial answerOnBridge='true'>{TOLD}</Dial><Reject/>")
    headers = incoming.invite.headers
    assert (incoming.from_user, incoming.to_user) == ("acct", TOLD[1:])
    assert headers["P-Asserted-Identity"] == f"<sip:{CALLER[1:]}@our.example>"
    assert headers["Diversion"] == f"<sip:{NUMBER[1:]}@our.example>;reason=unconditional"

    incoming = await carried(f"<Dial answerOnBridge='true' callerId='anonymous'>{PLAIN}</Dial><Reject/>")
    headers, caller = incoming.invite.headers, incoming.invite.from_
    assert (caller.uri, caller.display) == ("sip:anonymous@anonymous.invalid", "Anonymous")
    assert headers["Privacy"] == "id" and headers["Remote-Party-ID"].endswith(";privacy=full")
    assert NUMBER in headers["Remote-Party-ID"] and CALLER not in bytes(incoming.invite).decode()


async def test_the_way_that_a_call_has_taken(sites: Sites, phones: Phones) -> None:
    """It came with History-Info, or with Diversion; it goes on with both, and with us as the last forwarder."""
    carrier, gateway = await phones(CALLER), await phones("gateway")
    trunks = [
        {"name": "in", "allow": [f"{carrier.address}/32"], "trust_identity": True},
        {
            "name": "out",
            "prefixes": ["+1777"],
            "targets": [f"sip:{gateway.place}"],
            "diversion": True,
            "history_info": True,
        },
    ]
    site = await sites(trunks=trunks)
    site.script("/voice", f"<Dial answerOnBridge='true'>{TOLD}</Dial><Reject/>")
    host, earlier = site.daemon.host, "+15552223333"
    entries = (f"<sip:{earlier}@c>;index=1", f"<sip:{FORWARDER}@c;cause=408>;index=1.1;mp=1")
    came = [
        [("History-Info", ", ".join([*entries, f"<sip:{NUMBER}@c;cause=486>;index=1.1.1;mp=1.1"]))],
        [("Diversion", f"<sip:{FORWARDER}@c>;reason=user-busy"), ("Diversion", f"<sip:{earlier}@c>;reason=no-answer")],
    ]
    for headers in came:
        call = await carrier.invite(
            site.daemon.sip_uri(NUMBER), headers=headers, from_uri=f"sip:{CALLER}@carrier.example"
        )
        incoming = await gateway.incoming()
        await incoming.refuse(486)
        assert (await call.refused()).status == 603
        told = incoming.invite.headers
        assert told.lines("Diversion") == [
            f"<sip:{NUMBER}@{host}>;reason=unconditional",
            f"<sip:{FORWARDER}@{host}>;reason=user-busy",
            f"<sip:{earlier}@{host}>;reason=no-answer",
        ]
        assert told.lines("History-Info") == [
            f"<sip:{earlier}@{host}>;index=1",
            f"<sip:{FORWARDER}@{host};cause=408>;index=1.1;mp=1",
            f"<sip:{NUMBER}@{host};cause=486>;index=1.1.1;mp=1.1",
            f"<sip:{TOLD}@{gateway.place};cause=302>;index=1.1.1.1;mp=1.1.1",
        ]
