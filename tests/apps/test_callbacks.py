"""The queue of callbacks: order, retries, fairness, and that nothing of it is lost with the daemon."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from callwright import clock
from callwright.apps import callbacks as module
from callwright.apps.callbacks import Callbacks, GivenUp
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.failure import BadAnswer
from callwright.calls.alerts import Alert, Level
from callwright.calls.application import Account, Hook
from callwright.store.store import Store
from callwright.store.tables import callbacks as table
from tests.apps.faulty import FaultyServer, Hang, Reply, Request, refused_port

CALL = "CA" + "0" * 32
OTHER_CALL = "CA" + "1" * 32
SOON = (0.01, 0.01, 0.01)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/callwright.db"


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await Store.open(database)
    yield opened
    await opened.close()


class Queue(Callbacks):
    """A queue that posts for one account and remembers what was given up."""

    def __init__(self, store: Store, client: ApplicationClient, account: Account, pauses: tuple[float, ...]) -> None:
        self.lost: list[GivenUp] = []
        self.late: list[GivenUp] = []
        self.alerts: list[Alert] = []
        self.taken: list[str] = []
        self.account = account
        super().__init__(
            store,
            client,
            {account.sid: account},
            on_given_up=self.lost.append,
            on_retry=self.late.append,
            on_delivered=self.taken.append,
            on_alert=lambda account_sid, call_sid, alert: self.alerts.append(alert),
            pauses=pauses,
        )

    def send(self, url: str, event: str, call: str = CALL, method: str = "POST") -> None:
        self.post(
            account=self.account, call_sid=call, hook=Hook(url, method), params={"Event": event}, kind="status"
        )  # fmt: skip


Make = Callable[..., Queue]


@pytest.fixture
async def make(store: Store, client: ApplicationClient, account: Account) -> AsyncIterator[Make]:
    made: list[Queue] = []

    def build(pauses: tuple[float, ...] = SOON) -> Queue:
        made.append(Queue(store, client, account, pauses))
        return made[-1]

    yield build
    for queue in made:
        await queue.close()


async def rows(store: Store) -> list[dict[str, object]]:
    return [dict(row) for row in await store.fetch(select(table).order_by(table.c.id))]


def events(requests: list[Request]) -> list[str]:
    return [request.form["Event"] for request in requests]


async def test_delivered_signed_and_forgotten(server: FaultyServer, store: Store, make: Make) -> None:
    server.routes["/status"] = Reply(204, b"", content_type="")
    queue = make()
    queue.send(server.url("/status?app=1#rc=2"), "ringing")
    assert queue.pending == 1
    assert await queue.drain(5) == 0
    [request] = server.requests
    assert (request.method, request.target, request.form) == ("POST", "/status?app=1", {"Event": "ringing"})
    signature = request.headers["x-twilio-signature"]
    assert RequestValidator("the-token").validate(server.url("/status?app=1"), request.form, signature)
    assert (queue.delivered, queue.retried, queue.given_up, queue.pending) == (1, 0, 0, 0)
    assert await rows(store) == []


async def test_who_waits_is_told(server: FaultyServer, store: Store, make: Make) -> None:
    """Of the delivery, and of the loss; after a restart, too."""
    server.routes["/taken"], server.routes["/refused"] = Reply(), Reply(400)
    before, after = make(), make()
    for path, subject in (("/taken", "SM1"), ("/refused", "SM2"), ("/taken", "")):
        before.post(
            account=before.account, call_sid=subject, hook=Hook(server.url(path)), params={}, kind="x", subject=subject
        )
    await before.drain(5)
    assert (before.taken, [one.subject for one in before.lost]) == (["SM1"], ["SM2"])
    row = {"id": "1" * 20, "account_sid": before.account.sid, "call_sid": "CA1", "kind": "x", "method": "POST"}
    late = {"url": server.url("/taken"), "params": {}, "token": "t", "attempt": 0, "state": "pending", "subject": "SM3"}
    store.put(table, {**row, **late, "id": f"{int(clock.now().timestamp() * 1e6):020d}"})
    await after.start()
    await after.drain(5)
    assert after.taken == ["SM3"]


async def test_answers_that_count(server: FaultyServer, make: Make) -> None:
    """Their reader makes the request, and what it refuses is tried again with the same token."""
    server.routes["/text"] = Reply(body=b"<Response><Message>x</Message></Response>")
    queue, client = make(), make()._client
    read: list[tuple[bytes, str]] = []
    tokens: list[str] = []

    async def reader(fetch: Fetch, sid: str) -> None:
        tokens.append(fetch.idempotency_token)
        answer = await client.fetch(fetch)
        if len(tokens) == 1:
            raise BadAnswer("not this time", status=503)
        read.append((answer.body, sid))

    queue.reads("text", reader)
    for kind in ("text", "other"):
        queue.post(account=queue.account, call_sid="SM1", hook=Hook(server.url("/text")), params={}, kind=kind)
    while queue.pending:
        await server.arrived.get()
        await queue.drain(5)
    assert read == [(b"<Response><Message>x</Message></Response>", "SM1")]
    assert len(set(tokens)) == 1 and (queue.retried, queue.delivered) == (1, 2)


async def test_get(server: FaultyServer, make: Make) -> None:
    server.routes["/status"] = Reply()
    queue = make()
    queue.send(server.url("/status?a=1"), "ringing", method="GET")
    await queue.drain(5)
    assert (server.requests[0].method, server.requests[0].query) == ("GET", {"a": "1", "Event": "ringing"})


async def test_a_call_keeps_its_order(server: FaultyServer, make: Make) -> None:
    """Also when the first one has to be tried again, and while another call's overtake."""
    faults = [Reply(500), Reply(503), Reply(429)]
    server.routes["/status"] = lambda request: (
        faults.pop(0) if faults and request.form["Event"] == "first" else Reply()
    )  # fmt: skip
    queue = make()
    for event in ("first", "second", "third"):
        queue.send(server.url("/status"), event)
    queue.send(server.url("/status"), "other", OTHER_CALL)
    while queue.pending:
        await server.arrived.get()
        await queue.drain(5)
    own = [event for event in events(server.requests) if event != "other"]
    assert own == ["first"] * 4 + ["second", "third"]
    assert events(server.requests).index("other") < 4
    tokens = {request.headers["i-twilio-idempotency-token"] for request in server.requests}
    assert len(tokens) == 4
    assert (queue.delivered, queue.retried, queue.given_up) == (4, 3, 0)


