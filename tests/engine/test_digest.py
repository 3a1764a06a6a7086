"""Digest authentication at the gate: challenges, proofs, and what is not taken for one (promises S2, S6, S7)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callwright.engine import EventKind, digest_response
from callwright.sip.credentials import Credential
from tests.engine import users
from tests.engine.station import Station
from tests.engine.test_gate import udp_client
from tests.engine.users import REALM, Account, challenges, guard, has_reached_python, is_stale, serve, tried
from tests.harness import digest
from tests.harness.message import Response, parse
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
ALICE, BOB = Account("alice"), Account("bob", "hunter2")
METHODS = ["INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "OPTIONS", "REFER", "FROBNICATE"]


# the digest itself


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_S6_vectors_of_rfc_7616(algorithm: str, response: str) -> None:
    """§3.9.1, whose digests RFC 8760 takes over for SIP."""
    mufasa = Credential.of("Mufasa", "http-auth@example.org", "Circle of Life")
    ha1 = mufasa.ha1_md5 if algorithm == "MD5" else mufasa.ha1_sha256
    found = digest_response(
        algorithm, ha1, method="GET", uri="/dir/index.html",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", count="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )  # fmt: skip
    assert found == response


TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=80)


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.integers(1, 2**32 - 1), TEXTS, st.sampled_from(["MD5", "SHA-256"]))
def test_digest_is_that_of_another_implementation(
    password: str, uri: str, nonce: str, count: int, cnonce: str, algorithm: str
) -> None:
    one = Credential.of("alice", REALM, password)
    ha1 = one.ha1_md5 if algorithm == "MD5" else one.ha1_sha256
    mine = digest_response(algorithm, ha1, method="INVITE", uri=uri, nonce=nonce, count=f"{count:08x}", cnonce=cnonce)
    assert mine == digest.response_of(
        "alice", password, REALM, nonce, "INVITE", uri, algorithm=algorithm, qop="auth", cnonce=cnonce, count=count
    )


def test_an_algorithm_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="SHA-512-256"):
        digest_response("SHA-512-256", "", method="", uri="", nonce="", count="", cnonce="")


# challenges


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_S7_every_request_of_a_stranger_is_challenged(station: Station, phones: Phones, transport: str) -> None:
    guard(station, ALICE)
    phone = await phones("stranger", transport=transport)
    for method in METHODS:
        offered = challenges(await tried(phone, station, method))
        assert [challenge["algorithm"] for challenge in offered] == ["SHA-256", "MD5"]
        for challenge in offered:
            assert (challenge["realm"], challenge["qop"], challenge.get("stale")) == (REALM, "auth", None)
            # phones on pjsip would answer the weaker of two different nonces
            assert challenge["nonce"] == offered[0]["nonce"]
    assert not has_reached_python(station)
    assert station.engine.counters()["challenged"] == len(METHODS)


async def test_every_challenge_has_a_nonce_of_its_own(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    phone = await phones("stranger")
    nonces = {challenges(await tried(phone, station, "OPTIONS"))[0]["nonce"] for _ in range(20)}
    assert len(nonces) == 20


async def test_md5_alone(station: Station, phones: Phones) -> None:
    """For phones that fail on an offer that they do not know."""
    guard(station, ALICE, algorithms=["MD5"])
    serve(station)
    phone = await phones("alice", credentials=ALICE.phone("SHA-256"))
    asked = await tried(phone, station, "REGISTER")
    assert [challenge["algorithm"] for challenge in challenges(asked)] == ["MD5"]
    phone.credentials = ALICE.phone("MD5")
    assert (await phone.request("REGISTER", station.uri())).status == 200


async def test_S6_without_md5(station: Station, phones: Phones) -> None:
    """Not offered, and an answer in it is none: the password is not even looked at."""
    guard(station, ALICE, algorithms=["SHA-256"])
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    assert [challenge["algorithm"] for challenge in challenges(asked)] == ["SHA-256"]
    nonce = challenges(asked)[0]["nonce"]
    weak = Response(asked.headers.copy(), b"", 401, "")
    weak.headers.set("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"')
    refused = await tried(phone, station, "REGISTER", ALICE.answer(weak, "REGISTER", station.uri(), algorithm="MD5"))
    assert not is_stale(refused)
    assert station.engine.counters()["auth_failed"] == 0
    proof = ALICE.answer(refused, "REGISTER", station.uri())
    assert (await tried(phone, station, "REGISTER", proof)).status == 200


REALMS = {
    "sip:x@b.example": "b.example",
    "sip:x@B.EXAMPLE:5070;lr": "b.example",
    "sip:x@c.example": REALM,
    "sips:x@b.example": "b.example",
    "tel:+15550001000": REALM,
}


async def test_the_realm_is_that_of_the_caller(station: Station, phones: Phones) -> None:
    """And of nobody: the default."""
    guard(station, ALICE, Account("carol", realm="b.example"))
    phone = await phones("stranger")
    for number, (from_uri, realm) in enumerate(REALMS.items()):
        text = (
            f"OPTIONS {station.uri()} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {phone.address}:{phone.port};branch=z9hG4bKrealm{number}\r\n"
            f"From: <{from_uri}>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: realm{number}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        phone.send_raw(text.encode(), station.uri())
        answer = await phone.expect(401)
        assert isinstance(answer, Response)
        assert {challenge["realm"] for challenge in challenges(answer)} == {realm}


# proofs


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_S6_a_user_gets_through(station: Station, phones: Phones, algorithm: str, transport: str) -> None:
    guard(station, ALICE, BOB)
    serve(station)
    phone = await phones("alice", transport=transport, credentials=ALICE.phone(algorithm))
    for method in ("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"):
        assert (await phone.request(method, station.uri(transport=transport))).status == 200
        event = await station.event(EventKind.REQUEST)
        assert (event.text, event.detail["user"], event.detail["realm"]) == (method, "alice", REALM)
    assert (await phone.request("OPTIONS", station.uri(transport=transport))).status == 200
    assert station.engine.counters()["authenticated"] == 5


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_a_user_calls(station: Station, phones: Phones, algorithm: str) -> None:
    """Inside the dialog nothing is asked any more, of either side."""
    guard(station, ALICE)
    phone = await phones("alice", credentials=ALICE.phone(algorithm))
    call, leg = await station.answered(phone)
    assert station.events[0].detail["user"] == "alice"
    assert (await call.info_dtmf("5")).status == 200
    assert (await call.hold()).status == 200
    assert (await call.hangup()).status == 200
    await station.event(EventKind.ENDED, leg)
    assert len(phone.trace.messages(401)) == 1


async def test_a_user_over_ipv6(stations: Callable[..., Station]) -> None:
    station = stations(listen=[("udp", "::1", 0)], media_address="::1")
    guard(station, ALICE)
    serve(station)
    transport, answers = await udp_client("::1", station.port())
    uri = f"sip:[::1]:{station.port()}"
    authorization = ""
    for branch, status in ((1, 401), (2, 200), (3, 401)):  # the last is a replay
        text = (
            f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP [::1];rport;branch=z9hG4bK{branch}\r\n"
            f"From: <sip:alice@{REALM}>;tag=1\r\nTo: <sip:alice@{REALM}>\r\nCall-ID: six\r\nCSeq: {branch} REGISTER\r\n"
            f"{authorization}Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        transport.sendto(text.encode())
        answer = parse(await answers.get())
        assert isinstance(answer, Response) and answer.status == status
        authorization = authorization or f"Authorization: {ALICE.answer(answer, 'REGISTER', uri)}\r\n"
    transport.close()
    assert users.users(station) == ["alice"]


async def test_a_user_cancels(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    phone = await phones("alice", credentials=ALICE.phone())
    call, event = await station.invited(phone)
    assert (await call.cancel()).status == 487
    await station.event(EventKind.ENDED, event.id)


async def test_a_trunk_is_not_asked(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("carrier")
    station.engine.admit([phone.address])
    call, _ = await station.answered(phone)
    await call.hangup()
    assert (await tried(phone, station, "MESSAGE")).status == 200
    assert (await tried(phone, station, "OPTIONS")).status == 200
    assert users.users(station) == ["", ""]


async def test_what_is_of_a_user_is_asked_of_a_trunk_too(station: Station, phones: Phones) -> None:
    """Phones behind an edge proxy register through it."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("edge")
    station.engine.admit([phone.address])
    for method in ("REGISTER", "SUBSCRIBE", "PUBLISH"):
        phone.credentials = None
        assert challenges(await tried(phone, station, method))
        phone.credentials = ALICE.phone()
        assert (await phone.request(method, station.uri())).status == 200
    assert users.users(station) == ["alice"] * 3


