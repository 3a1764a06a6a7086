"""A table of REGISTERs and what becomes of the bindings (RFC 3261 §10.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from callwright.sip.binding import Binding
from callwright.sip.registration import LONGEST_PATH, Refusal, Terms, addressed, updated
from callwright.sip.users import User, Users
from tests.sip.registering import ALICE, NOON, USERS, Answers, user
from tests.sip.test_domains import Hosting

TERMS = Terms(60, 3600, 1800)
HOME, OFFICE = "<sip:alice@10.0.0.5:5062>", "<sip:alice@10.0.0.6:5062;transport=tcp>"
NEVER_LESS = 0.0


def bound(contact: str, id_: str, *, cseq: int = 5, call_id: str = "registration-1", **facts: object) -> Binding:
    made = Binding(
        ALICE.aor, id_, contact.strip("<>"), call_id, cseq, NOON + timedelta(seconds=100), "192.0.2.7", 5062, "UDP"
    )
    return replace(made, **facts)  # type: ignore[arg-type]  # the test's business


TWO = (bound(HOME, "home"), bound(OFFICE, "office"))


def after(
    bindings: Sequence[Binding],
    *contacts: str,
    draw: float = NEVER_LESS,
    most: int = 0,
    dead: Sequence[str] = (),
    **facts: object,
) -> object:
    """The bindings as {id or URI: seconds left}, or in order when `most` bounds them; or the code of a refusal."""
    request = Answers().register(*contacts, **facts)  # type: ignore[arg-type]  # the test's business
    whose = user(max_contacts=most) if most else ALICE
    found = updated(request, whose, bindings, TERMS, now=NOON, draw=lambda: draw, dead=dead)
    if isinstance(found, Refusal):
        return found.code
    known = {binding.id for binding in bindings}
    if most:
        return [one.id if one.id in known else one.uri for one in found]
    return {one.id if one.id in known else one.uri: round((one.expires_at - NOON).total_seconds()) for one in found}


@pytest.mark.parametrize(
    ("contacts", "facts", "result"),
    [
        ([], {}, {"home": 100, "office": 100}),
        ([HOME], {"cseq": 6}, {"office": 100, "home": 1800}),
        ([HOME], {"cseq": 6, "expires": 600}, {"office": 100, "home": 600}),
        ([f"{HOME};expires=90"], {"cseq": 6, "expires": 600}, {"office": 100, "home": 90}),
        ([f"{HOME};expires=9999"], {"cseq": 6}, {"office": 100, "home": 3600}),
        ([f"{HOME};expires=x"], {"cseq": 6}, {"office": 100, "home": 3600}),
        ([HOME], {"cseq": 6, "expires": 0}, {"office": 100}),
        ([f"{HOME};expires=0, {OFFICE}"], {"cseq": 6, "expires": 70}, {"office": 70}),
        (["<sip:alice@h>"], {"cseq": 6, "expires": 70}, {"home": 100, "office": 100, "sip:alice@h": 70}),
        (["<sip:alice@h>;expires=0"], {"cseq": 6}, {"home": 100, "office": 100}),
        (["*"], {"cseq": 6, "expires": 0}, {}),
        ([HOME], {"cseq": 59, "call_id": "a restarted phone's"}, {"office": 100, "home": 1800}),
        ([HOME], {"cseq": 1, "call_id": "a restarted phone's"}, {"office": 100, "home": 1800}),
        # RFC 3261 §10.2.1.1: what cannot be read is an hour
        ([HOME], {"cseq": 6, "headers": [("Expires", "abc")]}, {"office": 100, "home": 3600}),
        ([f"{HOME};expires=90"], {"cseq": 6, "headers": [("Expires", "-1")]}, {"office": 100, "home": 90}),
        # refused, with nothing changed
        (["*;expires=0"], {"cseq": 6}, 400),
        (["*"], {"cseq": 6, "headers": [("Expires", "-1")]}, 400),
        *(
            ([HOME], {"cseq": 6, "headers": [("Path", path)]}, 400)
            for path in ("garbage", "<sip:p;lr>, <tel:+1>", "<sip:p;lr", '"a<sip:p>', "<sip:p> x", "sip:p;lr")
        ),
        (["*"], {"cseq": 6, "expires": 10}, 400),
        (["*"], {"cseq": 6}, 400),
        ([f"*, {HOME}"], {"cseq": 6, "expires": 0}, 400),
        (["<sip:alice@h"], {"cseq": 6}, 400),
        ([HOME], {"cseq": 6, "headers": [("Path", "<sip:p;lr>" * 200)]}, 400),
        ([HOME], {"cseq": 6, "expires": 59}, 423),
        ([OFFICE, f"{HOME};expires=1"], {"cseq": 6}, 423),
        ([HOME], {"cseq": 5}, 500),
        ([f"{HOME};expires=0"], {"cseq": 4}, 500),
        (["*"], {"cseq": 5, "expires": 0}, 500),
        ([", ".join(f"<sip:alice@h{n}>" for n in range(9))], {"call_id": "another phone's", "host": "192.0.2.8"}, 403),
        ([", ".join(f"<sip:alice@h{n}>" for n in range(11))], {"cseq": 6}, 403),
    ],
)
def test_bindings_after(contacts: list[str], facts: dict[str, object], result: object) -> None:
    assert len("<sip:p;lr>" * 200) > LONGEST_PATH
    assert after(TWO, *contacts, **facts) == result


def test_a_flow_replaces_itself_and_no_other() -> None:
    """RFC 5626 §6: a phone whose address has changed is not there twice."""
    flow = ';+sip.instance="<urn:uuid:1>";reg-id='
    first = bound("<sip:alice@10.0.0.5:1>", "flow", instance="urn:uuid:1", reg_id=1)
    assert after([first], f"<sip:alice@10.0.0.5:2>{flow}1", cseq=6) == {"flow": 1800}
    assert after([first], f"<sip:alice@10.0.0.5:2>{flow}2", cseq=6) == {"flow": 100, "sip:alice@10.0.0.5:2": 1800}


def test_one_flow_at_a_time() -> None:
    """RFC 5626 §6; and a reg-id without an instance says nothing."""
    one, two = (f'<sip:alice@10.0.0.5:{n}>;+sip.instance="<urn:uuid:1>";reg-id={n}' for n in (1, 2))
    assert after((), one, two) == 400
    assert after((), one, "<sip:alice@h>", most=9) == ["sip:alice@10.0.0.5:1", "sip:alice@h"]
    first = bound("<sip:alice@h:1>", "first")
    assert after([first], "<sip:alice@h:2>;reg-id=1", "<sip:alice@h:3>;reg-id=2", cseq=6, most=9) == [
        "first",
        "sip:alice@h:2",
        "sip:alice@h:3",
    ]
    request = Answers().register("<sip:alice@h:2>;reg-id=1")
    (binding,) = updated(request, ALICE, (), TERMS, now=NOON, draw=lambda: 0)  # type: ignore[misc]  # it is not refused
    assert isinstance(binding, Binding) and binding.reg_id == 0


@pytest.mark.parametrize(
    "path",
    ["<sip:p;lr>", "<sips:p.example:5061;lr;ob>, <sip:p2;lr>", '"A, b" <sip:p;lr>', "Edge 1 <sip:[::1]:5060;lr>;a=b"],
)
def test_paths(path: str) -> None:
    found = updated(Answers().register(HOME, headers=[("Path", path)]), ALICE, (), TERMS, now=NOON, draw=lambda: 0)
    assert isinstance(found, tuple) and found[0].path == (path,)


def test_a_new_connection_replaces_the_old_one() -> None:
    """But two Contacts of one connection stay two."""
    old = bound("<sip:alice@10.0.0.5:1;transport=tcp>", "old", transport="TCP", port=1)
    both = ["<sip:alice@10.0.0.5:2;transport=tcp>", "<sips:alice@10.0.0.5:3>"]
    assert after([old], *both, cseq=6, transport="TCP", port=2, expires=70) == {"old": 70, "sips:alice@10.0.0.5:3": 70}


def test_423_says_what_is_enough() -> None:
    found = updated(Answers().register(HOME, expires=5), ALICE, (), TERMS, now=NOON, draw=lambda: 0)
    assert isinstance(found, Refusal) and found.headers == [("Min-Expires", "60")]


def test_most_contacts_do_not_stop_a_refresh() -> None:
    """Also when the limit has been lowered meanwhile."""
    narrow = user(max_contacts=1)
    refreshed = updated(Answers().register(HOME, cseq=6), narrow, TWO, TERMS, now=NOON, draw=lambda: 0)
    assert not isinstance(refreshed, Refusal) and len(refreshed) == 2
    other = Answers().register("<sip:a@h>", call_id="2", host="192.0.2.8")
    further = updated(other, narrow, TWO[:1], TERMS, now=NOON, draw=lambda: 0)
    assert isinstance(further, Refusal) and (further.code, further.reason) == (403, "Too Many Contacts")


@pytest.mark.parametrize(
    ("contact", "facts", "left"),
    [
        ("<sip:a@h>", {}, ["young", "sip:a@h"]),
        ('<sip:a@h>;+sip.instance="<urn:uuid:1>"', {"call_id": "after a restart"}, ["young", "sip:a@h"]),
        # it has lost all that it was known by, but for where it is and what it is
        ("<sip:a@h>", {"call_id": "another", "headers": [("User-Agent", "Desk 1")]}, ["young", "sip:a@h"]),
        ("<sip:a@h>", {"call_id": "another", "headers": [("User-Agent", "Mobile 1")]}, 403),
        ("<sip:a@h>", {"call_id": "another", "headers": [("User-Agent", "Desk 1")], "host": "192.0.2.8"}, 403),
    ],
)
def test_a_phone_is_not_shut_out_by_its_own_past(contact: str, facts: dict[str, object], left: object) -> None:
    """One that names another port each time it connects: what it has registered first makes room, although chance has
    given that the longer time."""
    more = {"instance": "urn:uuid:1", "user_agent": "Desk 1"}
    old = bound("<sip:alice@10.0.0.5:1>", "old", expires_at=NOON + timedelta(seconds=200), **more)
    young = bound("<sip:alice@10.0.0.5:2>", "young", **more)
    assert after((old, young), contact, most=2, **{"cseq": 6, **facts}) == left


@pytest.mark.parametrize(("dead", "gone"), [((), "own"), (("other",), "other"), (("other", "mine"), "mine")])
def test_what_leads_nowhere_makes_room_first(dead: Sequence[str], gone: str) -> None:
    """Whoever's it is: before what the phone itself has left behind."""
    three = [bound("<sip:alice@h:1>", "mine", call_id="1"), bound("<sip:alice@h:2>", "own")]
    three.append(bound("<sip:alice@h:3>", "other", call_id="3", host="192.0.2.99"))
    found = after(three, "<sip:a@h>", cseq=6, most=3, dead=dead)
    assert found == [one.id for one in three if one.id != gone] + ["sip:a@h"]