async def test_refused_is_given_up_at_once(server: FaultyServer, store: Store, make: Make) -> None:
    server.routes.update({"/gone": Reply(404, b"no"), "/status": Reply()})
    queue = make()
    queue.send(server.url("/gone?key=hush").replace("//", "//al:hush@"), "first")
    queue.send(server.url("/status"), "second")
    await queue.drain(5)
    assert events(server.requests) == ["first", "second"]
    assert queue.lost == [
        GivenUp(queue.account.sid, CALL, "status", server.url("/gone"), "127.0.0.1 answered 404", 404, 15003)
    ]
    [row] = await rows(store)
    assert (row["state"], row["error"]) == ("given_up", "127.0.0.1 answered 404")
    assert (queue.delivered, queue.given_up, queue.retried) == (1, 1, 0)
    [alert] = queue.alerts
    assert (alert.level, alert.code, alert.message) == (Level.WARNING, 15003, "127.0.0.1 answered 404")
    assert alert.request.url == server.url("/gone?key=hush") and "al:hush" not in str(alert)
    assert (alert.request.variables, alert.request.response_body) == ({"Event": "first"}, b"no")


async def test_given_up_after_the_last_pause(store: Store, make: Make) -> None:
    queue = make((0.01, 0.01))
    queue.send(f"http://127.0.0.1:{refused_port()}/#rc=0", "first")
    given_up = asyncio.Event()
    queue._on_given_up = lambda lost: given_up.set()
    await asyncio.wait_for(given_up.wait(), 5)
    assert (queue.retried, queue.given_up, queue.pending) == (2, 1, 0)
    assert (await rows(store))[0]["state"] == "given_up"
    assert [(alert.code, alert.level) for alert in queue.alerts] == [(15003, Level.WARNING)] * 2  # the first, the last
    assert [(late.kind, late.code) for late in queue.late] == [("status", 15003)]


async def test_the_pauses_are_those_of_the_contract() -> None:
    assert module.PAUSES_S == (1.0, 5.0, 30.0, 120.0, 600.0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/relative", "not an absolute"),
        ("http://app.example/#rp=x", "rp does not know"),
        ("http://a_b.example/", "underscore"),
    ],
)
async def test_a_url_that_can_never_work(make: Make, url: str, message: str) -> None:
    queue = make()
    queue.send(url, "first")
    await queue.drain(5)
    assert message in queue.lost[0].message


