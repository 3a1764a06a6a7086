"""Text messages over SIP, in: who is told, who gets them, and what is refused."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.arrivals import Arrivals
from callwright.calls.inbox import MAX_BODY, MOST_UNDER_WAY, Inbox, hooks
from callwright.calls.numbers import Numbers
from callwright.config import Config, validate
from callwright.sip.request import Request
from callwright.sip.roster import Roster
from callwright.sip.transaction import Response
from callwright.sip.trunks import Trunks, declared
from callwright.sip.users import Users
from callwright.sip.vouching import declared as vouching
from callwright.store.declared import numbers as declared_numbers
from callwright.store.directory import Directory, Record
from tests.calls.fakes import ACCOUNT_SID, OTHER_SID
from tests.calls.jumping import turns
from tests.calls.records import Posts, Rows
from tests.sip.registering import Answers

DOMAIN = "pbx.example"
TEXTED, SILENT = "+15550001100", "+15550001000"
HOOK = "http://app.example/text"
"""What a number, a user and a domain have."""


class Phones:
    """Where deliveries go: they end when they are told to.

    Attributes:
        taken: (account, to, sender, text) of each.
        answer: of all of them; None: they wait.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str, str]] = []
        self.answer: Response | None = Response(200)
        self.seconds = 0.0

    async def deliver(self, account_sid: str, to: str, sender: str, body: str, *, seconds: float = 0) -> Response:
        self.taken.append((account_sid, to, sender, body))
        self.seconds = seconds
        return self.answer or await asyncio.get_running_loop().create_future()


def configured() -> Config:
    """Carol has a hook of her own, all users of `talk.example` have one; one number has one, the other has none."""
    people = [
        {"name": "alice", "password": "a", "account": ACCOUNT_SID},
        {"name": "carol", "password": "c", "account": ACCOUNT_SID, "message_url": HOOK, "message_method": "GET"},
        {"name": "dave", "password": "d", "account": ACCOUNT_SID, "domain": "talk.example"},
        {"name": "eve", "password": "e", "account": OTHER_SID},
    ]
    return validate(
        {
            "sip": {"domain": DOMAIN},
            "account": [{"sid": ACCOUNT_SID}, {"sid": OTHER_SID}],
            "number": [
                {"number": TEXTED, "account": ACCOUNT_SID, "voice_url": HOOK, "message_url": HOOK},
                {"number": SILENT, "account": ACCOUNT_SID, "voice_url": HOOK},
            ],
            "trunk": [{"name": "carrier", "account": ACCOUNT_SID, "allow": ["192.0.2.0/24"]}],
            "user": people,
            "domain": [{"name": "talk.example", "account": ACCOUNT_SID, "message_url": f"{HOOK}/domain"}],
        }
    )


class Desk:
    """An inbox, and everything around it."""

    def __init__(self) -> None:
        self.directory = Directory(Rows())  # type: ignore[arg-type]  # as much of a store as is asked for
        self.rows, self.posts, self.phones, self.answers = Rows(), Posts(), Phones(), Answers()
        self.accounts = {sid: Account(sid, "token") for sid in (ACCOUNT_SID, OTHER_SID)}
        self.arrivals = Arrivals(self.rows, self.posts)  # type: ignore[arg-type]  # as much of a store as is asked for
        self.directory.declare(declared_numbers(configured()))
        self.know(configured())

    def know(self, config: Config, *vouched: str) -> None:
        """From now on the inbox of this file, and of these users of its domains that ask."""
        trunks = Trunks(declared(section) for section in config.trunk)
        users, roster = Users.of(config), Roster(vouching(config), lambda: 0.0)
        users.vouch(roster)
        assert all(roster.presume(aor) for aor in vouched)
        numbers = Numbers(self.directory)
        self.inbox = Inbox(self.accounts, numbers, trunks, users, hooks(config), self.phones, self.arrivals)

    async def take(self, to: str, text: bytes = b"hello", **facts: Any) -> int:
        """The answer to one MESSAGE; of Alice's, unless told otherwise."""
        usual = {
            "user": "alice", "realm": DOMAIN, "from_uri": f"sip:alice@{DOMAIN}", "content_type": "text/plain",
            "request_uri": to, "to_uri": to, "call_id": "c1", "cseq": 1, "source_host": "203.0.113.9",
            "source_port": 5060, "transport": "UDP", "body": text,
        }  # fmt: skip
        request = Request(self.answers, len(self.answers.all), "MESSAGE", **{**usual, **facts})
        self.inbox.take(request)
        await turns()
        return self.answers.codes[-1]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


