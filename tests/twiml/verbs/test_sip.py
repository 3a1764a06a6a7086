"""<Sip> (call-control reference §1.6, §7.3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import MachinePlan, SipTarget, StatusCallback
from callwright.media.machine import Thresholds
from callwright.twiml.verbs import Dial
from callwright.twiml.verbs.sip import ATTRIBUTES, HEADER_NAME, HEADER_VALUE, URI_ATTRIBUTES, Alternative, Sip
from tests.twiml.playbook import codes, document
from tests.twiml.verbs.tables import Row, Table
from tests.twiml.verbs.test_number import DETECTION

URI = "sip:bob@pbx.example"


def party(verb: Any) -> Sip:
    assert isinstance(verb, Dial)
    (noun,) = verb.parties
    assert isinstance(noun, Sip)
    return noun


def target(verb: Any) -> SipTarget:
    (one,) = party(verb).alternatives
    return one.target


def unused(verb: Any) -> object:
    """What has no effect here leaves the party as it is."""
    assert target(verb).uri == URI
    return None


TABLE = Table(
    lambda attributes: f"<Dial><Sip {attributes}>{URI}</Sip></Dial>",
    [
        # url | document for the callee | none
        Row("url", lambda verb: target(verb).screening, {"/w": Hook("http://app.example/w"), "": None}, None),
        # method | GET, POST | POST | 13241
        Row("method", unused, {"GET": None, "POST": None}, None, ["PUT"], 13241),
        Row(
            "statusCallback",
            lambda verb: target(verb).callback,
            {"/s": StatusCallback(Hook("http://app.example/s")), "": None},
            None,
            ["ftp://x/"],
            11100,
        ),
        Row("statusCallbackMethod", lambda verb: target(verb).callback, {"GET": None}, None, ["PUT"]),
        Row("statusCallbackEvent", lambda verb: target(verb).callback, {"ringing": None}, None, ["busy", ""]),
        Row(
            "machineDetection",
            lambda verb: target(verb).machine,
            {"Enable": MachinePlan(Thresholds()), "DetectMessageEnd": MachinePlan(Thresholds(to_end=True))},
            None,
            ["Maybe"],
        ),
        *[replace(row, of=unused) for row in DETECTION[1:]],
        # sendDigits | 0-9 * # w W, after the answer | none | 13242
        Row("sendDigits", lambda verb: target(verb).send_digits, {"1w2W#": "1w2W#", "": ""}, "", ["1-2", "x"], 13242),
        # a name without a password (and the other way round) is no login: 13249
        Row("username", lambda verb: target(verb).username, {"": ""}, "", ["alice", "a" * 256], 13249),
        Row("password", lambda verb: target(verb).password, {"": ""}, "", ["secret"], 13249),
    ],
)


@pytest.mark.parametrize(("row", "written", "value"), TABLE.good())
def test_good_values(row: Row, written: str, value: object) -> None:
    TABLE.check_good(row, written, value)


@pytest.mark.parametrize(("row", "written"), TABLE.bad())
def test_bad_values(row: Row, written: str) -> None:
    TABLE.check_bad(row, written)


def test_the_table_is_complete() -> None:
    TABLE.check_defaults()
    TABLE.check_complete(
        ATTRIBUTES,
        "username password url method statusCallbackEvent statusCallback statusCallbackMethod machineDetection "
        "amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold "
        "machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout sendDigits",
    )
    assert [attribute.name for attribute in URI_ATTRIBUTES] == ["priority", "weight", "username", "password"]
    assert [HEADER_NAME.name, HEADER_VALUE.name] == ["name", "value"]


def sip(inner: str, attributes: str = "") -> tuple[Sequence[SipTarget], list[int]]:
    """The targets of a lone <Sip>, and the codes that were warned about."""
    parsed = document(f"<Dial><Sip {attributes}>{inner}</Sip></Dial>")
    (dial,) = parsed.verbs
    assert isinstance(dial, Dial)
    parties = [party for party in dial.parties if isinstance(party, Sip)]
    return [one.target for party in parties for one in party.alternatives], codes(parsed)


def test_credentials() -> None:
    (found,), warned = sip(URI, "username='alice' password='wonder land'")
    assert (found.username, found.password, warned) == ("alice", "wonder land", [])


@pytest.mark.parametrize("attributes", ["username='a&#10;b' password='x'", "username='a' password='x&#13;y'"])
def test_credentials_with_control_characters_are_dropped(attributes: str) -> None:
    (found,), warned = sip(URI, attributes)
    assert (found.username, found.password) == ("", "")
    assert warned == [13249, 13249]


def test_headers_of_the_uri() -> None:
    (found,), warned = sip(f"{URI};transport=tcp?X-A=1%202&amp;User-to-User=u")
    assert found == SipTarget(f"{URI};transport=tcp", headers=(("X-A", "1 2"), ("User-to-User", "u")))
    assert warned == []


@pytest.mark.parametrize(
    ("query", "code"),
    [("Via=x", 13252), ("X-=1", 13252), ("X%0D%0A=1", 13252), ("X-A=%0D%0AVia:x", 13253), ("X-A=%00", 13253)],
)
def test_bad_headers_of_the_uri_are_dropped(query: str, code: int) -> None:
    (found,), warned = sip(f"{URI}?X-Good=1&amp;{query}")
    assert found.headers == (("X-Good", "1"),)
    assert warned == [code]


def test_headers_as_children() -> None:
    (found,), warned = sip(
        f"<Uri>{URI}?X-Own=1</Uri><Headers><Header name='X-A' value=' b '/><Header name='From' value='x'/>"
        "<Header name='X-C' value='a&#10;b'/><Header value='x'/><Other/></Headers>"
    )
    assert found.headers == (("X-Own", "1"), ("X-A", "b"))
    assert sorted(warned) == [12200, 13252, 13252, 13253]


def test_headers_are_bounded() -> None:
    (found,), warned = sip(f"{URI}?X-A={'a' * 500}&amp;X-B={'b' * 517}")
    assert [name for name, _ in found.headers] == ["X-A", "X-B"]
    assert warned == []
    (found,), warned = sip(f"{URI}?X-A={'a' * 500}&amp;X-B={'b' * 518}&amp;X-C=c")
    assert [name for name, _ in found.headers] == ["X-A"]
    assert warned == [13251]


@pytest.mark.parametrize("inner", ["", "bob", "tel:+1", "sip:bob@pbx.example;transport=ws", "<Uri/>", "<Uri>bob</Uri>"])
def test_what_is_no_uri_is_not_dialled(inner: str) -> None:
    assert sip(inner) == ([], [13243])


def test_several_uris() -> None:
    found, warned = sip(
        "<Uri username='u' password='p' weight='5'>sip:a@pbx.example</Uri><Uri priority='1'>sip:b@pbx.example</Uri>"
        "<Uri>nonsense</Uri>",
        "username='shared' password='secret'",
    )
    assert [(one.uri, one.username, one.password) for one in found] == [
        ("sip:a@pbx.example", "u", "p"),
        ("sip:b@pbx.example", "shared", "secret"),
    ]
    assert warned == [13243]


def test_ten_uris_and_no_more() -> None:
    found, warned = sip("".join(f"<Uri>sip:u{number}@pbx.example</Uri>" for number in range(11)))
    assert [one.uri for one in found] == [f"sip:u{number}@pbx.example" for number in range(10)]
    assert warned == [13250]


@pytest.mark.parametrize(
    ("attributes", "code"), [("priority='x'", 12200), ("priority='65536'", 12200), ("weight='-1'", 12200)]
)
def test_bad_weights(attributes: str, code: int) -> None:
    found, warned = sip(f"<Uri {attributes}>{URI}</Uri>")
    assert [one.uri for one in found] == [URI]
    assert warned == [code]


def test_a_callee_that_must_accept_and_cannot_be_asked_is_not_dialled() -> None:
    assert sip(URI, "url='ftp://x/'") == ([], [11100])


def test_each_uri_is_asked() -> None:
    found, warned = sip(f"<Uri>{URI}</Uri><Uri>sip:b@pbx.example</Uri>", "url='/w' method='GET'")
    assert [one.screening for one in found] == [Hook("http://app.example/w", "GET")] * 2
    assert warned == []


def alternatives(*weights: tuple[str, int, int]) -> Sip:
    return Sip(tuple(Alternative(SipTarget(uri), priority, weight) for uri, priority, weight in weights))


def test_low_priorities_come_first() -> None:
    noun = alternatives(("c", 3, 1), ("a", 1, 1), ("b", 2, 1))
    assert [one.uri for one in noun.ordered(lambda: 0.0)] == ["a", "b", "c"]


@pytest.mark.parametrize(("draw", "first"), [(0.0, "a"), (0.24, "a"), (0.25, "b"), (0.99, "b")])
def test_weight_is_the_share_of_being_first(draw: float, first: str) -> None:
    noun = alternatives(("a", 1, 1), ("b", 1, 3), ("z", 2, 100))
    order = [one.uri for one in noun.ordered(lambda: draw)]
    assert order[0] == first
    assert sorted(order) == ["a", "b", "z"]
    assert order[-1] == "z"


def test_weights_of_nothing() -> None:
    order = [one.uri for one in alternatives(("a", 1, 0), ("b", 1, 0)).ordered(lambda: 0.5)]
    assert sorted(order) == ["a", "b"]
