"""The fallback, failure by failure: what the secondary URI is told, what is noted, and where the search ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from twilio.request_validator import RequestValidator

from callwright.apps.client import Answer, ApplicationClient
from callwright.apps.fallback import Documents
from callwright.calls.alerts import Alert, Level
from callwright.calls.application import Account, Application, Hook
from callwright.errors import ApplicationError, DocumentError
from tests.apps.certificates import Authority
from tests.apps.faulty import Deaf, FaultyServer, Hang, Raw, Reply, Request, Reset, Route, refused_port

PARAMS = {"CallSid": "CA" + "0" * 32, "CallStatus": "ringing"}


def parsed(answer: Answer) -> str:
    """A document for tests: any text but `<broken`, of the types that documents have."""
    if answer.content_type.partition(";")[0] not in ("text/xml", "application/xml"):
        raise ApplicationError(f"content type {answer.content_type}", code=12300)
    if answer.body == b"<broken":
        raise DocumentError("line 1: not closed", code=12100)
    return answer.body.decode()


@dataclass
class Session:
    """A session's documents and what was noted on its call."""

    documents: Documents
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def path(self) -> list[str]:
        """The notes in short: kind and state."""
        return [f"{kind}:{data['state']}" for kind, data in self.notes]


@pytest.fixture
def session(client: ApplicationClient, account: Account) -> Callable[[Application], Session]:
    def make(application: Application) -> Session:
        notes: list[tuple[str, dict[str, object]]] = []
        alerts: list[Alert] = []

        def note(kind: str, **data: object) -> None:
            notes.append((kind, data))

        return Session(Documents(client, application, account, note, alerts.append), notes, alerts)

    return make


@pytest.fixture
async def expired(authority: Authority) -> AsyncIterator[FaultyServer]:
    server = FaultyServer(authority.server("localhost", "20200101000000Z", "20210101000000Z"))
    await server.start()
    yield server
    await server.stop()


def secondary(server: FaultyServer) -> Application:
    server.routes["/fallback"] = Reply(body=b"second")
    return Application(fallback=Hook(server.url("/fallback")))


