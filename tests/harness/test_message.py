"""SIP messages and session descriptions from bytes to values and back."""

import pytest

from .message import Address, Headers, MessageError, MessageStream, Request, Response, Uri, Via, parse, split_list
from .sdp import DTMF, PCMA, PCMU, Codec, Sdp, narrowed

INVITE = (
    b"INVITE sip:bob@biloxi.example SIP/2.0\r\n"
    b"v: SIP/2.0/UDP one.example:5070;branch=z9hG4bK1;rport, SIP/2.0/TCP two.example;branch=z9hG4bK2\r\n"
    b"Max-Forwards: 70\r\n"
    b't: "Bob \\"B\\" Jones" <sip:bob@biloxi.example;user=phone>\r\n'
    b"f: Alice <sip:alice@atlanta.example>;tag=88\r\n"
    b"i: a84b\r\n"
    b"CSeq: 31 INVITE\r\n"
    b"Contact: <sip:alice@pc33>;expires=5, <sip:alice@pc34>\r\n"
    b"Subject: I know you're there,\r\n"
    b"  pick up\r\n"
    b"c: text/plain\r\n"
    b"l: 4\r\n"
    b"\r\n"
    b"body"
)


def test_a_request_with_compact_forms_lists_and_folding() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    assert (request.method, request.uri, request.cseq, request.call_id) == (
        "INVITE",
        "sip:bob@biloxi.example",
        31,
        "a84b",
    )
    assert request.to == Address("sip:bob@biloxi.example;user=phone", 'Bob "B" Jones')
    assert (request.from_.display, request.from_.tag, request.from_.user) == ("Alice", "88", "alice")
    assert request.via == Via("UDP", "one.example", 5070, {"branch": "z9hG4bK1", "rport": ""})
    assert len(request.headers.values("via")) == 2 and len(request.headers.lines("Via")) == 1
    assert [Address.parse(value).uri for value in request.headers.values("Contact")] == [
        "sip:alice@pc33",
        "sip:alice@pc34",
    ]
    assert request.headers["subject"] == "I know you're there, pick up"
    assert request.body == b"body"


def test_serialising_keeps_order_and_case_and_sets_the_length() -> None:
    request = parse(INVITE)
    request.body = b"longer body"
    again = parse(bytes(request))
    assert [name for name, _ in again.headers][:5] == ["v", "Max-Forwards", "t", "f", "i"]
    assert again.headers["Content-Length"] == "11" and again.body == b"longer body"


def test_a_response() -> None:
    text = INVITE.replace(b"INVITE sip:bob@biloxi.example SIP/2.0", b"SIP/2.0 183 Session Progress", 1)
    response = parse(text)
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.title) == (183, "Session Progress", "183 Session Progress")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"SIP/2.0\r\n", b"SIP/3.0\r\n", "start line"),
        (b"\r\n\r\n", b"\n\n", "no empty line"),
        (b"i: a84b\r\n", b"", "0 Call-ID"),
        (b"i: a84b\r\n", b"i: a84b\r\nCall-ID: b\r\n", "2 Call-ID"),
        (b"31 INVITE", b"31 BYE", "CSeq"),
        (b"31 INVITE", b"x INVITE", "CSeq"),
        (b"l: 4", b"l: 5", "Content-Length 5"),
        (b"l: 4", b"l: -1", "Content-Length '-1'"),
        (b"Max-Forwards: 70", b"Max-Forwards 70", "without a colon"),
        (b"Subject: I", b"Sub ject: I", "header name"),
        (b"Subject: I", b"Subject: \x00I", "control character"),
        (b"<sip:alice@atlanta.example>", b"<http://alice>", "URI"),
        (b"z9hG4bK1", b"old", "branch"),
        (b"c: text/plain\r\n", b"", "without Content-Type"),
        (b"Bob", b"\xff", "UTF-8"),
    ],
)
def test_each_broken_rule_is_named(old: bytes, new: bytes, fault: str) -> None:
    with pytest.raises(MessageError, match=fault):
        parse(INVITE.replace(old, new, 1))


def test_headers_replace_in_place_and_refuse_line_ends() -> None:
    headers = Headers([("Via", "1"), ("X-A", "2"), ("x-a", "3"), ("To", "4")])
    headers.set("X-A", "5")
    assert list(headers) == [("Via", "1"), ("X-A", "5"), ("To", "4")]
    with pytest.raises(MessageError):
        headers.add("X-B", "a\r\nX-Evil: b")


