"""Voice messages that wait, as phones show them: told by applications over the API, and published by servers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import Phone
from tests.harness.baresip import Baresip
from tests.harness.message import Request

from .house import PASSWORD, House, people
from .site import Site
from .watcher import Watcher

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Baresips = Callable[..., Awaitable[Baresip]]
MESSAGES = b"Messages-Waiting: yes\r\nVoice-Message: 1/4 (1/0)\r\n"


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice and Bob live here; the voicemail server is a user of its own."""
    return House(await sites(strangers=True, users=people("alice", "bob", "voicemail")), phones)


async def says(house: House, path: str, **data: Any) -> int:
    """The status of the answer to what an application says of a mailbox."""
    url = "https://api.twilio.com" + house.site.path(f"SIP/MessageWaiting{path}.json")
    return int((await house.site.do(lambda client: client.request("POST", url, data=data))).status_code)


async def shows(watcher: Watcher, timeout: float = 5.0) -> list[str]:
    """What the next NOTIFY says: whether messages wait, and how many."""
    told = await watcher.notified(timeout)
    assert told.headers["Content-Type"] == "application/simple-message-summary"
    assert told.headers["Subscription-State"].startswith("active")
    lines = dict(line.split(": ", 1) for line in told.body.decode().splitlines())
    return [lines["Messages-Waiting"], lines["Voice-Message"], lines["Message-Account"]]


async def watching(house: House, user: str, mailbox: str, transport: str = "udp") -> Watcher:
    watcher = Watcher(await house.registered(user, transport=transport), house, mailbox, "message-summary")
    answer = await watcher.subscribe(headers=[("Accept", "application/simple-message-summary")])
    assert answer.status == 200
    return watcher


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_an_application_lights_the_lamp(house: House, transport: str) -> None:
    """And puts it out when the messages have been heard; what has not changed is not told."""
    alice = await watching(house, "alice", "alice", transport)
    own = f"sip:alice@{house.site.daemon.host}"
    assert await shows(alice) == ["no", "0/0 (0/0)", own]
    pilot = f"sip:*97@{house.site.daemon.host}"
    assert await says(house, "/alice", NewMessages=2, NewUrgentMessages=1, MessageAccount=pilot) == 200
    assert await shows(alice) == ["yes", "2/0 (1/0)", pilot]
    assert await says(house, "/alice", NewMessages=2) == 200
    assert await says(house, "/alice", NewMessages=0, NewUrgentMessages=0, OldMessages=2) == 200
    assert await shows(alice) == ["no", "0/2 (0/0)", pilot]
    assert (await alice.subscribe(expires=0)).status == 200
    assert (await alice.notified()).headers["Subscription-State"] == "terminated;reason=timeout"


async def test_a_voicemail_server_publishes(house: House) -> None:
    """It authenticates as a user of the account; what it lets expire is gone."""
    alice = await watching(house, "alice", "alice")
    await alice.notified()
    server = await house.phone("voicemail")
    lines = [("Event", "message-summary"), ("Content-Type", "application/simple-message-summary"), ("Expires", "600")]
    answer = await server.request("PUBLISH", house.aor("alice"), headers=lines, body=MESSAGES)
    assert answer.status == 200
    assert (await shows(alice))[:2] == ["yes", "1/4 (1/0)"]
    lines = [("Event", "message-summary"), ("SIP-If-Match", answer.headers["SIP-ETag"]), ("Expires", "0")]
    assert (await server.request("PUBLISH", house.aor("alice"), headers=lines)).status == 200
    assert (await shows(alice))[:2] == ["no", "0/0 (0/0)"]


async def test_a_mailbox_that_users_share(house: House) -> None:
    """Both phones show it; before it has been made there is none."""
    bob = Watcher(await house.registered("bob"), house, "sales", "message-summary")
    assert (await bob.subscribe()).status == 404
    assert await says(house, "/sales", NewMessages=1) == 404
    assert await says(house, "", Mailbox="sales", NewMessages=1) == 201
    watchers = [await watching(house, user, "sales") for user in ("alice", "bob")]
    for watcher in watchers:
        assert (await shows(watcher))[:2] == ["yes", "1/0 (0/0)"]
    assert await says(house, "/sales", NewMessages=0, OldMessages=1) == 200
    for watcher in watchers:
        assert (await shows(watcher))[:2] == ["no", "0/1 (0/0)"]


async def test_nobody_sees_anothers_mailbox(house: House) -> None:
    bob = await house.registered("bob")
    assert (await Watcher(bob, house, "alice", "message-summary").subscribe()).status == 403
    assert await says(house, "/nobody", NewMessages=1) == 404
    assert await says(house, "/alice", NewMessages="many") == 400


async def test_a_foreign_phone(sites: Sites, baresip: Baresips, phones: Phones) -> None:
    """Baresip shows what an application tells."""
    site = await sites(strangers=True, users=people("bare"), sections={"sip": {"digest": ["MD5"]}})
    house = House(site, phones)
    domain = f"{site.daemon.host}:{site.daemon.sip_port}"
    phone = await baresip(user="bare", domain=domain, password=PASSWORD, mailbox=True)
    assert "Messages-Waiting: no" in (await phone.event("MWI_NOTIFY", 10))["param"]
    assert await says(house, "/bare", NewMessages=2, OldMessages=1) == 200
    told = (await phone.event("MWI_NOTIFY"))["param"]
    assert told.startswith("Messages-Waiting: yes") and "Voice-Message: 2/1 (0/0)" in told


async def test_S11_a_crash_puts_out_no_lamp(house: House) -> None:
    """kill -9: what was told and published before still holds, and what changes afterwards is told."""
    alice = await watching(house, "alice", "alice")
    await alice.notified()
    assert await says(house, "/alice", NewMessages=3) == 200
    server = await house.phone("voicemail")
    lines = [("Event", "message-summary"), ("Content-Type", "application/simple-message-summary")]
    assert (await server.request("PUBLISH", house.aor("alice"), headers=lines, body=MESSAGES)).status == 200
    while (await shows(alice))[1] != "4/4 (1/0)":
        pass
    await house.site.daemon.kill()
    await house.site.daemon.run()
    assert (await shows(alice, 10))[:2] == ["yes", "4/4 (1/0)"]
    assert await says(house, "/alice", NewMessages=0) == 200
    assert (await shows(alice))[:2] == ["yes", "1/4 (1/0)"]
    told = [one for one in alice.phone.trace.messages("NOTIFY") if isinstance(one, Request)]
    assert len({one.headers["CSeq"] for one in told}) == len(told)