FAULTS: list[tuple[str, Route, str, int]] = [
    ("reset", Reset(), "#rc=0", 11205),
    ("closed without an answer", Raw(b""), "#rc=0", 11205),
    ("not HTTP", Raw(b"GARBAGE\r\n\r\n"), "", 11206),
    ("404", Reply(404), "", 11200),
    ("500", Reply(500), "", 11200),
    ("401", Reply(401), "", 11200),
    ("bad content type", Reply(content_type="image/png"), "", 12300),
    ("no content type", Reply(content_type=""), "", 12300),
    ("malformed document", Reply(body=b"<broken"), "", 12100),
    ("redirect loop", Reply(302, b"", {"Location": "/voice"}), "", 11215),
    ("redirect to nowhere", Reply(302, b"", {"Location": "ftp://x/"}), "", 11100),
    ("too large", Reply(body=b"x" * 65537), "", 11750),
    ("silent", Hang(), "#rt=150", 11200),
    ("silent in the body", Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<R"), "#rt=150", 11200),
    ("cut off in the body", Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<R"), "", 11205),
    ("too slow in all", Hang(), "#tt=150", 11203),
    ("bad edge", Reply(), "#e=Atlan_tis", 11240),
    ("unsupported edge", Reply(), "#e=atlantis", 11241),
    ("interconnect", Reply(), "#e=dublin-ix", 11242),
    ("bad policy", Reply(), "#rp=sometimes", 11243),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("fault", "fragment", "code"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_each_failure_of_an_answer(
    server: FaultyServer,
    other: FaultyServer,
    session: Callable[[Application], Session],
    method: str,
    fault: Route,
    fragment: str,
    code: int,
) -> None:
    server.routes["/voice"] = fault
    url = server.url("/voice?app=1" + fragment)
    made = session(secondary(other))
    assert await made.documents.get(Hook(url, method), PARAMS, parsed) == "second"
    [asked] = other.requests
    assert asked.form == {**PARAMS, "ErrorCode": str(code), "ErrorUrl": url}
    assert RequestValidator("the-token").validate(
        other.url("/fallback"), asked.form, asked.headers["x-twilio-signature"]
    )
    assert made.path == ["fetch:primary", "fallback:secondary", "fetch:secondary"]
    fallback = made.notes[1][1]
    assert (fallback["code"], fallback["url"], fallback["to"]) == (code, server.url("/voice"), other.url("/fallback"))
    assert made.notes[2][1]["status"] == 200
    [alert] = made.alerts
    assert (alert.level, alert.code, alert.message) == (Level.ERROR, code, fallback["error"])
    assert (alert.request.url, alert.request.method, alert.request.variables) == (url, method, PARAMS)


async def test_refused(other: FaultyServer, session: Callable[[Application], Session]) -> None:
    url = f"http://127.0.0.1:{refused_port()}/voice"
    made = session(secondary(other))
    assert await made.documents.get(Hook(url), PARAMS, parsed) == "second"
    assert other.requests[0].form == {**PARAMS, "ErrorCode": "11202", "ErrorUrl": url}
    assert made.path == [
        "fetch:primary", "retry:retry", "fetch:retry", "fallback:secondary", "fetch:secondary"
    ]  # fmt: skip


async def test_connect_timeout(other: FaultyServer, deaf: Deaf, session: Callable[[Application], Session]) -> None:
    url = f"http://127.0.0.1:{deaf.port}/voice#ct=100&rc=0"
    made = session(secondary(other))
    assert await made.documents.get(Hook(url), PARAMS, parsed) == "second"
    assert other.requests[0].form == {**PARAMS, "ErrorCode": "11201", "ErrorUrl": url}


async def test_tls_failure(
    expired: FaultyServer, other: FaultyServer, session: Callable[[Application], Session]
) -> None:
    url = expired.url("/voice", "localhost")
    made = session(secondary(other))
    assert await made.documents.get(Hook(url), PARAMS, parsed) == "second"
    assert other.requests[0].form == {**PARAMS, "ErrorCode": "11236", "ErrorUrl": url}
    assert made.path == ["fetch:primary", "fallback:secondary", "fetch:secondary"]


async def test_name_that_does_not_exist(other: FaultyServer, session: Callable[[Application], Session]) -> None:
    made = session(secondary(other))
    assert await made.documents.get(Hook("http://name.invalid/voice#rc=0"), PARAMS, parsed) == "second"
    assert other.requests[0].form["ErrorCode"] == "11210"


async def test_success_asks_no_secondary(
    server: FaultyServer, other: FaultyServer, session: Callable[[Application], Session]
) -> None:
    server.routes["/voice"] = Reply(body=b"first")
    made = session(secondary(other))
    assert await made.documents.get(Hook(server.url("/voice")), PARAMS, parsed) == "first"
    assert other.requests == []
    [(kind, data)] = made.notes
    assert kind == "fetch"
    assert data.pop("ms") in range(5000)
    assert data == {
        "url": server.url("/voice"),
        "method": "POST",
        "state": "primary",
        "status": 200,
        "type": "text/xml",
        "bytes": 5,
        "params": PARAMS,
        "body": "first",
    }


async def test_a_long_answer_is_kept_in_part(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    server.routes["/voice"] = Reply(body=b"x" * 20_000)
    made = session(Application())
    await made.documents.get(Hook(server.url("/voice")), PARAMS, parsed)
    assert [(data["bytes"], len(str(data["body"]))) for _, data in made.notes] == [(20_000, 4096)]


async def test_a_retry_that_succeeds(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    left = [Reply(500), Reply(503)]
    server.routes["/voice"] = lambda request: left.pop(0) if left else Reply(body=b"third")
    made = session(Application())
    hook = Hook(server.url("/voice#rc=2&rp=5xx"))
    assert await made.documents.get(hook, PARAMS, parsed) == "third"
    assert made.path == ["fetch:primary", "retry:retry", "fetch:retry", "retry:retry", "fetch:retry"]


async def test_without_secondary_the_failure_is_raised(
    server: FaultyServer, session: Callable[[Application], Session]
) -> None:
    server.routes["/voice"] = Reply(503)
    made = session(Application())
    hook = Hook(server.url("/voice?x=1#ct=300").replace("//", "//al:hush@"))
    with pytest.raises(ApplicationError) as caught:
        await made.documents.get(hook, PARAMS, parsed)
    assert (caught.value.code, caught.value.response_status) == (11200, 503)
    assert caught.value.url == server.url("/voice?x=1#ct=300")
    assert made.path == ["fetch:primary", "given_up:given_up"]
    assert made.notes[1][1] == {
        "state": "given_up", "code": 11200, "error": "127.0.0.1 answered 503", "url": server.url("/voice")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "code"), [(Reply(404), 11200), (Reply(body=b"<broken"), 12100), (Reply(content_type="a/b"), 12300)]
)
async def test_the_secondary_is_asked_once_and_its_failure_is_the_last(
    server: FaultyServer, session: Callable[[Application], Session], fault: Route, code: int
) -> None:
    server.routes.update({"/voice": Reply(500), "/fallback": fault})
    made = session(Application(fallback=Hook(server.url("/fallback"))))
    with pytest.raises(ApplicationError) as caught:
        await made.documents.get(Hook(server.url("/voice")), PARAMS, parsed)
    assert (caught.value.code, caught.value.url) == (code, server.url("/fallback"))
    assert len(server.asked("/voice")) == len(server.asked("/fallback")) == 1
    assert made.path == ["fetch:primary", "fallback:secondary", "fetch:secondary", "given_up:given_up"]


async def test_the_secondary_keeps_its_own_overrides(
    server: FaultyServer, session: Callable[[Application], Session]
) -> None:
    left = [Reply(500)]
    server.routes["/voice"] = Reply(500)
    server.routes["/fallback"] = lambda request: left.pop(0) if left else Reply(body=b"second")
    made = session(Application(fallback=Hook(server.url("/fallback#rp=5xx"), "GET")))
    assert await made.documents.get(Hook(server.url("/voice")), PARAMS, parsed) == "second"
    assert made.path[2:] == ["fetch:secondary", "retry:secondary_retry", "fetch:secondary_retry"]
    assert all(request.query["ErrorCode"] == "11200" for request in server.asked("/fallback"))


async def test_the_next_document_has_its_secondary_again(
    server: FaultyServer, session: Callable[[Application], Session]
) -> None:
    made = session(secondary(server))
    for _ in range(2):
        assert await made.documents.get(Hook(server.url("/gone")), {**PARAMS, "Digits": "1"}, parsed) == "second"
    assert [request.form["Digits"] for request in server.asked("/fallback")] == ["1", "1"]


async def test_credentials_are_not_told_to_the_secondary(
    server: FaultyServer, other: FaultyServer, session: Callable[[Application], Session]
) -> None:
    made = session(secondary(other))
    hook = Hook(server.url("/gone?key=1").replace("//", "//al:hush@"))
    await made.documents.get(hook, PARAMS, parsed)
    assert other.requests[0].form["ErrorUrl"] == server.url("/gone?key=1")
    assert "authorization" not in other.requests[0].headers
    assert "hush" not in str(made.notes)
    assert all("key=1" not in str(data["url"]) for _, data in made.notes)


async def test_cookies_last_for_the_session(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    def count(request: Request) -> Reply:
        seen = int(request.headers.get("cookie", "n=0").removeprefix("n="))
        return Reply(body=str(seen).encode(), headers={"Set-Cookie": f"n={seen + 1}; Path=/"})

    server.routes["/voice"] = count
    first, second = session(Application()), session(Application())
    hook = Hook(server.url("/voice"))
    assert [await first.documents.get(hook, PARAMS, parsed) for _ in range(3)] == ["0", "1", "2"]
    assert await second.documents.get(hook, PARAMS, parsed) == "0"


async def test_first_document(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    server.routes["/voice"] = Reply(body=b"first")
    by_url = session(Application(voice=Hook(server.url("/voice"))))
    assert await by_url.documents.first(PARAMS, parsed) == "first"
    inline = session(Application(twiml="<Response>é</Response>"))
    assert await inline.documents.first(PARAMS, parsed) == "<Response>é</Response>"
    assert inline.notes == []


async def test_a_malformed_inline_document(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    server.routes["/fallback"] = Reply(body=b"second")
    made = session(Application(twiml="<broken", fallback=Hook(server.url("/fallback"))))
    assert await made.documents.first(PARAMS, parsed) == "second"
    assert server.requests[0].form == {**PARAMS, "ErrorCode": "12100", "ErrorUrl": ""}
    assert await made.documents.given("<broken", {**PARAMS, "n": "2"}, parsed) == "second"
    assert server.requests[1].form == {**PARAMS, "n": "2", "ErrorCode": "12100", "ErrorUrl": ""}
    assert made.path == ["fallback:secondary", "fetch:secondary"] * 2
    alone = session(Application(twiml="<broken"))
    with pytest.raises(DocumentError):
        await alone.documents.first(PARAMS, parsed)


async def test_cancellation_ends_the_search(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    """The caller hangs up: nobody else is asked."""
    server.routes["/voice"] = Hang()
    made = session(secondary(server))
    task = asyncio.create_task(made.documents.get(Hook(server.url("/voice")), PARAMS, parsed))
    await server.arrived.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.asked("/fallback") == [] and made.alerts == []
    assert made.notes == [("abandoned", {"state": "primary", "url": server.url("/voice")})]


async def test_a_fault_of_ours_is_not_taken_for_the_applications(
    server: FaultyServer, session: Callable[[Application], Session]
) -> None:
    def wrong(answer: Answer) -> str:
        raise KeyError("ours")

    server.routes["/voice"] = Reply()
    made = session(secondary(server))
    with pytest.raises(KeyError):
        await made.documents.get(Hook(server.url("/voice")), PARAMS, wrong)
    assert server.asked("/fallback") == []


async def test_what_an_alert_keeps_of_the_exchange(
    server: FaultyServer, session: Callable[[Application], Session]
) -> None:
    """The form, the answer's header fields and the beginning of its body; nothing that authenticates."""
    server.routes["/voice"] = Reply(500, b"x" * 9000, {"X-Why": "broken"})
    server.routes["/fallback"] = Reply(body=b"<broken", headers={"X-Why": "parse"})
    made = session(Application(fallback=Hook(server.url("/fallback"), "GET")))
    with pytest.raises(ApplicationError):
        await made.documents.get(Hook(server.url("/voice").replace("//", "//al:hush@")), PARAMS, parsed)
    first, last = (alert.request for alert in made.alerts)
    assert (first.url, first.method, first.variables) == (server.url("/voice"), "POST", PARAMS)
    assert first.response_body == b"x" * 4096 and ("X-Why", "broken") in first.response_headers
    assert set(first.headers) == {"User-Agent", "Accept", "Content-Type", "I-Twilio-Idempotency-Token"}
    assert (last.url, last.method, last.response_body) == (server.url("/fallback"), "GET", b"<broken")
    assert last.variables["ErrorCode"] == "11200" and ("X-Why", "parse") in last.response_headers
    assert "hush" not in str(made.alerts)


async def test_each_transition_is_an_alert(server: FaultyServer, session: Callable[[Application], Session]) -> None:
    """A retry is a warning; turning to the secondary and giving up are errors."""
    server.routes.update({"/voice": Reply(500), "/fallback": Reply(404)})
    made = session(Application(fallback=Hook(server.url("/fallback#rp=4xx"))))
    with pytest.raises(ApplicationError):
        await made.documents.get(Hook(server.url("/voice#rc=2&rp=5xx")), PARAMS, parsed)
    told = [(kind, data["code"]) for kind, data in made.notes if kind != "fetch"]
    assert told == [("retry", 11200), ("retry", 11200), ("fallback", 11200), ("retry", 11200), ("given_up", 11200)]
    levels = [Level.WARNING, Level.WARNING, Level.ERROR, Level.WARNING, Level.ERROR]
    assert [alert.level for alert in made.alerts] == levels
    tokens = [request.headers["i-twilio-idempotency-token"] for request in server.requests]
    assert (len(set(tokens[:3])), len(set(tokens[3:])), len(set(tokens))) == (1, 1, 2)