def test_split_list_respects_quotes_and_brackets() -> None:
    assert split_list('"a, b" <sip:x,y@z>;q=1, <sip:c>') == ['"a, b" <sip:x,y@z>;q=1', "<sip:c>"]


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@10.0.0.1:5070;transport=tcp",
        "sips:b.example",
        "sip:[::1]:5060",
        "tel:+15550001;phone-context=x",
        "sip:a@b?X=y",
    ],
)
def test_uris_survive(text: str) -> None:
    assert str(Uri.parse(text)) == text


@pytest.mark.parametrize("text", ["", "sip:", "sip:@host", "mailto:a@b", "sip:a@b:port", "sip:a@b c"])
def test_bad_uris(text: str) -> None:
    with pytest.raises(MessageError):
        Uri.parse(text)


def test_a_stream_is_cut_wherever_it_is_torn() -> None:
    data = b"\r\n\r\n" + INVITE + INVITE
    for size in (1, 7, 100, len(data)):
        stream, found = MessageStream(), []
        for start in range(0, len(data), size):
            found += stream.feed(data[start : start + size])
        assert found == [INVITE, INVITE] and stream.pings == 1


def test_a_stream_without_lengths_is_an_error() -> None:
    with pytest.raises(MessageError, match="Content-Length"):
        MessageStream().feed(INVITE.replace(b"l: 4\r\n", b""))


def test_an_sdp_offer_and_its_answer() -> None:
    offer = Sdp.parse(bytes(Sdp.offer("10.0.0.1", 4000, (PCMU, PCMA, DTMF), "sendonly")))
    assert (offer.address, offer.port, offer.direction, offer.held) == ("10.0.0.1", 4000, "sendonly", True)
    other_number = Codec(97, "telephone-event", 8000, "0-16")
    mine = Sdp.offer("10.0.0.2", 5000, (PCMA, other_number))
    answer = Sdp.parse(bytes(mine.answer_to(offer)))
    assert answer.codecs == (PCMA, DTMF), "the offer's payload numbers are used"
    assert (answer.direction, answer.port, answer.audio, answer.dtmf) == ("recvonly", 5000, PCMA, DTMF)


def test_an_answer_without_a_common_codec_refuses_the_stream() -> None:
    offer = Sdp.offer("10.0.0.1", 4000, (Codec(18, "G729"),))
    assert Sdp.offer("10.0.0.2", 5000).answer_to(offer).port == 0


def test_sdp_of_another_stack() -> None:
    text = (
        "v=0\r\no=- 3 4 IN IP4 h.example\r\ns=x\r\nt=0 0\r\na=sendrecv\r\n"
        "m=video 9 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nc=IN IP4 9.9.9.9\r\n"
        "m=audio 7000 RTP/AVP 0 8 120\r\nc=IN IP4 1.2.3.4\r\na=rtpmap:120 opus/48000/2\r\n"
        "a=rtcp:7005 IN IP4 1.2.3.4\r\n"
        "a=inactive\r\na=ptime:30\r\na=mid:0\r\n"
    )
    sdp = Sdp.parse(text.encode())
    assert (sdp.address, sdp.port, sdp.rtcp_port, sdp.ptime, sdp.direction) == ("1.2.3.4", 7000, 7005, 30, "inactive")
    assert [codec.name for codec in sdp.codecs] == ["PCMU", "PCMA", "opus"] and "mid:0" in sdp.extra


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=0", "v=1"),
        ("c=IN IP4 1.1.1.1\r\n", ""),
        ("t=0 0\r\n", ""),
        ("RTP/AVP 0", "RTP/AVP x"),
        ("m=audio", "m=text"),
        ("s=-", "s -"),
    ],
)
def test_broken_sdp(old: str, new: str) -> None:
    text = bytes(Sdp("1.1.1.1", 4000, (PCMU,))).decode()
    assert old in text
    with pytest.raises(MessageError):
        Sdp.parse(text.replace(old, new).encode())


def test_directions_narrow() -> None:
    assert [narrowed("sendrecv", d) for d in ("sendonly", "recvonly", "inactive")] == [
        "sendonly",
        "recvonly",
        "inactive",
    ]
    assert narrowed("sendonly", "recvonly") == "inactive"
