"""What the gate takes for no proof: wrong, stale, stolen, replayed, weakened or malformed (promises S2, S6)."""

import re
from collections.abc import Awaitable, Callable

from callwright.engine import digest_response
from tests.engine import users
from tests.engine.station import Station
from tests.engine.users import (
    REALM,
    Account,
    challenges,
    guard,
    has_reached_python,
    is_stale,
    serve,
    times_of_refusals,
    tried,
)
from tests.harness import digest
from tests.harness.message import Response
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]
ALICE, BOB = Account("alice"), Account("bob", "hunter2")


async def refused_alike(station: Station, phone: Phone, account: Account, asked: Response, count: int) -> str:
    """The answer to a wrong response, without what differs from request to request."""
    proof = account.answer(asked, "INVITE", station.uri("nobody"), count=count)
    answer = await tried(phone, station, "INVITE", proof, uri=station.uri("nobody"))
    text = bytes(answer).decode()
    for changing in (r"nonce=\"\w+\"", r"branch=[^;\r]+", r"tag=[^;\r]+", r"Call-ID: [^\r]+", r"CSeq: \d+"):
        text = re.sub(changing, "", text)
    return text


async def test_S2_failures_look_the_same(station: Station, phones: Phones) -> None:
    """A wrong password, a user that there is not, one that is blocked, and no credentials at all, for no number."""
    guard(station, ALICE)
    phone = await phones("stranger")
    station.engine.lockout(failures=2)
    elsewhere = await phones("other")
    asked = await tried(elsewhere, station, "REGISTER")
    for count in (1, 2):
        await tried(elsewhere, station, "REGISTER", BOB.answer(asked, "REGISTER", station.uri(), count=count))
    assert "user-blocked" in users.occasions(station)
    station.engine.lockout(failures=100)
    asked = await tried(phone, station, "INVITE", uri=station.uri("nobody"))
    tries = (Account("alice", "wrong"), Account("nobody"), BOB)
    answers = [await refused_alike(station, phone, account, asked, count) for count, account in enumerate(tries, 1)]
    assert answers[0] == answers[1] == answers[2]
    assert "401" in answers[0] and "stale" not in answers[0]
    assert not has_reached_python(station)


async def test_S2_failures_take_the_same_time(station: Station, phones: Phones) -> None:
    """The medians of 400 interleaved tries on one connection differ by less than a guess could be told by."""
    guard(station, ALICE)
    station.engine.lockout(failures=1_000_000)
    phone = await phones("stranger", transport="tcp")
    known, unknown = await times_of_refusals(phone, station, 800)
    assert abs(known - unknown) < 0.1 * max(known, unknown), f"{known * 1e6:.0f} and {unknown * 1e6:.0f} us"


async def test_S6_an_old_nonce_is_stale(station: Station, phones: Phones) -> None:
    """Whatever the password: who asks again learns nothing of it, and nobody is blocked."""
    guard(station, ALICE, nonce_lifetime=0.000_001)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    for account in (ALICE, Account("alice", "wrong"), Account("nobody")) * 3:
        assert is_stale(await tried(phone, station, "REGISTER", account.answer(asked, "REGISTER", station.uri())))
    station.engine.authenticate(realm=REALM)
    again = await tried(phone, station, "REGISTER", ALICE.answer(asked, "REGISTER", station.uri()))
    assert again.status == 200  # the same nonce, within the usual lifetime
    assert station.engine.counters()["auth_failed"] == 0


async def test_S6_a_nonce_serves_one_source(station: Station, phones: Phones) -> None:
    """Stolen on its way, a whole Authorization is worth nothing elsewhere."""
    guard(station, ALICE)
    serve(station)
    phone, thief = await phones("alice"), await phones("thief")
    asked = await tried(phone, station, "REGISTER")
    proof = ALICE.answer(asked, "REGISTER", station.uri())
    assert is_stale(await tried(thief, station, "REGISTER", proof))
    assert (await tried(phone, station, "REGISTER", proof)).status == 200
    assert is_stale(await tried(thief, station, "REGISTER", proof))
    same_host = await phones("alice", address=phone.address)  # another port: a NAT may move it
    assert (
        await tried(same_host, station, "REGISTER", ALICE.answer(asked, "REGISTER", station.uri(), count=2))
    ).status == 200


