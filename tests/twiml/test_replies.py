"""Documents that answer a text message."""

import pytest
from twilio.twiml.messaging_response import MessagingResponse

from callwright.calls.application import Hook
from callwright.errors import DocumentError
from callwright.twiml.replies import MOST, MOST_MEDIA, Replies, Reply, parse

URL = "http://app.example/text"


def read(body: str, content_type: str = "text/xml") -> Replies:
    return parse(body.encode(), content_type, URL)


def replies(verbs: str) -> tuple[tuple[Reply, ...], list[int]]:
    """The replies of a document, and the codes that were warned about."""
    found = read(f"<Response>{verbs}</Response>")
    return found.messages, [warning.code for warning in found.warnings]


@pytest.mark.parametrize(
    ("verbs", "reply"),
    [
        ("<Message>Hello &amp; you</Message>", Reply("Hello & you")),
        ("<Sms>Hello</Sms>", Reply("Hello")),
        ("<Message><Body>Hello</Body></Message>", Reply("Hello")),
        ("<Message><Body>One</Body><Body>Two</Body></Message>", Reply("One\nTwo")),
        ("<Message><Media>/a.png</Media></Message>", Reply("", media=("http://app.example/a.png",))),
        ("<Message to='+15551' from='sip:bob@pbx.example'>x</Message>", Reply("x", "+15551", "sip:bob@pbx.example")),
        ("<Message statusCallback='/s' action='/a'>x</Message>", Reply("x", callback=Hook("http://app.example/s"))),
        ("<Message action='/a' method='GET'>x</Message>", Reply("x", callback=Hook("http://app.example/a", "GET"))),
    ],
)
def test_a_reply(verbs: str, reply: Reply) -> None:
    assert replies(verbs) == ((reply,), [])


@pytest.mark.parametrize(
    ("verbs", "code"),
    [
        ("<Message/>", 14103),
        (f"<Message>{'x' * 1601}</Message>", 14103),
        ("<Message to='??'>x</Message>", 14101),
        ("<Message from=''>x</Message>", 14102),
        ("<Say>x</Say>", 12200),
        ("text", 12200),
    ],
)
def test_what_is_not_sent(verbs: str, code: int) -> None:
    assert replies(verbs) == ((), [code])


def test_what_is_sent_all_the_same() -> None:
    assert replies("<Message statusCallback='ftp://x/'>x</Message>") == ((Reply("x"),), [14105])
    assert replies("<Message><Media>ftp://x/</Media><Body>x</Body></Message>") == ((Reply("x"),), [11100])
    assert replies("<Message><Video/>x</Message>")[1] == [12200]


def test_bounds() -> None:
    found, warned = replies("<Message>x</Message>" * (MOST + 1))
    assert (len(found), warned) == (MOST, [12200])
    (one,), warned = replies(f"<Message>{'<Media>/a</Media>' * (MOST_MEDIA + 1)}</Message>")
    assert (len(one.media), warned) == (MOST_MEDIA, [12200])


def test_a_redirect_ends_a_document() -> None:
    found = read("<Response><Message>x</Message><Redirect method='GET'>/next</Redirect><Message>y</Message></Response>")
    assert found == Replies((Reply("x"),), Hook("http://app.example/next", "GET"))
    assert read("<Response><Redirect/></Response>").redirect == Hook(URL)


@pytest.mark.parametrize("content_type", ["", "text/xml", "application/json", "text/plain"])
def test_nothing_is_no_reply(content_type: str) -> None:
    assert read(" \n", content_type) == Replies()
    assert read("<Response/>") == Replies()


def test_plain_text() -> None:
    assert read(" Hello\n", "text/plain; charset=utf-8") == Replies((Reply("Hello"),))
    assert read("One\nTwo\x00", "text/plain") == Replies((Reply("One\nTwo"),))
    assert read("\ufeff\x00", "text/plain") == Replies()
    assert read("<Response><Message>x</Message></Response>", "text/plain").messages == (Reply("x"),)
    assert [warning.code for warning in read("x" * 1601, "text/plain").warnings] == [14103]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("ok", "text/html", 12100),
        ("<Answer/>", "text/xml", 12102),
        ("{}", "application/json", 12300),
        ("x" * 70_000, "text/plain", 11750),
    ],
)
def test_what_is_no_document(body: str, content_type: str, code: int) -> None:
    with pytest.raises(DocumentError) as refused:
        read(body, content_type)
    assert refused.value.code == code


def test_what_the_sdk_makes() -> None:
    made = MessagingResponse()
    made.message("One", to="+15551", from_="+15552", action="/a", method="GET")
    two = made.message(status_callback="/s")
    two.body("Two & more")
    two.media("https://app.example/b.png")
    made.redirect("/next", method="POST")
    assert read(str(made), "text/html; charset=utf-8") == Replies(
        (
            Reply("One", "+15551", "+15552", Hook("http://app.example/a", "GET")),
            Reply("Two & more", callback=Hook("http://app.example/s"), media=("https://app.example/b.png",)),
        ),
        Hook("http://app.example/next"),
    )
