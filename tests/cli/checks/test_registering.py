"""A trial REGISTER at carriers of the test: that know us, that do not, that are silent."""

import socket
from collections.abc import Awaitable, Callable

import pytest

from callwright.cli.checks.finding import Finding
from callwright.cli.checks.question import Hop
from callwright.cli.checks.registering import trial
from callwright.sip.registrant import Line
from tests.harness import Guard, Phone
from tests.harness.dialog import response_to
from tests.harness.message import Request, Response

Phones = Callable[..., Awaitable[Phone]]
NAME, PASSWORD, REALM = "line1", "line-secret", "carrier.test"


async def tried(phone: Phone, *, password: str = PASSWORD, realm: str = "", transport: str = "udp") -> Finding:
    line = Line("sip:carrier.test", NAME, password, realm)
    hop = Hop(phone.address, phone.port, transport)
    return await trial("x", line, [hop], seconds=5.0, tls=None, name="carrier.test")


def confirming(*contacts: str) -> Callable[[Request], Response]:
    return lambda request: response_to(request, 200, headers=[("Contact", one) for one in contacts])


@pytest.fixture
async def carrier(phones: Phones) -> Phone:
    """One that asks for the password, and has a binding."""
    phone = await phones("carrier")
    phone.guard = Guard(NAME, PASSWORD, realm=REALM)
    phone.handlers["REGISTER"] = confirming(f"<sip:{NAME}@192.0.2.7:5060>;expires=1800")
    return phone


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_password_that_is_good(carrier: Phone, transport: str) -> None:
    found = await tried(carrier, transport=transport)
    assert found.line().startswith(f"ok   trunk x REGISTER sip:{NAME}@carrier.test ({transport}:{carrier.address}:")
    assert found.why.startswith("200 OK after ")
    assert found.why.endswith(f" ms: name and password are good; registered: sip:{NAME}@192.0.2.7:5060 for 1800 s")
    asked = [one for one in carrier.trace.messages("REGISTER") if isinstance(one, Request)]
    assert [one.headers["CSeq"] for one in asked] == ["1 REGISTER", "2 REGISTER"]
    assert len({one.call_id for one in asked}) == 1
    for one in asked:  # it asks, and changes nothing
        assert "Contact" not in one.headers and "Expires" not in one.headers


async def test_nobody_registered_and_no_password_asked_for(carrier: Phone) -> None:
    carrier.handlers["REGISTER"] = confirming()
    assert (await tried(carrier)).why.endswith("name and password are good; nobody is registered now")
    carrier.guard = None
    assert (await tried(carrier)).why.endswith("without a password; nobody is registered now")


async def test_a_wrong_password(carrier: Phone) -> None:
    found = await tried(carrier, password="no")
    assert found.level == "FAIL" and found.why.startswith("401 ")
    assert found.why.endswith("after the digest for realm 'carrier.test' too: wrong password, or user name")
    assert found.remedy == "register.username is 'line1'; ask the carrier for both"
    assert PASSWORD not in found.line()


async def test_a_realm_that_is_another(carrier: Phone) -> None:
    found = await tried(carrier, realm="elsewhere.test")
    assert found.level == "FAIL"
    assert found.why.endswith("it asks for realm 'carrier.test', and the password is for 'elsewhere.test' only")
    assert not any("Authorization" in one.headers for one in carrier.trace.messages("REGISTER"))


async def test_no_password_in_the_file(carrier: Phone) -> None:
    found = await tried(carrier, password="")
    assert found.line().endswith("it wants a password. register.password is empty")


async def test_a_challenge_that_nobody_can_answer(carrier: Phone) -> None:
    carrier.guard = None
    challenge = ("WWW-Authenticate", 'Digest realm="x", nonce="y", algorithm=SHA-1024')
    carrier.handlers["REGISTER"] = lambda request: response_to(request, 401, headers=[challenge])
    found = await tried(carrier)
    assert found.level == "FAIL" and found.why.endswith("no challenge by Digest with SHA-256 or MD5")


async def test_a_nonce_that_has_gone_stale(carrier: Phone) -> None:
    carrier.guard = None
    count = 0

    def answer(request: Request) -> Response:
        nonlocal count
        count += 1
        stale = ', stale="true"' if count == 2 else ""
        challenge = ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{count}"{stale}')
        return response_to(request, 200) if count == 3 else response_to(request, 401, headers=[challenge])

    carrier.handlers["REGISTER"] = answer
    assert "name and password are good" in (await tried(carrier)).why and count == 3


@pytest.mark.parametrize(
    ("code", "level", "words"),
    [
        (403, "FAIL", "it knows the request, and forbids it"),
        (404, "FAIL", "it does not know sip:line1@carrier.test"),
        (405, "warn", "no answer to such a question"),
        (503, "FAIL", "it registers nobody now"),
    ],
)
async def test_other_answers(carrier: Phone, code: int, level: str, words: str) -> None:
    carrier.guard = None
    carrier.handlers["REGISTER"] = lambda request: response_to(request, code)
    found = await tried(carrier)
    assert (found.level, found.why.rpartition(": ")[2]) == (level, words) and found.remedy


async def test_the_next_place_is_asked_when_one_is_silent(carrier: Phone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent = Hop("127.0.0.1", deaf.getsockname()[1], "udp")
        line = Line("sip:carrier.test", NAME, PASSWORD)
        found = await trial("x", line, [silent], seconds=0.3, tls=None, name="")
        assert found.level == "FAIL" and found.why == "no answer within 0.3 s"
        assert found.remedy.startswith(f"Is UDP port {silent.port} open there")
        there = Hop(carrier.address, carrier.port, "udp")
        assert (await trial("x", line, [silent, there], seconds=0.3, tls=None, name="")).level == "ok"