async def test_an_account_that_is_gone(server: FaultyServer, store: Store, client: ApplicationClient) -> None:
    lost: list[GivenUp] = []
    queue = Callbacks(store, client, {}, on_given_up=lost.append)
    account = Account("AC" + "9" * 32, "x")
    queue.post(account=account, call_sid=CALL, hook=Hook(server.url("/")), params={}, kind="recording")
    await queue.drain(5)
    await queue.close()
    assert "no account" in lost[0].message and server.requests == []


async def test_a_hanging_server_delays_no_other(server: FaultyServer, other: FaultyServer, make: Make) -> None:
    """Neither other calls nor the same call's callbacks to another server."""
    server.routes["/status"], other.routes["/status"] = Hang(), Reply()
    queue = make()
    for number in range(200):
        queue.send(server.url("/status"), "hangs", f"CA{number:032x}")
    for number in range(200):
        queue.send(other.url("/status"), "flows", f"CA{number:032x}")
    for _ in range(200):
        await asyncio.wait_for(other.arrived.get(), 5)
    share = queue._client.outbound.settings.connections_per_origin // 2
    while server.connections < share:
        await asyncio.wait_for(server.arrived.get(), 5)
    assert len(server.requests) == share == 50


async def test_a_failing_server_is_probed_and_told_of_once(
    server: FaultyServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "callwright.apps.origins")
    down = True
    server.routes["/status"] = lambda request: Reply(500) if down else Reply()
    queue = make((0.02,) * 200)
    for number in range(30):
        queue.send(server.url("/status"), "x", f"CA{number:032x}")
    for _ in range(60):
        await asyncio.wait_for(server.arrived.get(), 5)
    down = False
    while queue.delivered < 30:
        await asyncio.wait_for(server.arrived.get(), 5)
        await queue.drain(5)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2
    assert "fail" in told[0] and f"http://127.0.0.1:{server.port}" in told[0]
    assert "answered again" in told[1]


async def test_what_was_staged_survives_the_queue(
    server: FaultyServer, store: Store, database: str, client: ApplicationClient, account: Account
) -> None:
    """The queue is dropped without drain; a new one on the same file delivers, in order, with the same tokens."""
    server.routes["/status"] = Hang()
    first = Queue(store, client, account, SOON)
    for event in ("first", "second", "third"):
        first.send(server.url("/status"), event)
    await server.arrived.get()
    await store.flushed()
    staged = await rows(store)
    await first.close()
    server.routes["/status"] = Reply()
    server.requests.clear()
    reopened = await Store.open(database)
    second = Queue(reopened, client, account, SOON)
    await second.start()
    assert second.pending == 3
    second.send(server.url("/status"), "fourth")
    assert await second.drain(5) == 0
    assert events(server.requests) == ["first", "second", "third", "fourth"]
    tokens = [request.headers["i-twilio-idempotency-token"] for request in server.requests]
    assert tokens[:3] == [row["token"] for row in staged]
    assert await rows(reopened) == []
    await second.close()
    await reopened.close()


