"""The API on a real socket, over a real store, with a switchboard that records what it is asked."""

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import soundfile
from prometheus_client import CollectorRegistry, Counter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response as TwilioResponse
from twilio.rest import Client
from yarl import URL

from callwright import clock, ids
from callwright.account import Account
from callwright.api.server import build, server
from callwright.api.services import Services
from callwright.api.validation import Validations
from callwright.calls.application import Hook
from callwright.calls.arrivals import Arrivals
from callwright.calls.byoc import ByocTrunks
from callwright.calls.control import DialRecording
from callwright.calls.messages import Messages
from callwright.calls.numbers import Numbers
from callwright.calls.order import CallOrder
from callwright.calls.pager import Settled, Text
from callwright.calls.rooms import Rooms
from callwright.config import Config, validate
from callwright.errors import RestError
from callwright.store.accounts import Accounts
from callwright.store.directory import Directory, Record
from callwright.store.idempotency import Answers
from callwright.store.store import Store
from callwright.store.tables import calls, recordings

MINE = Account("AC" + "1" * 32, "secret-of-mine", "Main")
OTHER = Account("AC" + "2" * 32, "secret-of-other", "Other")
NUMBER = "+15550001000"
VOICE_URL = "http://apps.example/voice"
NUMBER_SID = ids.derived(ids.PHONE_NUMBER, MINE.sid, NUMBER)
PUBLIC = "http://voice.example"
BASE = f"/2010-04-01/Accounts/{MINE.sid}"


def credentials(account: Account) -> dict[str, str]:
    """The header that authenticates."""
    return {"Authorization": "Basic " + base64.b64encode(f"{account.sid}:{account.auth_token}".encode()).decode()}


def declared() -> Iterator[Record]:
    """What a configuration file would declare: two accounts, and a number of the first."""
    for account in (MINE, OTHER):
        limits = {"calls_per_second": account.calls_per_second, "concurrent_calls": account.concurrent_calls}
        named = {"friendly_name": account.friendly_name, "auth_token": account.auth_token, "status": "active"}
        yield Record(account.sid, "accounts", account.sid, named | limits)
    fields = {
        "phone_number": NUMBER,
        "friendly_name": NUMBER,
        "voice_url": "http://apps.example/voice",
        "type": "local",
    }
    yield Record(NUMBER_SID, "incoming_phone_numbers", MINE.sid, fields)


@dataclass
class FakeSwitchboard:
    """Writes the rows that a call would write, and keeps the commands."""

    store: Store
    orders: list[CallOrder] = field(default_factory=list)
    commands: list[tuple[Any, ...]] = field(default_factory=list)
    current: dict[str, str] = field(default_factory=dict)

    def call(self, account: Account = MINE, **columns: Any) -> str:
        sid = ids.new(ids.CALL)
        row = {
            "sid": sid,
            "account_sid": account.sid,
            "date_created": clock.now(),
            "date_updated": clock.now(),
            "status": "queued",
            "direction": "outbound-api",
            "to": "+15550002000",
            "from": NUMBER,
            "queue_time": 0,
        }
        self.store.put(calls, row | columns)
        return sid

    async def place(self, order: CallOrder) -> str:
        if order.to == "+15550009999":
            raise RestError("Account has as many live calls as it may", code=10004, status=429)
        self.orders.append(order)
        sid = self.call(order.account, to=order.to, **{"from": order.from_})
        await self.store.flushed()
        return sid

    def forwarded(self, account_sid: str, token: str) -> Any:
        """Stands for the call of the one token that there is, from a number that nobody owns."""
        known = (account_sid, token) == (MINE.sid, "token-of-a-call")
        return SimpleNamespace(from_="+15557654321") if known else None

    async def redirect(self, sid: str, *, hook: Hook | None, twiml: str | None) -> None:
        self.commands.append(("redirect", sid, hook, twiml))

    async def end(self, sid: str, *, canceled: bool) -> None:
        self.commands.append(("end", sid, canceled))
        row = await self.store.get(calls, sid)
        assert row is not None
        answered = row["status"] == "in-progress"
        if canceled and answered:
            raise RestError("Call is in-progress and cannot be canceled", code=21220)
        status = "completed" if answered else "canceled"
        self.store.put(calls, {"sid": sid, "status": status, "end_time": clock.now(), "duration": 7})

    async def record(self, sid: str, plan: DialRecording) -> str:
        row = await self.store.get(calls, sid)
        assert row is not None
        if row["status"] != "in-progress":
            raise RestError("Call is not in-progress. Cannot record.", code=21220)
        self.commands.append(("record", sid, plan))
        recording = ids.new(ids.RECORDING)
        columns = {"sid": recording, "account_sid": row["account_sid"], "call_sid": sid, "date_created": clock.now()}
        facts = {"channels": 2 if plan.dual else 1, "source": "StartCallRecordingAPI", "track": plan.track}
        self.store.put(recordings, {**columns, **facts, "status": "in-progress", "start_time": clock.now()})
        await self.store.flushed()
        self.current[sid] = recording
        return recording

    def recording(self, sid: str, recording_sid: str) -> str:
        if sid not in self.current:
            raise RestError("Recording is not in progress", code=21220)
        return self.current[sid]

    async def steer(self, sid: str, recording_sid: str, status: str, *, silence: bool) -> None:
        if self.current.get(sid) != recording_sid:
            raise RestError("Recording is not in progress", code=21220)
        self.commands.append(("steer", sid, recording_sid, status, silence))
        if status == "stopped":
            del self.current[sid]

    async def amend(self, sid: str, **changes: Any) -> None:
        self.commands.append(("amend", sid, changes))