CAROL = {"user": "carol", "from_uri": f"sip:carol@{DOMAIN}"}
TRUNK = {"user": "", "realm": "", "source_host": "192.0.2.7", "from_uri": "sip:+15557654321@carrier.example"}


def test_whose_hooks_there_are() -> None:
    """His own, else his domain's."""
    assert hooks(configured()) == {f"carol@{DOMAIN}": Hook(HOOK, "GET"), "dave@talk.example": Hook(f"{HOOK}/domain")}


async def test_who_is_vouched_for_has_his_domains_hook(desk: Desk) -> None:
    """As a user of the file has, who has none himself."""
    domain = {"name": "new.example", "account": ACCOUNT_SID, "message_url": f"{HOOK}/new", "auth_url": HOOK}
    asking = validate({"account": [{"sid": ACCOUNT_SID}], "sip": {"domain": DOMAIN}, "domain": [domain]})
    assert hooks(asking) == {"@new.example": Hook(f"{HOOK}/new")}
    desk.know(asking, "zoe@new.example")
    zoe = {"user": "zoe", "realm": "new.example", "from_uri": "sip:zoe@new.example"}
    assert await desk.take("sip:1@h", **zoe) == 202
    assert [posted.url for posted in desk.posts.all] == [f"{HOOK}/new"]


async def test_a_users_message_goes_to_his_application(desk: Desk) -> None:
    headers = (("X-Floor", "3"), ("Subject", "no"))
    assert await desk.take(f"sip:alice@{DOMAIN}", "Mañana?".encode(), **CAROL, headers=headers) == 202
    (posted,) = desk.posts.all
    sid = posted.params["MessageSid"]
    assert sid.startswith("SM") and len(sid) == 34
    assert (posted.url, posted.kind) == (HOOK, "incoming-message")
    row = desk.rows.row("messages", sid)
    assert (row["direction"], row["from"], row["body"]) == ("inbound", f"sip:carol@{DOMAIN}", "Mañana?")
    assert posted.params == {
        "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": ACCOUNT_SID, "ApiVersion": "2010-04-01",
        "From": f"sip:carol@{DOMAIN}", "To": f"sip:alice@{DOMAIN}", "Body": "Mañana?", "NumMedia": "0",
        "NumSegments": "1", "SmsStatus": "received", "SipCallId": "c1", "SipSourceIp": "203.0.113.9",
        "SipDomain": DOMAIN, "SipDomainSid": posted.params["SipDomainSid"], "SipUsername": "carol",
        "SipHeader_X-Floor": "3",
    }  # fmt: skip
    assert desk.phones.taken == []


async def test_a_user_claims_to_be_another(desk: Desk) -> None:
    await desk.take("sip:1@h", user="carol", from_uri=f"sip:alice@{DOMAIN}")
    assert desk.posts.all[0].params["From"] == f"sip:carol@{DOMAIN}"


async def test_to_a_users_phones(desk: Desk) -> None:
    """As they answer; within the time that the engine gives."""
    assert await desk.take(f"sip:bob@{DOMAIN}") == 200
    assert desk.phones.taken == [(ACCOUNT_SID, f"sip:bob@{DOMAIN}", "alice", "hello")]
    assert not desk.rows.tables, "what people write to each other is not kept"
    assert 0 < desk.phones.seconds < 5
    for answer, passed in ((202, 202), (480, 480), (486, 486), (404, 404), (401, 480), (407, 480), (503, 480)):
        desk.phones.answer = Response(answer)
        assert await desk.take(f"sip:bob@{DOMAIN}") == passed
    assert not desk.posts.all


async def test_no_relay(desk: Desk) -> None:
    """What is of no domain of ours goes nowhere."""
    assert await desk.take("sip:bob@elsewhere.example") == 404
    assert await desk.take("sip:bob@elsewhere.example", **TRUNK) == 404
    assert desk.phones.taken == []


