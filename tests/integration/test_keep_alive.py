"""A phone behind a NAT: it is told how often to say that it is there, and is answered when it does (RFC 5626)."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.waiting import within

from .house import House, people
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
BINDING_REQUEST = struct.pack("!HHI", 0x0001, 0, 0x2112A442) + bytes(12)


@pytest.mark.parametrize(("transport", "seconds"), [("udp", "30"), ("tcp", "120")])
async def test_a_flow(sites: Sites, phones: Phones, transport: str, seconds: str) -> None:
    house = House(await sites(strangers=True, users=people("alice")), phones)
    alice = await house.phone("alice", transport=transport)
    aor = f"sip:alice@{house.site.daemon.host}"
    contact = f'{alice.contact};+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=1'
    lines = [("Contact", contact), ("Supported", "path, outbound"), ("Expires", "300")]
    answer = await alice.request("REGISTER", house.registrar(transport), headers=lines, from_uri=aor, to_uri=aor)
    assert (answer.status, answer.headers["Require"], answer.headers["Flow-Timer"]) == (200, "outbound", seconds)
    plain = await house.register(await house.phone("alice", transport=transport))
    assert plain.status == 200 and "Flow-Timer" not in plain.headers and "Require" not in plain.headers


async def test_it_is_there(sites: Sites) -> None:
    """Also from who is neither a trunk nor a user: Python hears nothing of it."""
    site = await sites(strangers=True, users=people("alice"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setblocking(False)
        peer.connect((site.daemon.host, site.daemon.sip_port))
        peer.send(BINDING_REQUEST)
        waiting = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(peer, 100))
        answer = await within(waiting, 5, lambda: "an answer")
        port = struct.unpack("!H", answer[26:28])[0] ^ 0x2112
        assert (answer[:2], port) == (b"\x01\x01", peer.getsockname()[1])
    metrics = await site.daemon.metrics()
    counted = {name: metrics[f'callwright_sip_requests_total{{decision="{name}"}}'] for name in ("stun", "requests")}
    assert counted == {"stun": 1, "requests": 0}
