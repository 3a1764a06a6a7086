"""A daemon in two networks: a carrier's calls in one, phones in the other, and sound between them."""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.daemon import Daemon
from tests.harness.digest import Credentials
from tests.harness.networks import Networks, networks
from tests.harness.ports import daemon_address, free_port, other_address

from .house import PASSWORD, people
from .line import both, document
from .site import Site

pytestmark = pytest.mark.integration

Phones = Callable[..., Awaitable[Phone]]
Sites = Callable[..., Awaitable[Site]]
NUMBER = "+15550001000"


def addresses(body: bytes) -> set[str]:
    """Those that a description names."""
    return {line.split()[-1] for line in body.decode().splitlines() if line.startswith(("o=", "c="))}


async def answered_far_away(call: PhoneCall, alice: Phone, own: str, others: str) -> None:
    """A carrier's call that rings at a phone in the other network: each side is told the address in its own, and they
    hear each other."""
    callee = await alice.incoming()
    assert addresses(callee.invite.body) == {others}
    assert others in callee.invite.headers["Contact"]
    await callee.answer()
    assert addresses((await call.answered()).body) == {own}
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()


async def register(phone: Phone, place: str, domain: str) -> None:
    """Registers a phone at one of the daemon's addresses."""
    aor = f"sip:{phone.user}@{domain}"
    headers = [("Contact", phone.contact), ("Expires", "300")]
    answer = await phone.request("REGISTER", f"sip:{place}", headers=headers, from_uri=aor, to_uri=aor)
    assert answer.status == 200, phone.ladder()


@pytest.mark.parametrize("media", ["named", "0.0.0.0"])
async def test_a_carrier_here_and_a_phone_there(sites: Sites, phones: Phones, media: str) -> None:
    own, other = daemon_address(), other_address(1)
    port = free_port(own)
    named = {"media": other} if media == "named" else {}
    entries: list[Any] = [f"udp:{own}:{port}", {"address": f"udp:{other}:{port}", **named}]
    address = own if media == "named" else media
    site = await sites(
        strangers=True, users=people("alice"), sections={"sip": {"listen": entries}, "media": {"address": address}}
    )
    alice = await phones("alice", address=other_address(), credentials=Credentials("alice", PASSWORD))
    await register(alice, f"{other}:{port}", own)
    aor = f"sip:alice@{site.daemon.host}"
    site.script("/voice", f"<Dial answerOnBridge='true'><Sip>{aor}</Sip></Dial>")
    await answered_far_away(await site.dial_in(), alice, own, other)
    await site.told("completed")
    metrics = await site.daemon.metrics()
    for one in (own, other):
        assert metrics[f'callwright_media_address_rtp_pairs{{address="{one}",state="taken"}}'] == 0
        assert metrics[f'callwright_media_address_rtp_pairs{{address="{one}",state="free"}}'] == 200


@pytest.fixture
def two() -> Iterator[Networks]:
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces; the test above needs none")
    with networks() as both_of_them:
        yield both_of_them


@pytest.mark.parametrize("listen", ["each", "0.0.0.0"])
async def test_without_a_route_between_them(two: Networks, phones: Phones, tmp_path: Path, listen: str) -> None:
    """Nothing is said of media but that it follows; who is called from where is what the routes say."""
    entries = [f"udp:{host}:5060" for host in ((two.carrier, two.lan) if listen == "each" else (listen,))]
    carrier = await phones("carrier", address=two.near)
    alice = await phones("alice", address=two.far, credentials=Credentials("alice", PASSWORD))
    bob = await phones("bob", address=two.far, port=5060)
    dial = "<Dial answerOnBridge='true'><Sip>sip:{}</Sip></Dial>"
    numbers = [
        {"number": NUMBER, "twiml": document(dial.format("alice@pbx.example"))},
        {"number": "+15550001001", "twiml": document(dial.format(f"bob@{two.far}"))},
    ]
    sections = {
        "server": {"public_url": f"http://{two.carrier}:8080"},
        "http": {"listen": f"{two.carrier}:8080"},
        "sip": {"listen": entries, "domain": "pbx.example"},
        "media": {"address": "0.0.0.0"},
    }
    with two.daemon():
        daemon = await Daemon.start(
            tmp_path,
            numbers=numbers,
            trunks=[{"name": "carrier", "allow": [f"{two.near}/32"]}],
            users=[{**user, "voice_url": "http://127.0.0.1:1/"} for user in people("alice")],
            sections=sections,
        )
    try:
        await register(alice, two.lan, "pbx.example")
        for number, phone in ((NUMBER, alice), ("+15550001001", bob)):
            call = await carrier.invite(f"sip:{number}@{two.carrier}:5060")
            await answered_far_away(call, phone, two.carrier, two.lan)
        await daemon.stop()
    finally:
        await daemon.close()