async def test_one_nonce_serves_many_requests(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    for count in range(1, 20):
        proof = ALICE.answer(asked, "REGISTER", station.uri(), count=count)
        assert (await tried(phone, station, "REGISTER", proof)).status == 200
    assert station.engine.counters()["challenged"] == 1


async def test_users_come_and_go(station: Station, phones: Phones) -> None:
    """Each change is in force at once, for nonces that are out too."""
    guard(station)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    counts = iter(range(1, 100))

    async def status(account: Account) -> int:
        proof = account.answer(asked, "REGISTER", station.uri(), count=next(counts))
        return (await tried(phone, station, "REGISTER", proof)).status

    station.engine.lockout(failures=100)
    changed = Account("alice", "changed")
    assert await status(ALICE) == 401
    station.engine.add_credential(*ALICE.credential())
    assert await status(ALICE) == 200
    station.engine.add_credential(*changed.credential())
    assert [await status(ALICE), await status(changed)] == [401, 200]
    station.engine.credentials([ALICE.credential(), BOB.credential()])
    assert [await status(changed), await status(ALICE), await status(BOB)] == [401, 200, 200]
    station.engine.remove_credential("alice", REALM)
    station.engine.remove_credential("nobody", REALM)
    assert [await status(ALICE), await status(BOB)] == [401, 200]


async def test_switched_off_again(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    station.engine.authenticate(realm="")
    phone = await phones("stranger")
    assert (await (await phone.invite(station.uri())).refused()).status == 403
    assert (await tried(phone, station, "OPTIONS")).status == 200


async def test_two_realms(station: Station, phones: Phones) -> None:
    """The same name is another user there."""
    other = Account("alice", "another", "b.example")
    guard(station, ALICE, other)
    serve(station)
    phone = await phones("alice", credentials=other.phone())
    at_home = await phone.request("REGISTER", station.uri(), from_uri="sip:alice@b.example")
    abroad = await phone.request("REGISTER", station.uri(), from_uri=f"sip:alice@{REALM}")
    assert (at_home.status, abroad.status) == (200, 401)
    assert station.events[0].detail["realm"] == "b.example"


async def test_a_proof_among_others(station: Station, phones: Phones) -> None:
    """Authorizations of other realms are for others; of ours the first counts, for a request is one guess."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    foreign = 'Digest username="x", realm="else.example", nonce="1", uri="sip:x", response="' + "0" * 32 + '"'
    right = ALICE.answer(asked, "REGISTER", station.uri())
    wrong = Account("alice", "guess").answer(asked, "REGISTER", station.uri(), count=2)

    async def status(*authorizations: str) -> int:
        headers = [("Authorization", value) for value in authorizations]
        return (await phone.request("REGISTER", station.uri(), headers=headers)).status

    assert await status(foreign) == 401
    assert await status(wrong, right) == 401
    assert station.engine.counters()["auth_failed"] == 1
    assert await status(foreign, right) == 200


# at the limits


async def test_a_refused_request_does_not_use_its_count_up(station: Station, phones: Phones) -> None:
    """Beyond the rate a request is dropped; its retransmission, the same Authorization, is let in."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "MESSAGE")
    station.engine.gate(requests_per_second=2, burst=1, backlog=1_000_000)
    for count in (1, 2, 3):
        proof = ALICE.answer(asked, "MESSAGE", station.uri(), count=count)
        assert (await tried(phone, station, "MESSAGE", proof)).status == 200
    assert station.engine.counters()["refused_rate"] >= 1
    assert station.engine.counters()["auth_replayed"] == 0


async def test_S4_strangers_take_nothing_from_users(station: Station, phones: Phones) -> None:
    """Their challenges have a rate of their own: 503 beyond it on TCP, while a user's request is let in."""
    guard(station, ALICE)
    serve(station)
    station.engine.gate(requests_per_second=1, burst=30, backlog=1_000_000)
    alice, stranger = await phones("alice", transport="tcp"), await phones("stranger", transport="tcp")
    asked = await tried(alice, station, "REGISTER")
    statuses = [(await tried(stranger, station, "REGISTER")).status for _ in range(60)]
    assert (statuses[0], statuses[-1]) == (401, 503)
    proof = ALICE.answer(asked, "REGISTER", station.uri(transport="tcp"))
    assert (await tried(alice, station, "REGISTER", proof)).status == 200
    assert station.engine.counters()["refused_strangers"] > 10


async def test_S4_strangers_take_nothing_from_where_users_are(station: Station, phones: Phones) -> None:
    """A source that has authenticated is challenged as before while strangers have used up what they have."""
    guard(station, ALICE)
    serve(station)
    station.engine.gate(requests_per_second=1, burst=30, backlog=1_000_000)
    alice, stranger = await phones("alice", transport="tcp"), await phones("stranger", transport="tcp")
    asked = await tried(alice, station, "REGISTER")
    proof = ALICE.answer(asked, "REGISTER", station.uri(transport="tcp"))
    assert (await tried(alice, station, "REGISTER", proof)).status == 200
    statuses = [(await tried(stranger, station, "REGISTER")).status for _ in range(60)]
    assert statuses[-1] == 503
    assert [(await tried(alice, station, "REGISTER")).status for _ in range(5)] == [401] * 5
    statuses = [(await tried(alice, station, "REGISTER")).status for _ in range(300)]
    assert 503 in statuses  # it has a limit too


async def test_one_stranger_takes_little_from_others(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    station.engine.gate(requests_per_second=50, burst=1000, backlog=1_000_000)
    greedy, modest = await phones("greedy", transport="tcp"), await phones("modest", transport="tcp")
    statuses = [(await tried(greedy, station, "REGISTER")).status for _ in range(300)]
    assert statuses.count(503) > 50
    assert (await tried(modest, station, "REGISTER")).status == 401


async def test_many_at_once(station: Station, phones: Phones) -> None:
    """Users change while they authenticate: each request is judged by a whole table, old or new."""
    guard(station, ALICE, BOB)
    serve(station)
    station.engine.lockout(failures=1_000_000)
    tables = [[account.credential() for account in (ALICE, BOB)], [BOB.credential()]]
    callers = [await phones("bob", transport="tcp") for _ in range(4)]
    uri = station.uri(transport="tcp")

    async def bob(phone: Phone) -> set[int]:
        asked = await tried(phone, station, "REGISTER")
        answers = [BOB.answer(asked, "REGISTER", uri, count=count) for count in range(1, 61)]
        return {(await tried(phone, station, "REGISTER", answer)).status for answer in answers}

    async def change(stop: asyncio.Event) -> int:
        changes = 0
        while not stop.is_set():
            await asyncio.get_running_loop().run_in_executor(None, station.engine.credentials, tables[changes % 2])
            changes += 1
        return changes

    stop = asyncio.Event()
    changing = asyncio.create_task(change(stop))
    assert await asyncio.gather(*(bob(phone) for phone in callers)) == [{200}] * 4
    stop.set()
    assert await changing > 10
    assert set(users.users(station)) == {"bob"}


async def test_parallel_requests_on_one_nonce(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "MESSAGE")
    proofs = [ALICE.answer(asked, "MESSAGE", station.uri(), count=count) for count in range(1, 33)]
    answers = await asyncio.gather(*(tried(phone, station, "MESSAGE", proof) for proof in reversed(proofs)))
    assert {answer.status for answer in answers} == {200}


NOT_A_CREDENTIAL = [
    ("", REALM, "0" * 32, "0" * 64),
    ("a" * 129, REALM, "0" * 32, "0" * 64),
    ('a"b', REALM, "0" * 32, "0" * 64),
    ("a\\b", REALM, "0" * 32, "0" * 64),
    ("a:b", REALM, "0" * 32, "0" * 64),
    ("a\nb", REALM, "0" * 32, "0" * 64),
    ("alice", "", "0" * 32, "0" * 64),
    ("alice", "a\r\nX: y", "0" * 32, "0" * 64),
    ("alice", REALM, "0" * 31, "0" * 64),
    ("alice", REALM, "0" * 32, "0" * 63),
    ("alice", REALM, "A" * 32, "0" * 64),
    ("alice", REALM, "", ""),
]


def test_not_a_credential(station: Station) -> None:
    for wrong in NOT_A_CREDENTIAL:
        with pytest.raises(ValueError, match=r".+"):
            station.engine.add_credential(*wrong)
        with pytest.raises(ValueError, match=r".+"):
            station.engine.credentials([BOB.credential(), wrong])


NOT_A_POLICY: list[dict[str, object]] = [
    {"realm": 'a"b'},
    {"realm": "a" * 200},
    {"nonce_lifetime": 0},
    {"nonce_lifetime": -1},
    {"nonce_lifetime": float("nan")},
    {"nonce_lifetime": float("inf")},
    {"scanners": ["friendly-scanner", ""]},
    {"algorithms": []},
    {"algorithms": ["MD5", "MD5"]},
    {"algorithms": ["SHA-1"]},
    {"algorithms": [""]},
]


def test_not_a_policy(station: Station) -> None:
    for wrong in NOT_A_POLICY:
        with pytest.raises(ValueError, match=r".+"):
            station.engine.authenticate(**({"realm": REALM} | wrong))  # type: ignore[arg-type]  # wrong on purpose


async def test_a_secret_is_in_no_log(stations: Callable[..., Station], phones: Phones) -> None:
    """pjproject's own lines show messages at this level: responses and nonces are blanked."""
    station = stations(log_level=4)
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice", credentials=ALICE.phone())
    assert (await phone.request("REGISTER", station.uri())).status == 200
    response = digest.parameters(phone.trace.messages("REGISTER", sent=True)[-1].headers["Authorization"])["response"]
    lines = "\n".join(event.text for event in station.events if event.kind is EventKind.LOG)
    assert "REGISTER" in lines
    assert response not in lines
    assert ALICE.credential()[3] not in lines
