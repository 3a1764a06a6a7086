"""Requests to an application, as it sees them: form, signature, cookies, redirects, credentials, retries."""

import hashlib
import re
from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from callwright.apps.client import ApplicationClient, Fetch, encoded
from callwright.apps.cookies import CookieJar
from callwright.calls.application import Account, Hook
from callwright.errors import ApplicationError
from callwright.outbound import ConnectError, Outbound
from callwright.sections import OutboundHttp
from tests.apps.faulty import Deaf, FaultyServer, Hang, Raw, Reply, Request, Reset, refused_port

PARAMS = {"CallSid": "CA" + "0" * 32, "From": "+15550001000", "To": "sip:zoë@example", "Digits": "1#*", "Empty": ""}


def valid(server: FaultyServer, request: Request, host: str = "127.0.0.1", *, token: str = "the-token") -> bool:
    """Whether the SDK accepts a request's signature, seeing only what arrived."""
    form = request.form if request.method == "POST" else {}
    url = server.url(request.target, host)
    return bool(RequestValidator(token).validate(url, form, request.headers["x-twilio-signature"]))


async def failure(client: ApplicationClient, fetch: Fetch) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await client.fetch(fetch)
    return caught.value


async def test_post(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply(body=b"<Response/>", content_type="text/xml; charset=utf-8")
    answer = await client.fetch(Fetch(Hook(server.url("/voice?a=%2F&b=x+y#rc=2")), PARAMS, account))
    request = server.requests[0]
    assert (request.method, request.target, request.form) == ("POST", "/voice?a=%2F&b=x+y", PARAMS)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert request.headers["user-agent"] == "TwilioProxy/1.1" and request.headers["accept"] == "*/*"
    assert UUID(request.headers["i-twilio-idempotency-token"]).version == 4
    assert "cookie" not in request.headers and "authorization" not in request.headers
    assert valid(server, request)
    assert not valid(server, request, token="another")
    assert (answer.status, answer.body, answer.method) == (200, b"<Response/>", "POST")
    assert (answer.url, answer.content_type) == (server.url("/voice?a=%2F&b=x+y"), "text/xml; charset=utf-8")
    assert 0 <= answer.elapsed < 5


@pytest.mark.parametrize(("target", "query"), [("/voice", {}), ("/voice?a=1&b=%20", {"a": "1", "b": " "})])
async def test_get(
    server: FaultyServer, client: ApplicationClient, account: Account, target: str, query: dict[str, str]
) -> None:
    server.routes["/voice"] = Reply()
    answer = await client.fetch(Fetch(Hook(server.url(target), "GET"), PARAMS, account))
    request = server.requests[0]
    assert (request.method, request.query, request.body) == ("GET", {**query, **PARAMS}, b"")
    assert request.target.startswith(target) and "content-type" not in request.headers
    assert valid(server, request)
    assert answer.url == server.url(target)


async def test_a_url_without_path_is_signed_as_it_arrives(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    server.routes["/"] = Reply()
    await client.fetch(Fetch(Hook(server.url("")), PARAMS, account))
    assert valid(server, server.requests[0])


async def test_text_that_cannot_be_encoded(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply()
    await client.fetch(Fetch(Hook(server.url("/voice")), {"CallerName": "J\udce9r"}, account))
    assert server.requests[0].form == {"CallerName": "J?r"}
    assert valid(server, server.requests[0])


async def test_redirects_lose_the_form(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply(307, b"", {"Location": "next?x=1#part"})
    server.routes["/next"] = Reply(301, b"", {"Location": "/last"})
    server.routes["/last"] = Reply(body=b"here")
    answer = await client.fetch(Fetch(Hook(server.url("/voice")), PARAMS, account))
    assert [(r.method, r.target, r.body) for r in server.requests[1:]] == [
        ("GET", "/next?x=1", b""),
        ("GET", "/last", b""),
    ]
    assert all(valid(server, request) for request in server.requests)
    assert len({request.headers["i-twilio-idempotency-token"] for request in server.requests}) == 1
    assert "content-type" not in server.requests[1].headers
    assert (answer.body, answer.url, answer.method) == (b"here", server.url("/last"), "GET")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_redirect(server: FaultyServer, client: ApplicationClient, account: Account, status: int) -> None:
    server.routes.update({"/a": Reply(status, b"", {"Location": "/b"}), "/b": Reply()})
    await client.fetch(Fetch(Hook(server.url("/a")), PARAMS, account))
    assert [(r.method, r.path) for r in server.requests] == [("POST", "/a"), ("GET", "/b")]


async def test_ten_redirects_and_no_more(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    for number in range(10):
        server.routes[f"/{number}"] = Reply(302, b"", {"Location": f"/{number + 1}"})
    server.routes["/10"] = Reply(body=b"end")
    assert (await client.fetch(Fetch(Hook(server.url("/0")), PARAMS, account))).body == b"end"
    server.routes["/10"] = Reply(302, b"", {"Location": "/10"})
    server.requests.clear()
    assert (await failure(client, Fetch(Hook(server.url("/0")), PARAMS, account))).code == 11215
    assert len(server.requests) == 11


@pytest.mark.parametrize(
    ("reply", "code", "status"),
    [
        (Reply(404), 11200, 404),
        (Reply(500), 11200, 500),
        (Reply(401, b"", {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}), 11200, 401),
        (Reply(304, b""), 11200, 304),
        (Reply(300, b"", {"Location": "/x"}), 11200, 300),
        (Reply(302), 11200, 302),
        (Reply(302, b"", {"Location": "ftp://x/"}), 11100, 0),
        (Reply(302, b"", {"Location": "http://[/"}), 11100, 0),
        (Reply(302, b"", {"Location": "http://a_b.example/"}), 21205, 0),
        (Reply(body=b"x" * 65537), 11750, 0),
    ],
)
async def test_answers_that_fail(
    server: FaultyServer, client: ApplicationClient, account: Account, reply: Reply, code: int, status: int
) -> None:
    server.routes["/voice"] = reply
    error = await failure(client, Fetch(Hook(server.url("/voice")), PARAMS, account))
    assert (error.code, error.response_status) == (code, status)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [("/voice", 11100), ("http://a_b.example/", 21205), ("http://app.example/#e=atlantis", 11241),
     ("http://app.example/#rp=x", 11243), ("http://127.1/", 11210)],
)  # fmt: skip
async def test_urls_that_fail(client: ApplicationClient, account: Account, url: str, code: int) -> None:
    assert (await failure(client, Fetch(Hook(url), PARAMS, account))).code == code


async def test_a_document_of_64_kib(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply(body=b"x" * 65536)
    assert len((await client.fetch(Fetch(Hook(server.url("/voice")), PARAMS, account))).body) == 65536


async def test_sound_is_left_to_whoever_plays_it(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    server.routes["/voice"] = Reply(body=b"x" * 1_000_000, content_type="audio/mpeg")
    answer = await client.fetch(Fetch(Hook(server.url("/voice")), PARAMS, account))
    assert (answer.content_type, answer.body) == ("audio/mpeg", b"")


async def test_a_discarded_answer_may_be_long(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    server.routes["/status"] = Reply(body=b"x" * 1_000_000)
    answer = await client.fetch(Fetch(Hook(server.url("/status")), PARAMS, account, discard=True))
    assert (answer.status, answer.body) == (200, b"")


async def test_cookies_come_back(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    jar = CookieJar()
    server.routes["/voice"] = Reply(302, b"", [("Set-Cookie", "s=1; Path=/"), ("Location", "/next")])
    server.routes["/next"] = Reply(200, b"", [("Set-Cookie", "t=2; Path=/")])
    for path in ("/voice", "/next"):
        await client.fetch(Fetch(Hook(server.url(path)), PARAMS, account, jar))
    assert [request.headers.get("cookie") for request in server.requests] == [None, "s=1", "s=1; t=2"]


async def test_cookies_of_a_refusal_count_too(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    jar = CookieJar()
    server.routes["/voice"] = Reply(500, b"", [("Set-Cookie", "s=1; Path=/")])
    await failure(client, Fetch(Hook(server.url("/voice")), PARAMS, account, jar))
    assert jar.header(server.url("/")) == "s=1"


async def test_basic(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply(302, b"", {"Location": "/next"})
    server.routes["/next"] = Reply()
    url = server.url("/voice").replace("//", "//al:p%40w@")
    answer = await client.fetch(Fetch(Hook(url), PARAMS, account))
    assert [request.headers["authorization"] for request in server.requests] == ["Basic YWw6cEB3"] * 2
    assert all(valid(server, request) for request in server.requests)
    assert answer.url == server.url("/next").replace("//", "//al:p%40w@")
    assert "p%40w" not in repr(answer)


async def test_credentials_do_not_follow_to_another_origin(
    server: FaultyServer, other: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    server.routes["/voice"] = Reply(302, b"", {"Location": other.url("/next")})
    other.routes["/next"] = Reply()
    answer = await client.fetch(Fetch(Hook(server.url("/voice").replace("//", "//al:pw@")), PARAMS, account))
    assert "authorization" not in other.requests[0].headers
    assert valid(other, other.requests[0])
    assert answer.url == other.url("/next")


@pytest.mark.parametrize(("algorithm", "name"), [("MD5", "md5"), ("SHA-256", "sha256")])
async def test_digest(
    server: FaultyServer, client: ApplicationClient, account: Account, algorithm: str, name: str
) -> None:
    """The server computes the response on its own (RFC 7616 §3.4.1)."""

    def check(request: Request) -> Reply:
        given = request.headers.get("authorization", "")
        if not given.startswith("Digest "):
            challenge = f'Digest realm="r", nonce="n1", qop="auth", algorithm={algorithm}'
            return Reply(401, b"", [("WWW-Authenticate", 'Basic realm="r"'), ("WWW-Authenticate", challenge)])
        v = {key: value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|[^,]+)', given)}

        def h(text: str) -> str:
            return hashlib.new(name, text.encode()).hexdigest()

        secret, asked = h("al:r:p@w"), h(f"POST:{request.target}")
        return Reply() if v["response"] == h(f"{secret}:n1:{v['nc']}:{v['cnonce']}:auth:{asked}") else Reply(403)

    server.routes["/voice"] = check
    url = server.url("/voice?x=1").replace("//", "//al:p%40w@")
    answer = await client.fetch(Fetch(Hook(url), PARAMS, account))
    assert answer.status == 200
    assert [request.form for request in server.requests] == [PARAMS, PARAMS]
    assert len({request.headers["i-twilio-idempotency-token"] for request in server.requests}) == 1


async def test_a_wrong_password_is_tried_once(
    server: FaultyServer, client: ApplicationClient, account: Account
) -> None:
    server.routes["/voice"] = Reply(401, b"", {"WWW-Authenticate": 'Digest realm="r", nonce="n"'})
    error = await failure(client, Fetch(Hook(server.url("/voice").replace("//", "//al:pw@")), PARAMS, account))
    assert (error.code, error.response_status, len(server.requests)) == (11200, 401, 2)


@pytest.mark.parametrize(
    ("fragment", "faults", "requests"),
    [
        ("", [Reset()], 2),
        ("#rc=0", [Reset()], 1),
        ("#rc=3", [Reset(), Reset(), Reset()], 4),
        ("#rc=2&rp=5xx", [Reply(500), Reply(503)], 3),
        ("#rp=4xx", [Reply(404)], 2),
        ("#rp=rt&rt=200", [Hang()], 2),
        ("#rp=all", [Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")], 2),
    ],
)
async def test_retries(
    server: FaultyServer,
    client: ApplicationClient,
    account: Account,
    fragment: str,
    faults: list[Reset | Reply | Hang | Raw],
    requests: int,
) -> None:
    left = list(faults)
    server.routes["/voice"] = lambda request: left.pop(0) if left else Reply()
    fetch = Fetch(Hook(server.url("/voice" + fragment)), PARAMS, account)
    if requests > len(faults):
        assert (await client.fetch(fetch)).status == 200
    else:
        assert isinstance(await failure(client, fetch), ConnectError)
    assert len(server.requests) == requests
    assert len({request.headers["i-twilio-idempotency-token"] for request in server.requests}) == 1


@pytest.mark.parametrize(("fault", "code"), [(Reply(500), 11200), (Reply(404), 11200), (Hang(), 11200)])
async def test_what_is_not_retried_by_default(
    server: FaultyServer, client: ApplicationClient, account: Account, fault: Reply | Hang, code: int
) -> None:
    server.routes["/voice"] = fault
    error = await failure(client, Fetch(Hook(server.url("/voice#rt=200")), PARAMS, account))
    assert (error.code, len(server.requests)) == (code, 1)


async def test_the_total_covers_all_attempts(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Hang()
    fetch = Fetch(Hook(server.url("/voice#rc=5&rp=all&rt=150&tt=400")), PARAMS, account)
    assert (await failure(client, fetch)).code == 11203
    assert len(server.requests) == 3


async def test_the_total_covers_redirects(server: FaultyServer, client: ApplicationClient, account: Account) -> None:
    server.routes["/voice"] = Reply(302, b"", {"Location": "/next"})
    server.routes["/next"] = Hang()
    error = await failure(client, Fetch(Hook(server.url("/voice#tt=200")), PARAMS, account))
    assert error.code == 11203


async def test_connect_override(deaf: Deaf, client: ApplicationClient, account: Account) -> None:
    error = await failure(client, Fetch(Hook(f"http://127.0.0.1:{deaf.port}/#ct=100&rc=0"), PARAMS, account))
    assert error.code == 11201


async def test_a_redirect_into_a_private_network_is_refused(
    server: FaultyServer, other: FaultyServer, account: Account
) -> None:
    """The application's own origin is trusted; where it points to is not."""
    server.routes["/voice"] = Reply(302, b"", {"Location": other.url("/admin")})
    outbound = Outbound(OutboundHttp(), frozenset({server.url("")}))
    await outbound.start()
    error = await failure(ApplicationClient(outbound), Fetch(Hook(server.url("/voice")), PARAMS, account))
    await outbound.close()
    assert error.code == 11210 and other.connections == 0


async def test_nothing_secret_is_logged(
    server: FaultyServer, client: ApplicationClient, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.routes["/voice"] = Reply(500)
    hook = Hook(server.url("/voice?key=hush").replace("//", "//al:hush@"))
    error = await failure(client, Fetch(hook, PARAMS, replace(account, auth_token="hush")))
    await failure(client, Fetch(Hook(f"http://al:hush@127.0.0.1:{refused_port()}/?k=hush"), PARAMS, account))
    assert "hush" not in caplog.text and "hush" not in error.message


@given(st.dictionaries(st.text(), st.text()))
def test_forms_are_encoded_as_the_standard_library_does(form: dict[str, str]) -> None:
    assert encoded(form) == urlencode(form, errors="replace")