def test_it_remembers_the_way_back() -> None:
    """The source, not the Contact; and the proxies on the way."""
    path = [("Path", "<sip:p2.example;lr>"), ("Path", "<sip:p1.example;lr>")]
    agent = [("User-Agent", "x" * 500)]
    request = Answers().register(HOME, host="203.0.113.9", port=40000, transport="TCP", headers=[*path, *agent])
    found = updated(request, ALICE, (), TERMS, now=NOON, draw=lambda: 0)
    assert isinstance(found, tuple)
    assert (found[0].hop, found[0].uri) == ("sip:203.0.113.9:40000;transport=tcp", "sip:alice@10.0.0.5:5062")
    assert found[0].path == ("<sip:p2.example;lr>", "<sip:p1.example;lr>")
    assert len(found[0].user_agent) == 128


@pytest.mark.parametrize(
    ("wanted", "draw", "granted"),
    [(3600, 0.0, 3600), (3600, 1.0, 3240), (7200, 0.5, 3420), (60, 1.0, 60), (64, 1.0, 60), (100, 1.0, 90)],
)
def test_granted(wanted: int, draw: float, granted: int) -> None:
    assert TERMS.granted(wanted, lambda: draw) == granted


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"to": "sip:alice@other.example"}, 404),
        ({"to": "sip:alice@pbx.example:5099"}, 404),
        ({"to": "sip:bob@pbx.example"}, 403),
        ({"name": "nobody"}, 403),
        ({"name": "", "to": "sip:alice@pbx.example"}, 403),
        ({"headers": [("Require", "path, tcp-crlf")]}, 420),
        ({"registrar": "sip:other.example"}, 404),
        ({"registrar": "sip:alice@other.example:5060"}, 404),
    ],
)
def test_not_his(facts: dict[str, object], code: int) -> None:
    found = addressed(Answers().register(**facts), USERS)  # type: ignore[arg-type]  # the test's business
    assert isinstance(found, Refusal) and found.code == code