CRASHING = """
import asyncio, os, signal, sys
from callwright.apps.callbacks import Callbacks
from callwright.apps.client import ApplicationClient
from callwright.calls.application import Account, Hook
from callwright.sections import OutboundHttp
from callwright.outbound import Outbound
from callwright.store.store import Store

async def main(database, url):
    store = await Store.open(database)
    outbound = Outbound(OutboundHttp(allow_private=True))
    await outbound.start()
    account = Account("AC" + "1" * 32, "the-token")
    queue = Callbacks(store, ApplicationClient(outbound), {account.sid: account})
    for number in range(20):
        queue.post(account=account, call_sid=f"CA{number % 2:032x}", hook=Hook(url),
                   params={"Event": str(number), "Name": "é"}, kind="status")
    await store.flushed()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_was_staged_survives_kill_9(
    server: FaultyServer, database: str, client: ApplicationClient, account: Account
) -> None:
    server.routes["/status"] = Hang()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHING, database, server.url("/status"), env={**os.environ}
    )
    assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    server.routes["/status"] = Reply()
    server.requests.clear()
    store = await Store.open(database)
    queue = Queue(store, client, account, SOON)
    await queue.start()
    assert await queue.drain(10) == 0
    sent = events(server.requests)
    assert sorted(map(int, sent)) == list(range(20))
    for parity in (0, 1):
        own = [int(event) for event in sent if int(event) % 2 == parity]
        assert own == sorted(own)
    assert all(request.form["Name"] == "é" for request in server.requests)
    assert await rows(store) == []
    await queue.close()
    await store.close()


async def test_what_was_posted_before_the_start_is_delivered_once(
    server: FaultyServer, store: Store, make: Make
) -> None:
    server.routes["/status"] = Reply()
    queue = make()
    queue.send(server.url("/status"), "early")
    await store.flushed()
    await queue.start()
    assert queue.pending <= 1
    queue.send(server.url("/status"), "late")
    await queue.drain(5)
    assert events(server.requests) == ["early", "late"]


async def test_attempts_and_their_time_survive(
    server: FaultyServer, store: Store, client: ApplicationClient, account: Account
) -> None:
    """A callback that waits for its next attempt goes on waiting, and is given up after as many as were left."""
    first = Queue(store, client, account, (600.0, 0.01))
    server.routes["/status"] = Reply(500)
    first.send(server.url("/status"), "x")
    await first.drain(5)
    await first.close()
    [row] = await rows(store)
    assert (row["attempt"], row["state"], row["error"]) == (1, "pending", "127.0.0.1 answered 500")
    assert timedelta(seconds=590) < row["next_at"] - clock.now() <= timedelta(seconds=600)  # type: ignore[operator]  # a moment
    waiting = Queue(store, client, account, (600.0, 0.01))
    await waiting.start()
    assert await waiting.drain(5) == 1
    assert len(server.requests) == 1
    await waiting.close()
    store.put(table, {"id": row["id"], "next_at": clock.now()})
    due = Queue(store, client, account, (600.0, 0.01))
    given_up = asyncio.Event()
    due._on_given_up = lambda lost: given_up.set()
    await due.start()
    await asyncio.wait_for(given_up.wait(), 5)
    await due.close()
    assert len(server.requests) == 3


async def test_a_clock_that_was_set_back_holds_nothing(
    server: FaultyServer, store: Store, client: ApplicationClient, account: Account
) -> None:
    server.routes["/status"] = Reply()
    first = Queue(store, client, account, (0.05,))
    first.send(server.url("/status"), "x")
    await first.close()
    [row] = await rows(store)
    store.put(table, {"id": row["id"], "next_at": clock.now() + timedelta(hours=1)})
    second = Queue(store, client, account, (0.05,))
    await second.start()
    await asyncio.wait_for(server.arrived.get(), 5)
    await second.drain(5)
    await second.close()
    assert second.delivered == 1


async def test_what_is_too_old_is_given_up(
    server: FaultyServer, store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make()
    queue.send(server.url("/status"), "x")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=2))
    await queue.drain(5)
    assert queue.lost[0].message == "it is too old" and server.requests == []


async def test_parameters_beyond_the_bound_stay_in_the_store(
    server: FaultyServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PARAMS_HELD", 3)
    server.routes["/status"] = Reply()
    queue = make()
    for number in range(10):
        queue.send(server.url("/status"), str(number))
    assert queue._held == 3
    await queue.drain(5)
    assert events(server.requests) == [str(number) for number in range(10)]
    assert queue._held == 0


async def test_the_queue_is_bounded(server: FaultyServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    server.routes["/status"] = Reply()
    queue = make()
    for number in range(3):
        queue.send(server.url("/status"), str(number))
    assert (queue.pending, queue.given_up) == (2, 1)
    await queue.drain(5)
    assert events(server.requests) == ["0", "1"]


async def test_drain_gives_up_waiting(server: FaultyServer, store: Store, make: Make) -> None:
    server.routes["/status"] = Hang()
    queue = make()
    queue.send(server.url("/status"), "x")
    assert await queue.drain(0.05) == 1
    assert len(await rows(store)) == 1


async def test_nothing_is_kept_of_what_is_done(server: FaultyServer, make: Make) -> None:
    server.routes["/status"] = Reply()
    queue = make()
    for number in range(100):
        queue.send(server.url("/status"), "x", f"CA{number:032x}")
    assert await queue.drain(5) == 0
    assert (queue._lanes, queue._origins, queue._tasks, queue._held) == ({}, {}, set(), 0)
    assert queue.delivered == 100
