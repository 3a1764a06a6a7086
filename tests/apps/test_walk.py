"""The table of states and failures walked on the wire: an application server that fails in each way, in each state."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callwright.apps.breaker import Rules
from callwright.apps.callbacks import Callbacks, GivenUp
from callwright.apps.client import Answer, ApplicationClient, Fetch
from callwright.apps.failure import FACTS, Failure
from callwright.apps.fallback import Documents
from callwright.apps.states import TABLE, State
from callwright.calls.alerts import Alert, Level
from callwright.calls.application import Account, Application, Hook
from callwright.errors import ApplicationError
from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from callwright.store.store import Store
from callwright.twiml.document import Document, parse
from tests.apps.certificates import Authority
from tests.apps.faulty import Deaf, FaultyServer, Hang, Raw, Reply, Reset, Route, refused_port

PARAMS = {"CallSid": "CA" + "0" * 32}
START = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 99\r\n\r\n<Resp"


@dataclass
class Street:
    """The servers of a test: one that answers, one that fails at /faulty, and those that cannot be asked at all."""

    good: FaultyServer
    faulty: FaultyServer
    silent: FaultyServer
    stranger: FaultyServer
    tls: dict[str, FaultyServer]
    deaf: Deaf
    closing: int
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def way(self) -> list[str]:
        """The states that were told, in order, without the requests themselves."""
        return [str(data["state"]) for kind, data in self.notes if kind != "fetch"]


@dataclass(frozen=True)
class Fault:
    """A way to fail.

    Attributes:
        url: of the faulty place, without a fragment.
        route: what /faulty does.
        fragment: overrides that belong to it.
    """

    url: Callable[[Street], str] = lambda street: street.faulty.url("/faulty")
    route: Route | None = None
    fragment: str = ""


def served(route: Route, fragment: str = "") -> Fault:
    return Fault(route=route, fragment=fragment)


def shown_by(name: str) -> Fault:
    return Fault(lambda street: street.tls[name].url("/", "localhost"))


FAULTS = {
    Failure.URL: Fault(lambda street: "ftp://app.example/x"),
    Failure.UNDERSCORE: Fault(lambda street: "http://a_b.example/x"),
    Failure.EDGE: served(Reply(), "e=Atlan_tis"),
    Failure.UNKNOWN_EDGE: served(Reply(), "e=atlantis"),
    Failure.INTERCONNECT: served(Reply(), "e=dublin-ix"),
    Failure.POLICY: served(Reply(), "ct=1"),
    Failure.DENIED: Fault(lambda street: street.stranger.url("/")),
    Failure.UNRESOLVED: Fault(lambda street: "http://name.invalid/x"),
    Failure.UNCONNECTED_IN_TIME: Fault(lambda street: f"http://127.0.0.1:{street.deaf.port}/", fragment="ct=100"),
    Failure.REFUSED: Fault(lambda street: f"http://127.0.0.1:{refused_port()}/"),
    Failure.LOST: served(Reset()),
    Failure.TLS: Fault(lambda street: f"https://127.0.0.1:{street.closing}/"),
    Failure.CERTIFICATE_NAME: shown_by("name"),
    Failure.CERTIFICATE_EXPIRED: shown_by("expired"),
    Failure.CERTIFICATE_CHAIN: shown_by("chain"),
    Failure.PROTOCOL: served(Raw(b"GARBAGE\r\n\r\n")),
    Failure.SILENCE: served(Hang(), "rt=120"),
    Failure.CUT_OFF: served(Raw(START)),
    Failure.TOTAL_TIME: served(Hang(START), "tt=150"),
    Failure.REDIRECTS: served(Reply(302, b"", {"Location": "/faulty"})),
    Failure.CLIENT_ERROR: served(Reply(403)),
    Failure.THROTTLED: served(Reply(429)),
    Failure.SERVER_ERROR: served(Reply(503)),
    Failure.STATUS: served(Reply(304, b"")),
    Failure.TOO_LARGE: served(Reply(body=b"<Response>" + b" " * 65536 + b"</Response>")),
    Failure.EMPTY: served(Reply(body=b"")),
    Failure.CONTENT_TYPE: served(Reply(content_type="application/json")),
    Failure.MALFORMED: served(Reply(body=b"<!DOCTYPE x [<!ENTITY a 'b'>]><Response>&a;</Response>")),
    Failure.VERSION: served(Reply(body=b"<?xml version='3.0'?><Response/>")),
    Failure.ROOT: served(Reply(body=b"<Answer/>")),
    Failure.CIRCUIT_OPEN: Fault(lambda street: street.silent.url("/")),
}
OF_THE_DOCUMENT = {
    Failure.EMPTY, Failure.CONTENT_TYPE, Failure.MALFORMED, Failure.VERSION, Failure.ROOT, Failure.TOO_LARGE
}  # fmt: skip
OF_THE_BODY = OF_THE_DOCUMENT | {Failure.CUT_OFF, Failure.TOTAL_TIME}
EACH = pytest.mark.parametrize("failure", FAULTS, ids=lambda failure: failure.name.lower())


def document(answer: Answer) -> Document:
    """As a session reads it."""
    return parse(answer.body, answer.content_type, answer.url)


@pytest.fixture(scope="module")
def contexts(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    """What servers with a bad certificate show."""
    return {
        "name": authority.server("other.example"),
        "expired": authority.server("localhost", "20200101000000Z", "20210101000000Z"),
        "chain": Authority(tmp_path_factory.mktemp("nobody")).server("localhost"),
    }


def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that closes each connection at once."""
    writer.close()


