"""What an application says of a user: read from its JSON, and every way in which it says nothing."""

import json
from typing import Any

import pytest

from callwright.apps.client import ApplicationClient
from callwright.apps.vouchers import Vouchers
from callwright.calls.application import Account
from callwright.config import Config, validate
from callwright.errors import ApplicationError
from callwright.sip.credentials import Credential
from callwright.sip.vouching import Question
from tests.apps.faulty import FaultyServer, Hang, Reply
from tests.apps.test_client import valid

QUESTION = Question(1, "INVITE", "alice", "Pbx.example", "192.0.2.7", 5062, "UDP", "a@b", "Phone é \udcff")
SECRET = Credential.of("alice", "Pbx.example", "open sesame")


def configured(server: FaultyServer, account: Account, **keys: Any) -> Config:
    domain = {"name": "pbx.EXAMPLE", "account": account.sid, "auth_url": server.url("/auth#rc=5"), **keys}
    return validate({"account": [{"sid": account.sid}], "sip": {"domain": "Pbx.example"}, "domain": [domain]})


@pytest.fixture
def vouchers(server: FaultyServer, client: ApplicationClient, account: Account) -> Vouchers:
    return Vouchers(configured(server, account), client, {account.sid: account})


def answers(server: FaultyServer, said: object, status: int = 200) -> None:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    server.routes["/auth"] = Reply(status, body=body, content_type="application/json")


async def test_what_is_asked(server: FaultyServer, vouchers: Vouchers, account: Account) -> None:
    """A signed form, and nothing secret in it."""
    answers(server, {})
    assert await vouchers.ask(QUESTION) is None
    [request] = server.requests
    assert valid(server, request) and request.method == "POST"
    form = dict(request.form)
    sid = form.pop("SipDomainSid")
    assert sid.startswith("SD") and len(sid) == 34
    assert form == {
        "AccountSid": account.sid,
        "ApiVersion": "2010-04-01",
        "SipUsername": "alice",
        "SipDomain": "pbx.example",
        "SipRealm": "Pbx.example",
        "SipMethod": "INVITE",
        "SipSourceIp": "192.0.2.7",
        "SipSourcePort": "5062",
        "SipTransport": "UDP",
        "SipCallId": "a@b",
        "SipUserAgent": "Phone é ?",
    }


async def test_a_password_is_digested(server: FaultyServer, vouchers: Vouchers) -> None:
    """With the realm that was asked for; nothing of it is left."""
    answers(server, {"password": "open sesame"})
    user = await vouchers.ask(QUESTION)
    assert user is not None and user.credential == SECRET
    assert (user.aor, user.max_contacts, user.codecs, user.caller_id, user.voice_url) == (
        "alice@pbx.example", 10, (), "", ""
    )  # fmt: skip
    assert "open sesame" not in repr(user)


async def test_all_that_can_be_said(server: FaultyServer, vouchers: Vouchers, account: Account) -> None:
    """Digests in any case; what is not known is passed over."""
    said = {
        "ha1_md5": SECRET.ha1_md5.upper(),
        "ha1_sha256": SECRET.ha1_sha256,
        "password": None,
        "caller_id": "+15550001000",
        "codecs": ["pcma"],
        "max_contacts": 2,
        "voice_url": "https://app.example/voice",
        "domain": "other.example",
        "account": "AC" + "9" * 32,
        "theme": "dark",
    }
    answers(server, said)
    user = await vouchers.ask(QUESTION)
    assert user is not None and user.credential == SECRET and user.account_sid == account.sid
    assert (user.domain, user.caller_id, user.codecs) == ("pbx.example", "+15550001000", ("PCMA",))
    assert (user.max_contacts, user.voice_url) == (2, "https://app.example/voice")


@pytest.mark.parametrize("said", [b"", b" \r\n", b"null", b"{}"])
async def test_nothing_is_a_refusal(server: FaultyServer, vouchers: Vouchers, said: bytes) -> None:
    answers(server, said)
    assert await vouchers.ask(QUESTION) is None


@pytest.mark.parametrize("status", [403, 404, 410, 204])
async def test_refusals(server: FaultyServer, vouchers: Vouchers, status: int) -> None:
    answers(server, b"" if status == 204 else {"password": "open sesame"}, status)
    assert await vouchers.ask(QUESTION) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"<html>", "the answer is not JSON"),
        (b"\xff", "the answer is not JSON"),
        (b"[" * 60000, "the answer is not JSON"),
        ([], "the answer is no JSON object"),
        ("alice", "the answer is no JSON object"),
        ({"ok": True}, "password: is missing"),
        ({"password": ""}, "password: is missing"),
        ({"password": 7}, "password: Input should be a valid string"),
        ({"ha1_md5": SECRET.ha1_md5}, "ha1_sha256: is missing, sip.digest has SHA-256"),
        ({"ha1_md5": SECRET.ha1_md5[1:], "ha1_sha256": SECRET.ha1_sha256}, "ha1_md5: must be 32"),
        ({"password": "s3cret", "ha1_md5": SECRET.ha1_md5}, "password: goes without"),
        ({"password": "s3cret", "max_contacts": 11}, "max_contacts: "),
        ({"password": "s3cret", "codecs": ["mp3"]}, "codecs: "),
        ({"password": "s3cret", "caller_id": "alice"}, "caller_id: "),
        ({"password": "s3cret", "voice_url": "/own"}, "voice_url: must be an http:// or https:// URL"),
        ({"password": "s3cret", "voice_url": "ftp://x"}, "voice_url: "),
    ],
)
async def test_what_says_nothing(server: FaultyServer, vouchers: Vouchers, said: object, why: str) -> None:
    """The reason names the key, never a secret."""
    answers(server, said)
    with pytest.raises(ApplicationError) as caught:
        await vouchers.ask(QUESTION)
    assert why in caught.value.message
    assert "s3cret" not in caught.value.message and SECRET.ha1_md5[1:] not in caught.value.message


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_an_answer_that_is_none(server: FaultyServer, vouchers: Vouchers, status: int) -> None:
    answers(server, {"password": "open sesame"}, status)
    with pytest.raises(ApplicationError, match=f"answered {status}"):
        await vouchers.ask(QUESTION)


async def test_one_digest_where_one_is_asked_for(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    config = configured(server, account)
    config = config.model_copy(update={"sip": config.sip.model_copy(update={"digest": ("MD5",)})})
    answers(server, {"ha1_md5": SECRET.ha1_md5})
    user = await Vouchers(config, client, {account.sid: account}).ask(QUESTION)
    assert user is not None and user.credential.ha1_md5 == SECRET.ha1_md5


async def test_an_application_that_hangs(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    """It has the domain's time, whatever its URL says, and its breaker learns of it."""
    vouchers = Vouchers(configured(server, account, auth_timeout_ms=100), client, {account.sid: account})
    server.routes["/auth"] = Hang()
    for _ in range(5):
        with pytest.raises(ApplicationError):
            await vouchers.ask(QUESTION)
    asked = len(server.requests)
    with pytest.raises(ApplicationError, match="is not asked"):
        await vouchers.ask(QUESTION)
    assert len(server.requests) == asked <= 5


async def test_an_account_that_is_suspended(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    suspended = Account(account.sid, "the-token", status="suspended")
    config = configured(server, account)
    for accounts in ({account.sid: suspended}, {}):
        with pytest.raises(ApplicationError, match="is not active"):
            await Vouchers(config, client, accounts).ask(QUESTION)
    assert server.requests == []