async def test_S6_a_forged_nonce(station: Station, phones: Phones) -> None:
    """One digit changed, in the time, the number or the seal; and what looks like none at all."""
    guard(station, ALICE)
    phone = await phones("alice", transport="tcp")
    uri = station.uri(transport="tcp")
    nonce = challenges(await tried(phone, station, "REGISTER"))[0]["nonce"]
    assert len(nonce) == 52
    changed = [nonce[:at] + "01"[nonce[at] == "0"] + nonce[at + 1 :] for at in range(52)]
    for forged in (*changed, "", "0", "zz" * 26, "0" * 53, nonce * 40):
        challenge = f'Digest realm="{REALM}", nonce="{forged}", algorithm=MD5, qop="auth"'
        proof = ALICE.phone().answer(challenge, "REGISTER", uri)
        assert is_stale(await tried(phone, station, "REGISTER", proof)), forged


async def test_S6_a_nonce_serves_one_realm(station: Station, phones: Phones) -> None:
    guard(station, ALICE, Account("alice", realm="b.example"))
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    strong = asked.headers.lines("WWW-Authenticate")[0]
    asked.headers.set("WWW-Authenticate", strong.replace(REALM, "b.example"))
    proof = Account("alice", realm="b.example").answer(asked, "REGISTER", station.uri())
    assert is_stale(await tried(phone, station, "REGISTER", proof))


async def test_S6_a_replay(station: Station, phones: Phones) -> None:
    """The same Authorization in another transaction: refused, told of, and no guess."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "MESSAGE")
    proof = ALICE.answer(asked, "MESSAGE", station.uri())
    assert (await tried(phone, station, "MESSAGE", proof)).status == 200
    for _ in range(8):
        assert is_stale(await tried(phone, station, "MESSAGE", proof))
    counters = station.engine.counters()
    assert (counters["auth_replayed"], counters["auth_failed"], counters["blocked"]) == (8, 0, 0)
    assert users.occasions(station) == ["replayed"] * 8
    assert users.users(station) == ["alice"]


async def test_S6_nonce_counts_out_of_order(station: Station, phones: Phones) -> None:
    """Requests may overtake each other by 64; each count serves once."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")

    async def status(count: int) -> int:
        proof = ALICE.answer(asked, "REGISTER", station.uri(), count=count)
        return (await tried(phone, station, "REGISTER", proof)).status

    assert [await status(count) for count in (5, 3, 4, 3, 5)] == [200, 200, 200, 401, 401]
    assert [await status(count) for count in (100, 37, 36, 37)] == [200, 200, 401, 401]
    assert [await status(count) for count in (2**32 - 1, 2**32 - 2, 101, 2**32 - 1)] == [200, 200, 401, 401]