def test_his() -> None:
    for to in ("sip:alice@pbx.example", "sip:alice@PBX.example:5060"):
        assert addressed(Answers().register(to=to, headers=[("Require", "path, gruu")]), USERS) == ALICE
    for registrar in ("sip:PBX.example:5099;transport=tcp", "sip:192.0.2.1", "sips:[2001:db8::1]:5061"):
        assert addressed(Answers().register(registrar=registrar), USERS) == ALICE
    assert isinstance(addressed(Answers().register(), Users([])), Refusal)


def test_a_user_of_a_domain_of_the_api() -> None:
    """His realm is that of all credential lists, not his domain."""
    one = Hosting()
    one.domain("office.example", registers=one.credentials(("zoe", "z")))
    users = Users([ALICE])
    users.host(one.domains)
    ask = Answers().register
    zoe = addressed(ask(HOME, name="zoe", to="sip:zoe@office.example"), users)
    assert isinstance(zoe, User) and zoe.aor == "zoe@office.example"
    office = "sip:{}@office.example".format
    for name, to in (("alice", office("zoe")), ("zoe", "sip:alice@pbx.example"), ("zoe", office("x"))):
        refusal = addressed(ask(HOME, name=name, to=to), users)
        assert isinstance(refusal, Refusal) and refusal.code == 403