@pytest.fixture
async def street(contexts: dict[str, ssl.SSLContext], deaf: Deaf) -> AsyncIterator[Street]:
    tls = {name: FaultyServer(context) for name, context in contexts.items()}
    plain = [FaultyServer() for _ in range(4)]
    async with AsyncExitStack() as stack:
        for server in (*plain, *tls.values()):
            await server.start()
            stack.push_async_callback(server.stop)
        closing = await stack.enter_async_context(await asyncio.start_server(hang_up, "127.0.0.1", 0))
        plain[0].routes["/fallback"] = Reply()
        yield Street(*plain, tls, deaf, closing.sockets[0].getsockname()[1])


@pytest.fixture
async def client(street: Street, authority: Authority, account: Account) -> AsyncIterator[ApplicationClient]:
    """A client that is denied private addresses but those of the servers that the configuration names: all but one.

    The breaker of the silent server is open.
    """
    plain = (street.good, street.faulty, street.silent)
    trusted = {f"http://127.0.0.1:{server.port}" for server in plain}
    trusted |= {f"https://127.0.0.1:{street.closing}", f"http://127.0.0.1:{street.deaf.port}"}
    trusted |= {f"https://localhost:{server.port}" for server in street.tls.values()}
    guarded = Outbound(OutboundHttp(), frozenset(trusted), tls=authority.client())
    await guarded.start()
    asking = ApplicationClient(guarded, Rules(failures=3, open_seconds=60))
    street.silent.routes["/"] = Hang()
    for _ in range(3):
        with pytest.raises(ApplicationError):
            await asking.fetch(Fetch(Hook(street.silent.url("/#rt=100&rc=0")), {}, account))
    yield asking
    await guarded.close()