async def test_S6_no_fall_back_to_md5_on_one_nonce(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    strong = ALICE.answer(asked, "REGISTER", station.uri())
    weak = ALICE.answer(asked, "REGISTER", station.uri(), algorithm="MD5", count=2)
    assert (await tried(phone, station, "REGISTER", strong)).status == 200
    assert is_stale(await tried(phone, station, "REGISTER", weak))


MALFORMED = {
    "no qop": (", qop=auth", ""),
    "another qop": ("qop=auth", "qop=auth-int"),
    "no nc": (", nc=00000001", ""),
    "nc of nought": ("nc=00000001", "nc=00000000"),
    "short nc": ("nc=00000001", "nc=1"),
    "long nc": ("nc=00000001", "nc=000000001"),
    "nc that is no number": ("nc=00000001", "nc=0000000g"),
    "no cnonce": ('cnonce="abc"', 'cnonce=""'),
    "long cnonce": ('cnonce="abc"', f'cnonce="{"a" * 300}"'),
    "no username": ('username="alice"', 'username=""'),
    "long username": ('username="alice"', f'username="{"a" * 200}"'),
    "no uri": ('uri="sip:', 'uri="'),
    "another user": ('uri="sip:service@', 'uri="sip:operator@'),
    "another host": ("@127.", "@128."),
}


async def test_S6_malformed_responses(station: Station, phones: Phones) -> None:
    """400, as RFC 7616 §3.4.6 wants: no guess, and nothing to tell a user by."""
    guard(station, ALICE)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    good = ALICE.answer(asked, "REGISTER", station.uri(), cnonce="abc")
    for name, (old, new) in MALFORMED.items():
        assert old in good
        assert (await tried(phone, station, "REGISTER", good.replace(old, new))).status == 400, name
    assert station.engine.counters()["auth_failed"] == 0
    assert not has_reached_python(station)


async def test_S6_an_algorithm_that_was_not_offered(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    good = ALICE.answer(asked, "REGISTER", station.uri())
    for algorithm in ("SHA-512-256", "MD5-sess", "SHA-256-sess", "none"):
        proof = good.replace("algorithm=SHA-256", f"algorithm={algorithm}")
        assert not is_stale(await tried(phone, station, "REGISTER", proof))
    assert station.engine.counters()["auth_failed"] == 0


async def test_no_algorithm_is_md5(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    asked = await tried(phone, station, "REGISTER")
    proof = ALICE.answer(asked, "REGISTER", station.uri(), algorithm="MD5").replace(", algorithm=MD5", "")
    assert (await tried(phone, station, "REGISTER", proof)).status == 200


LIBERTIES = {
    "upper case in the count": ("nc=0000000a", "nc=0000000A"),
    "quotes around qop": ("qop=auth,", 'qop="AUTH",'),
    "lower case in the algorithm": ("SHA-256", "sha-256"),
}


async def test_liberties_of_phones(station: Station, phones: Phones) -> None:
    """The text is hashed as it stands."""
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice")
    for name, (old, new) in LIBERTIES.items():
        asked = await tried(phone, station, "REGISTER")
        good = ALICE.answer(asked, "REGISTER", station.uri(), cnonce="abc", count=10)
        changed = good.replace(old, new)
        right = digest_response(
            "SHA-256",
            ALICE.credential()[3],
            method="REGISTER",
            uri=station.uri(),
            nonce=challenges(asked)[0]["nonce"],
            count=digest.parameters(changed)["nc"],
            cnonce="abc",
        )
        changed = changed.replace(digest.parameters(good)["response"], right)
        assert changed != good
        assert (await tried(phone, station, "REGISTER", changed)).status == 200, name


async def test_a_uri_without_its_parameters(station: Station, phones: Phones) -> None:
    guard(station, ALICE)
    serve(station)
    phone = await phones("alice", transport="tcp")
    asked = await tried(phone, station, "REGISTER")
    proof = ALICE.answer(asked, "REGISTER", station.uri(transport="tcp").replace(";transport=tcp", ""))
    assert (await tried(phone, station, "REGISTER", proof)).status == 200


async def test_an_empty_response_asks_for_a_challenge(station: Station, phones: Phones) -> None:
    """Some clients send their name at once, without a nonce; it is no guess."""
    guard(station, ALICE)
    phone = await phones("alice")
    empty = f'Digest username="alice", realm="{REALM}", nonce="", uri="{station.uri()}", response=""'
    for _ in range(7):
        assert not is_stale(await tried(phone, station, "REGISTER", empty))
    assert station.engine.counters()["auth_failed"] == 0


async def test_authorizations_that_cannot_be_read(station: Station, phones: Phones) -> None:
    """The message is dropped or refused, and the next is read."""
    guard(station, ALICE)
    phone = await phones("alice")
    phone.behaviour.repeats = False
    for value in ("Basic YWxpY2U6eA==", "Bearer x", "Digest", "Digest =,=", 'Digest username="a'):
        before = station.engine.counters()["malformed"]
        try:
            answer = await phone.request("REGISTER", station.uri(), headers=[("Authorization", value)], timeout=0.3)
            assert answer.status in (400, 401)
        except NotInTime:
            assert station.engine.counters()["malformed"] == before + 1, value
        assert challenges(await tried(phone, station, "REGISTER"))
    assert not has_reached_python(station)