async def test_a_trunks_message_goes_to_the_numbers_application(desk: Desk) -> None:
    assert await desk.take(f"sip:{TEXTED}@{DOMAIN}", **TRUNK) == 202
    params = desk.posts.all[0].params
    assert (params["From"], params["To"]) == ("+15557654321", TEXTED)
    assert "SipUsername" not in params and params["SipDomain"] == DOMAIN
    assert await desk.take(f"sip:{TEXTED[1:]}@{DOMAIN}", **TRUNK) == 202
    assert await desk.take(f"sip:{SILENT}@{DOMAIN}", **TRUNK) == 603
    assert await desk.take(f"sip:+15550000000@{DOMAIN}", **TRUNK) == 404


async def test_a_trunk_writes_to_users_of_its_account(desk: Desk) -> None:
    assert await desk.take(f"sip:alice@{DOMAIN}", **TRUNK) == 200
    assert desk.phones.taken == [(ACCOUNT_SID, f"sip:alice@{DOMAIN}", "+15557654321", "hello")]
    assert await desk.take(f"sip:eve@{DOMAIN}", **TRUNK) == 404


async def test_numbers_of_the_api(desk: Desk) -> None:
    """By their SmsUrl, or that of the application that they name."""
    fields = {"phone_number": "+15550001200", "sms_url": f"{HOOK}/own", "sms_method": "GET"}
    desk.directory.declare([Record("PN1", "incoming_phone_numbers", ACCOUNT_SID, fields)])
    application = Record("AP1", "applications", ACCOUNT_SID, {"sms_url": f"{HOOK}/stored"})
    named = fields | {"phone_number": "+15550001201", "sms_application_sid": "AP1"}
    desk.directory.declare([application, Record("PN2", "incoming_phone_numbers", ACCOUNT_SID, named)])
    for number in ("+15550001200", "+15550001201"):
        assert await desk.take(f"sip:{number}@{DOMAIN}", **TRUNK) == 202
    assert [posted.url for posted in desk.posts.all] == [f"{HOOK}/own", f"{HOOK}/stored"]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"content_type": "text/html"}, 415),
        ({"content_type": "text/plainer"}, 415),
        ({"content_type": ""}, 415),
        ({"content_type": "text/plain;charset=iso-8859-1"}, 415),
        ({"content_type": "message/cpim"}, 415),
        ({"headers": (("Content-Encoding", "gzip"),)}, 415),
        ({"text": b"\xff"}, 400),
        ({"text": b"x" * (MAX_BODY + 1)}, 413),
        ({"content_type": 'Text/Plain ; format=flowed; charset="UTF-8"'}, 200),
        ({"text": b""}, 200),
        ({"text": b"x" * MAX_BODY}, 200),
        ({"user": "", "realm": ""}, 403),
        ({"user": "nobody"}, 403),
    ],
)
async def test_what_is_taken(desk: Desk, facts: dict[str, Any], code: int) -> None:
    assert await desk.take(f"sip:bob@{DOMAIN}", **facts) == code
    assert len(desk.phones.taken) == (code == 200)
    assert desk.answers.values("Accept") == (["text/plain"] if code == 415 else [])


async def test_a_suspended_account(desk: Desk) -> None:
    desk.accounts[ACCOUNT_SID] = replace(desk.accounts[ACCOUNT_SID], status="suspended")
    assert await desk.take(f"sip:bob@{DOMAIN}") == 403
    assert await desk.take("sip:1@h", **CAROL) == 403
    assert await desk.take(f"sip:{TEXTED}@{DOMAIN}", **TRUNK) == 403
    assert not desk.posts.all and not desk.phones.taken and not desk.rows.tables


async def test_a_message_that_is_not_written_yet(desk: Desk) -> None:
    """It is in the queue, and its application is told: who sends it again would be heard twice."""
    desk.rows.broken = True
    assert await desk.take("sip:1@h", **CAROL) == 202
    assert len(desk.posts.all) == 1


async def test_too_many_at_once(desk: Desk) -> None:
    desk.phones.answer = None
    request = Request(
        desk.answers, 1, "MESSAGE", f"sip:bob@{DOMAIN}", "", "c", 1, "203.0.113.9", 1, "UDP", user="alice",
        realm=DOMAIN, content_type="text/plain", body=b"x",
    )  # fmt: skip
    for _ in range(MOST_UNDER_WAY + 1):
        desk.inbox.take(request)
    assert desk.answers.codes == [503] and desk.answers.values("Retry-After") == ["5"]
    await desk.inbox.close()
