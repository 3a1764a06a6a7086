"""Message summaries as they are published, and as they are told."""

import pytest

from callwright.sip.events.summary import (
    MOST_BYTES,
    VOICE,
    Counts,
    Summary,
    document,
    is_account,
    parse,
    together,
)

WHOLE = (
    b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example\r\nVoice-Message: 4/8 (1/2)\r\n"
    b"Fax-Message: 2/0\r\n\r\nTo: <alice@vmail.example>\r\nMessage-ID: 3@vmail.example\r\n"
)


def test_a_whole_one() -> None:
    """The headers of single messages are nobody's business but the mailbox's."""
    assert parse(WHOLE) == Summary(
        True, "sip:alice@vmail.example", {VOICE: Counts(4, 8, 1, 2), "Fax-Message": Counts(2, 0)}
    )


def test_as_phones_and_servers_spell_it() -> None:
    found = parse(b"messages-waiting : No\nX-Vendor: a: b\nVOICE-MESSAGE:0 / 12( 0/1 )\nNone: 0/0\n")
    assert found == Summary(False, "", {VOICE: Counts(0, 12, 0, 1)})
    assert parse(b"Messages-Waiting: yes") == Summary(True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no header field"),
        (b"<xml/>", "no header field"),
        (b"Voice-Message: 1/0\r\n", "does not begin"),
        (b"Messages-Waiting: 3\r\n", "does not begin"),
        (b"Messages-Waiting: yes\r\nVoice-Message: many\r\n", "NEW/OLD"),
        (b"Messages-Waiting: yes\r\nVoice-Message: -1/0\r\n", "NEW/OLD"),
        (b"Messages-Waiting: yes\r\nVoice-Message: 10000000/0\r\n", "NEW/OLD"),
        (b"Messages-Waiting: yes\r\nVoice-Message: 1/0 (2/0)\r\n", "urgent"),
        (b"Messages-Waiting: yes\r\nVoice-Message: 1/0\r\nvoice-message: 1/0\r\n", "twice"),
        (b"Messages-Waiting: yes\r\nMessage-Account: <sip:a@b>\r\n", "no URI"),
        (b"Messages-Waiting: yes\r\nMessage-Account: alice\r\n", "no URI"),
        (b"Messages-Waiting: yes\r\n\xff", "UTF-8"),
        (b"Messages-Waiting: yes\r\n" + b"x" * MOST_BYTES, "bytes"),
    ],
)
def test_what_is_none(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(body)


def test_what_is_told() -> None:
    """Lines in their order, voice always, where it is not known how many nothing that looks like none."""
    found = document("sip:alice@pbx.example", parse(WHOLE))
    assert found.content_type == "application/simple-message-summary"
    assert found.text == (
        "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example\r\n"
        "Voice-Message: 4/8 (1/2)\r\nFax-Message: 2/0 (0/0)\r\n"
    )
    assert parse(found.text.encode()) == parse(WHOLE)
    nothing = document("sip:alice@pbx.example", Summary())
    assert nothing.text == (
        "Messages-Waiting: no\r\nMessage-Account: sip:alice@pbx.example\r\nVoice-Message: 0/0 (0/0)\r\n"
    )
    only_a_lamp = document("sip:alice@pbx.example", Summary(True))
    assert only_a_lamp.text == "Messages-Waiting: yes\r\nMessage-Account: sip:alice@pbx.example\r\n"


def test_several_sources() -> None:
    fax = Summary(True, "tel:+4930", {"Fax-Message": Counts(1)})
    voice = [Summary.of_voice(Counts(0, 3, 0, 1)), Summary.of_voice(Counts(2, 1))]
    assert together([*voice, fax]) == Summary(True, "tel:+4930", {VOICE: Counts(2, 4, 0, 1), "Fax-Message": Counts(1)})
    assert together([]) == Summary()
    assert not together(voice[:1]).waiting


def test_accounts() -> None:
    assert all(map(is_account, ("sip:*97@pbx.example", "tel:+4930123", "https://vm.example/?a=b")))
    assert not any(map(is_account, ("", "97", "sip:a\r\nX: y", "sip:<a>", "sip:" + "x" * 201)))
