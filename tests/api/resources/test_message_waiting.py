"""How many messages wait, as applications tell it (RFC 3842; a resource of our own)."""

from dataclasses import replace

import pytest
from lxml import etree

from callwright.sip.events.summary import Counts
from callwright.store.tables import publications

from ..conftest import BASE, MINE, OTHER, Site

PATH = f"{BASE}/SIP/MessageWaiting"
SHARED = {"Mailbox": "sales", "NewMessages": "2"}


async def test_of_a_user(site: Site) -> None:
    """Every user has a mailbox; what is not said stays as it was."""
    status, empty = await site.json("GET", f"{PATH}/alice.json")
    assert status == 200
    assert empty == {
        "mailbox": "alice@127.0.0.1",
        "account_sid": MINE.sid,
        "messages_waiting": False,
        "new_messages": 0,
        "old_messages": 0,
        "new_urgent_messages": 0,
        "old_urgent_messages": 0,
        "message_account": None,
        "total_new_messages": 0,
        "total_old_messages": 0,
        "uri": f"{PATH}/alice@127.0.0.1.json",
    }
    data = {"NewMessages": "3", "OldMessages": "5", "NewUrgentMessages": "1", "MessageAccount": "sip:*97@127.0.0.1"}
    status, told = await site.json("POST", f"{PATH}/alice.json", data=data)
    assert (status, told["messages_waiting"], told["total_new_messages"]) == (200, True, 3)
    assert told["message_account"] == "sip:*97@127.0.0.1"
    heard = {"NewMessages": "0", "NewUrgentMessages": "0", "OldMessages": "8"}
    status, told = await site.json("POST", f"{PATH}/alice@127.0.0.1.json", data=heard)
    assert (status, told["messages_waiting"], told["old_messages"]) == (200, False, 8)
    assert told["message_account"] == "sip:*97@127.0.0.1"
    assert await site.json("GET", told["uri"]) == (200, told)
    (row,) = await site.store.fetch(publications.select())
    assert (row["aor"], row["id"], row["package"]) == ("alice@127.0.0.1", "api", "message-summary")
    status, told = await site.json("POST", f"{PATH}/alice.json", data={"MessageAccount": ""})
    assert (status, told["message_account"], told["old_messages"]) == (200, None, 8)
    response, _ = await site.ask("DELETE", f"{PATH}/alice.json")
    assert response.status == 204
    assert await site.json("GET", f"{PATH}/alice.json") == (200, empty)
    assert await site.store.fetch(publications.select()) == []


async def test_shared_ones(site: Site) -> None:
    """They are made, listed, and gone when they are deleted; another account has its own of that name."""
    status, error = await site.json("POST", f"{PATH}/sales.json", data={"NewMessages": "1"})
    assert (status, error["code"]) == (404, 20404)
    status, made = await site.json("POST", f"{PATH}.json", data=SHARED)
    assert (status, made["mailbox"], made["new_messages"]) == (201, "sales@127.0.0.1", 2)
    status, error = await site.json("POST", f"{PATH}.json", data=SHARED)
    assert (status, error["code"]) == (409, 20409)
    status, page = await site.json("GET", f"{PATH}.json")
    assert (status, page["mailboxes"]) == (200, [made])
    theirs = PATH.replace(MINE.sid, OTHER.sid)
    status, page = await site.json("GET", f"{theirs}.json", account=OTHER)
    assert (status, page["mailboxes"]) == (200, [])
    status, _ = await site.json("POST", f"{theirs}.json", data={"Mailbox": "sales"}, account=OTHER)
    assert status == 201
    response, _ = await site.ask("DELETE", f"{PATH}/sales.json")
    assert response.status == 204
    response, _ = await site.ask("GET", f"{PATH}/sales.json")
    assert response.status == 404
    status, kept = await site.json("GET", f"{theirs}/sales.json", account=OTHER)
    assert (status, kept["new_messages"]) == (200, 0)


async def test_with_what_a_server_publishes(site: Site) -> None:
    """What was said here, and what phones are shown."""
    mailboxes = site.services.mailboxes
    await site.json("POST", f"{PATH}/alice.json", data={"NewMessages": "1"})
    api = mailboxes.find(MINE.sid, "alice@127.0.0.1")
    assert api is not None
    (own,) = mailboxes._publications.of(api.resource, "message-summary")
    document = "Messages-Waiting: yes\r\nVoice-Message: 4/2\r\n"
    mailboxes._publications.put(replace(own, id="voicemail", document=document))
    status, told = await site.json("GET", f"{PATH}/alice.json")
    assert (status, told["new_messages"], told["total_new_messages"], told["total_old_messages"]) == (200, 1, 5, 2)
    found = mailboxes.find(MINE.sid, "alice@127.0.0.1")
    assert found is not None and found.told.voice == Counts(1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"NewMessages": "many"}, "NewMessages"),
        ({"NewMessages": "-1"}, "NewMessages"),
        ({"OldMessages": "10000000"}, "OldMessages"),
        ({"NewMessages": "1", "NewUrgentMessages": "2"}, "urgent"),
        ({"MessageAccount": "97"}, "MessageAccount"),
        ({"MessageAccount": "sip:a\r\nX: y"}, "MessageAccount"),
    ],
)
async def test_what_cannot_be(site: Site, data: dict[str, str], words: str) -> None:
    status, error = await site.json("POST", f"{PATH}/alice.json", data=data)
    assert (status, error["code"]) == (400, 20422) and words in error["message"]
    assert await site.store.fetch(publications.select()) == []


@pytest.mark.parametrize("name", ["", "a b", "a\r\nb", "sales@", "sales@elsewhere", "x" * 65])
async def test_names_that_cannot_be(site: Site, name: str) -> None:
    status, error = await site.json("POST", f"{PATH}.json", data={"Mailbox": name})
    assert (status, error["code"]) == (400, 20422) and "Mailbox" in error["message"]


async def test_another_accounts_user(site: Site) -> None:
    theirs = PATH.replace(MINE.sid, OTHER.sid)
    status, error = await site.json("GET", f"{theirs}/alice.json", account=OTHER)
    assert (status, error["code"]) == (404, 20404)


async def test_as_xml_and_csv(site: Site) -> None:
    await site.json("POST", f"{PATH}.json", data=SHARED)
    _, body = await site.ask("GET", f"{PATH}/sales")
    assert etree.fromstring(body).findtext("Mailbox/NewMessages") == "2"
    _, body = await site.ask("GET", f"{PATH}.csv")
    assert b"sales@127.0.0.1" in body