def placed(street: Street, failure: Failure, overrides: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL that fails so, with overrides."""
    fault = FAULTS[failure]
    if fault.route is not None:
        street.faulty.routes["/faulty"] = fault.route
    if failure is Failure.REFUSED:
        monkeypatch.setattr("callwright.outbound.guard.private", lambda address: False)
    return f"{fault.url(street)}#{'&'.join(filter(None, (fault.fragment, overrides)))}"


async def searched(
    street: Street, client: ApplicationClient, account: Account, primary: str, secondary: str = ""
) -> ApplicationError | None:
    """A search to its end: its error, or None when there was a document."""

    def note(kind: str, **data: object) -> None:
        street.notes.append((kind, data))

    fallback = Hook(secondary) if secondary else None
    documents = Documents(client, Application(fallback=fallback), account, note, street.alerts.append)
    try:
        await documents.get(Hook(primary), PARAMS, document)
    except ApplicationError as error:
        return error
    return None


def told(failure: Failure, state: State, code: int) -> int:
    """The code that the table has for a failure in a state, which the wire must show."""
    row = TABLE[state, failure]
    assert code == (row.code or code) != 0
    return code


def test_every_failure_can_be_made() -> None:
    assert set(FAULTS) == set(Failure) - {Failure.OTHER}


@EACH
async def test_primary_to_secondary(
    street: Street, client: ApplicationClient, account: Account, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = placed(street, failure, "rc=0" if FAULTS[failure].fragment != "ct=1" else "", monkeypatch)
    assert await searched(street, client, account, url, street.good.url("/fallback")) is None
    assert street.way == [TABLE[State.PRIMARY, failure].onward] == [State.SECONDARY]
    [asked] = street.good.asked("/fallback")
    code = told(failure, State.PRIMARY, int(asked.form["ErrorCode"]))
    assert asked.form == {**PARAMS, "ErrorCode": str(code), "ErrorUrl": url}
    [alert] = street.alerts
    assert (alert.level, alert.code, alert.request.url) == (Level.ERROR, code, url)


@EACH
async def test_primary_to_its_end(
    street: Street, client: ApplicationClient, account: Account, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await searched(street, client, account, placed(street, failure, "rc=0", monkeypatch))
    assert error is not None and told(failure, State.PRIMARY, error.code)
    assert street.way == [TABLE[State.PRIMARY, failure].end] == [State.GIVEN_UP]
    assert [(alert.level, alert.code) for alert in street.alerts] == [(Level.ERROR, error.code)]


@EACH
async def test_retries_of_the_primary(
    street: Street, client: ApplicationClient, account: Account, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every failure tried again twice: those that can be are, then it is the secondary's turn."""
    url = placed(street, failure, "rc=2&rp=all", monkeypatch)
    assert await searched(street, client, account, url, street.good.url("/fallback")) is None
    again = TABLE[State.PRIMARY, failure].again
    # what is silent until the total time is over leaves no time for another attempt
    expected = [again, TABLE[State.RETRY, failure].again, State.SECONDARY] if again else [State.SECONDARY]
    assert street.way == expected
    levels = [Level.WARNING if state is State.RETRY else Level.ERROR for state in expected]
    assert [alert.level for alert in street.alerts] == levels
    assert len({told(failure, State.RETRY, alert.code) for alert in street.alerts}) == 1


@EACH
async def test_retry_that_fails_otherwise(
    street: Street, client: ApplicationClient, account: Account, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt is answered 500, the second one fails so: for every failure that a path can show."""
    fault = FAULTS[failure]
    if fault.route is None or failure in (Failure.EDGE, Failure.UNKNOWN_EDGE, Failure.INTERCONNECT, Failure.POLICY):
        # it shows before any attempt, or at every one
        assert failure not in OF_THE_DOCUMENT
        return
    url = placed(street, failure, "rc=1&rp=all", monkeypatch)
    behaviour = fault.route
    replies = [Reply(500)]
    street.faulty.routes["/faulty"] = lambda request: (
        replies.pop() if replies else behaviour(request) if callable(behaviour) else behaviour
    )
    assert await searched(street, client, account, url, street.good.url("/fallback")) is None
    assert street.way == [State.RETRY, TABLE[State.RETRY, failure].onward] == [State.RETRY, State.SECONDARY]
    told(failure, State.RETRY, street.alerts[-1].code)


@EACH
async def test_secondary_to_its_end(
    street: Street, client: ApplicationClient, account: Account, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary is not found; the secondary fails so, is tried again where that may help, and is the last."""
    secondary = placed(street, failure, "rc=1&rp=all", monkeypatch)
    error = await searched(street, client, account, street.good.url("/gone"), secondary)
    again = TABLE[State.SECONDARY, failure].again
    assert error is not None and told(failure, State.SECONDARY, error.code)
    assert street.way == [State.SECONDARY, *([again] if again else []), TABLE[State.SECONDARY_RETRY, failure].onward]
    assert street.way[-1] == State.GIVEN_UP and street.alerts[-1].code == error.code
    assert error.url == secondary


@EACH
async def test_callbacks(
    street: Street,
    client: ApplicationClient,
    account: Account,
    tmp_path: Path,
    failure: Failure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A delivery that fails so is tried again later, or not; the body of an answer does not matter."""
    url = placed(street, failure, "rc=0" if FAULTS[failure].fragment != "ct=1" else "", monkeypatch)
    if failure is Failure.CIRCUIT_OPEN:
        url += "&rt=100"  # a callback is not kept from an origin: it finds out for itself
    lost: list[GivenUp] = []
    alerts: list[Alert] = []
    ended = asyncio.Event()

    def give_up(callback: GivenUp) -> None:
        lost.append(callback)
        ended.set()

    store = await Store.open(f"sqlite:///{tmp_path}/callwright.db")
    callbacks = Callbacks(
        store,
        client,
        {account.sid: account},
        on_given_up=give_up,
        on_alert=lambda account_sid, call_sid, alert: alerts.append(alert),
        pauses=(0.01,),
    )
    callbacks.post(account=account, call_sid=PARAMS["CallSid"], hook=Hook(url), params=PARAMS, kind="status")
    if failure in OF_THE_BODY:
        assert await callbacks.drain(5) == 0
    else:
        await asyncio.wait_for(ended.wait(), 5)
    again = TABLE[State.DELIVERY, failure].again
    if failure in OF_THE_BODY:
        assert (callbacks.delivered, lost, alerts) == (1, [], [])
    else:
        assert (callbacks.retried, len(lost)) == (1 if again else 0, 1)
        assert again == (State.REDELIVERY if FACTS[failure].later else None)
        assert [(alert.code, alert.level) for alert in alerts] == [(15003, Level.WARNING)] * (2 if again else 1)
    await callbacks.close()
    await store.close()