class Nothing:
    """Neither documents nor music: no call waits here."""

    def follow(self, *args: Any, **options: Any) -> Any:
        raise AssertionError("nobody waits")

    async def perform(self, *args: Any, **options: Any) -> None:
        raise AssertionError("nobody waits")

    async def sound(self) -> Any:
        raise AssertionError("nobody waits")


async def encode(source: Path, target: Path, *, channels: int) -> None:
    """WAV to MP3."""

    def work() -> None:
        samples, rate = soundfile.read(source, always_2d=True)
        soundfile.write(target, samples if channels == 2 else samples.mean(axis=1), rate, format="MP3")

    await asyncio.to_thread(work)


HOSTED = re.compile(r"^https://[a-z]+\.twilio\.com|^http://voice\.example")


class Redirected(TwilioHttpClient):
    """The SDK's own client, which reaches another host: this one, for every product and for what answers name."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.last: TwilioResponse | None = None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> TwilioResponse:
        self.last = super().request(method, HOSTED.sub(self.url, url), *args, **kwargs)
        return self.last


@dataclass
class Posts:
    """Keeps the callbacks that would be posted."""

    posted: list[dict[str, Any]] = field(default_factory=list)

    def post(self, **callback: Any) -> None:
        self.posted.append(callback)


@dataclass
class FakePager:
    """Keeps the messages that would be sent.

    Attributes:
        full: too many are under way.
        told: whose ends would be posted.
    """

    taken: list[tuple[Text, Callable[[Settled], Awaitable[None]]]] = field(default_factory=list)
    told: list[tuple[Text, Settled]] = field(default_factory=list)
    full: bool = False

    def send(self, text: Text, settled: Callable[[Settled], Awaitable[None]]) -> bool:
        self.taken.append((text, settled))
        return not self.full

    def tell(self, text: Text, outcome: Settled) -> None:
        self.told.append((text, outcome))


@dataclass
class Site:
    """A running API: raw requests as `MINE` unless told otherwise."""

    url: str
    services: Services
    switchboard: FakeSwitchboard
    posts: Posts
    pager: FakePager
    session: aiohttp.ClientSession

    @property
    def store(self) -> Store:
        return self.services.store

    async def ask(
        self, method: str, path: str, *, account: Account | None = MINE, **options: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        headers = {**options.pop("headers", {}), **(credentials(account) if account else {})}
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, headers=headers, **options) as response:
            return response, await response.read()

    async def json(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        response, body = await self.ask(method, path, **options)
        assert response.content_type == "application/json", body
        return response.status, json.loads(body)


def configured() -> Config:
    """What the configuration file says beside: ranges of numbers, one for everybody and one for each account; TURN."""
    ranges = [
        {"first": "+15550003000", "last": "+15550003009", "region": "CA", "locality": "Springfield"},
        {"first": "+18005550000", "last": "+18005550001", "type": "toll-free", "account": MINE.sid},
        {"first": "+447700900000", "last": "+447700900001", "type": "mobile", "country": "GB", "account": OTHER.sid},
    ]
    urls = {"stun": ["stun:turn.example:3478"], "urls": ["turn:turn.example:3478?transport=udp"]}
    accounts = [{"sid": MINE.sid}, {"sid": OTHER.sid}]
    return validate({"account": accounts, "numbers": {"ranges": ranges}, "turn": {**urls, "secret": "turn-secret"}})


async def serving(
    store: Store, switchboard: FakeSwitchboard, posts: Posts, pager: FakePager, recordings: Path
) -> Services:
    """The parts that answer."""
    registry = CollectorRegistry()
    Counter("callwright_calls", "Calls.", registry=registry).inc(3)
    directory = await Directory.open(store, declared())
    accounts, numbers = Accounts(directory), Numbers(directory)
    return Services(
        public_url=PUBLIC,
        accounts=accounts,
        store=store,
        directory=directory,
        answers=Answers(store),
        config=configured(),
        applications=numbers.application,
        byoc=ByocTrunks(directory).targets,
        in_use=lambda sid: any(order.application.sid == sid for order in switchboard.orders),
        validations=Validations(directory, accounts, posts, switchboard.place, PUBLIC),
        switchboard=switchboard,
        recordings=recordings,
        mp3=encode,
        owns=numbers.owns,
        rooms=Rooms(Nothing(), Nothing()),
        messages=Messages(store, posts, "", pager),
        arrivals=Arrivals(store, posts),
        health=lambda: (200 if store.healthy else 503, {"status": "ok", "calls": 0}),
        metrics=registry,
    )


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    switchboard, posts, pager = FakeSwitchboard(store), Posts(), FakePager()
    services = await serving(store, switchboard, posts, pager, tmp_path / "recordings")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    http = server(build(services), f"127.0.0.1:{port}")
    task = asyncio.create_task(http.serve([listening]))
    async with aiohttp.ClientSession() as session:
        yield Site(f"http://127.0.0.1:{port}", services, switchboard, posts, pager, session)
    http.should_exit = True
    await task
    listening.close()
    await store.close()


@contextmanager
def client_of(site: Site, user: str, secret: str, account: str = "") -> Iterator[Client]:
    """The SDK with these credentials, for an account that is not the user's own when one is given."""
    http = Redirected(site.url)
    yield Client(user, secret, account or None, http_client=http)
    if http.session is not None:
        http.session.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with client_of(site, MINE.sid, MINE.auth_token) as client:
        yield client
