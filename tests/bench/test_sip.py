"""Messages of the dialler, there and back."""

import pytest

from bench.sip import answer_to, compose, description, parse

INVITE = compose(
    "INVITE sip:echo@127.0.0.1 SIP/2.0",
    [
        ("Via", "SIP/2.0/UDP 127.0.0.2;branch=z9hG4bK2"),
        ("v", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1"),
        ("Record-Route", "<sip:127.0.0.2;lr>"),
        ("f", "<sip:a@127.0.0.1>;tag=1"),
        ("To", "<sip:echo@127.0.0.1>"),
        ("i", "abc"),
        ("CSeq", "7 INVITE"),
        ("Contact", '"a" <sip:a@127.0.0.1:5070;x=y>'),
    ],
    description("127.0.0.3", 4000),
)


def test_a_request_is_read() -> None:
    message = parse(INVITE)
    assert (message.method, message.status, message.call_id) == ("INVITE", 0, "abc")
    assert message.headers["from"] == "<sip:a@127.0.0.1>;tag=1"
    assert message.contact == "sip:a@127.0.0.1:5070;x=y"
    assert message.media == "127.0.0.3:4000"
    assert len(message.vias) == 2


def test_an_answer_goes_back_the_same_way() -> None:
    answer = parse(answer_to(parse(INVITE), "200 OK", "tag2", "<sip:b@127.0.0.1>", description("127.0.0.3", 4002)))
    assert (answer.method, answer.status) == ("INVITE", 200)
    assert answer.vias == parse(INVITE).vias
    assert answer.routes == ["<sip:127.0.0.2;lr>"]
    assert answer.headers["to"] == "<sip:echo@127.0.0.1>;tag=tag2"
    assert answer.media == "127.0.0.3:4002"


def test_a_tag_is_not_added_twice() -> None:
    invite = parse(INVITE.replace(b"To: <sip:echo@127.0.0.1>", b"To: <sip:echo@127.0.0.1>;tag=mine"))
    assert parse(answer_to(invite, "200 OK", "other", "<sip:b@127.0.0.1>")).headers["to"].endswith(";tag=mine")


def test_without_a_description_there_is_no_media() -> None:
    assert parse(compose("BYE sip:a@127.0.0.1 SIP/2.0", [("CSeq", "1 BYE")])).media == ""


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="no header"):
        parse(b"INVITE sip:a@b SIP/2.0\r\nnonsense\r\n\r\n")
