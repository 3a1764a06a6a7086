"""A phone that registers over TLS, and cannot be reached but by its own connection."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import Phone
from tests.harness.certificates import Authority
from tests.harness.digest import Credentials
from tests.harness.ports import daemon_address, free_port, next_address

from .house import PASSWORD, House, people
from .line import document
from .site import Site

pytestmark = pytest.mark.integration

AUTHORITY = Authority()


@pytest.mark.parametrize("verified", [True, False])
async def test_it_is_called_on_its_connection(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]], tmp_path: Path, verified: bool
) -> None:
    """Whether or not the certificates of servers are looked at: nobody connects to a phone."""
    host = daemon_address()
    port, tls = free_port(host), free_port(host)
    sip = AUTHORITY.section(host, port, tls, tmp_path, verify_server=verified)
    site = await sites(strangers=True, users=people("alice"), sections={"sip": sip})
    house = House(site, phones)
    address = next_address()
    credentials = Credentials("alice", PASSWORD)
    alice = await phones("alice", address=address, transport="tls", tls=AUTHORITY.tls(address), credentials=credentials)
    answer = await alice.register(f"sip:{host}:{tls};transport=tls")
    assert answer.status == 200
    connections = alice.connections
    sid = await house.calls("alice", twiml=document("<Pause length='20'/>"))
    call = await alice.incoming()
    assert alice.connections == connections
    await call.refuse(486)
    assert (await site.over(sid)).form["CallStatus"] == "busy"
    alice.drop_connections()
    gone = await house.calls("alice", twiml=document("<Pause length='20'/>"))
    last = (await site.over(gone)).form
    assert (last["CallStatus"], last["SipResponseCode"]) == ("no-answer", "430")
