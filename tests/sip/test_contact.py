"""The Contact header field, from bytes to values and back out of comparison."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callwright.sip.contact import LONGEST_URI, MOST, Contact, parse, same_place, split

INSTANCE = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("<sip:alice@192.0.2.7:5062>", Contact("sip:alice@192.0.2.7:5062")),
        ("sip:alice@192.0.2.7;expires=60", Contact("sip:alice@192.0.2.7", 60)),
        ("<sip:alice@192.0.2.7;transport=tcp>;q=0.5", Contact("sip:alice@192.0.2.7;transport=tcp", None, "0.5")),
        ('"A, \\"the\\" <first>" <sip:a@h>;expires=5', Contact("sip:a@h", 5)),
        ("Alice Cooper <sips:a@[2001:db8::1]:5061> ; Expires = 7", Contact("sips:a@[2001:db8::1]:5061", 7)),
        ("<sip:h>", Contact("sip:h")),
        ("<sip:a,b@h>", Contact("sip:a,b@h")),
        ("<sip:a@h>;expires=soon", Contact("sip:a@h", 3600)),
        ("<sip:a@h>;expires=99999999999", Contact("sip:a@h", 2**32 - 1)),
        (f'<sip:a@h>;+sip.instance="<{INSTANCE}>";reg-id=2', Contact("sip:a@h", None, "", INSTANCE, 2)),
        ('<sip:a@h>;methods="INVITE, BYE";ob;audio', Contact("sip:a@h")),
    ],
)
def test_one(text: str, contact: Contact) -> None:
    assert parse([text]) == [contact]


def test_several_in_a_line_and_in_lines() -> None:
    found = parse(['"a,b" <sip:a@h>;expires=1, sip:b@h', "<sip:c@h>"])
    assert found is not None and [one.uri for one in found] == ["sip:a@h", "sip:b@h", "sip:c@h"]
    assert parse([]) == []
    assert parse([" * "]) is None


@pytest.mark.parametrize(
    "text",
    [
        "*, <sip:a@h>",
        "<sip:a@h",
        '"a <sip:a@h>',
        "<tel:+1555>",
        "<sip:>",
        "<sip:a@h?Route=sip:evil>",
        "<sip:a\t@h>",
        "<sip:a@h;x=\x00>",
        "<sip:a@b@h>",
        "<sip:\u00fc@h>",
        "<sip:a@h> behind",
        "<sip:a@h>;q=2",
        "<sip:a@h>;q=high",
        "<sip:a@h>;=x",
        "<sip:a@h>;reg-id=x",
        "<sip:a@h>;+sip.instance=bare",
        '<sip:a@h>;+sip.instance="<a>\\">"',
        '<sip:a@h>;x="y"z',
        f"<sip:{'a' * LONGEST_URI}@h>",
        ", ".join(["<sip:a@h>"] * (MOST + 1)),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse([text])


@given(st.lists(st.text('<>;,="\\ *:@asip.12-[]?%\t\r\n\x00\u00e9+q', max_size=60), max_size=3))
@example(['"\\'])
@example(["<sip:a@h>;x"])
def test_anything_is_contacts_or_a_fault(values: list[str]) -> None:
    """And what is taken can be written into one line."""
    try:
        found = parse(values)
    except ValueError:
        return
    for contact in found or []:
        assert (contact.uri + contact.q + contact.instance).isascii()
        assert (contact.uri + contact.q + contact.instance).isprintable()


def test_split_leaves_empty_parts_out() -> None:
    assert split(' a ,, "b,c" ,<d,e>', ",") == ["a", '"b,c"', "<d,e>"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [  # RFC 3261 §19.1.4
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;newparam=6", False),
        ("SIP:ALICE@AtLanTa.CoM", "sip:alice@AtLanTa.CoM", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com", False),
        ("sip:bob@h;rinstance=1", "sip:bob@h;rinstance=2", False),
        ("sip:bob@h;ob", "sip:bob@h", True),
        ("sip:h", "sip:bob@h", False),
    ],
)
def test_same_place(one: str, other: str, same: bool) -> None:
    assert same_place(one, other) is same
    assert same_place(other, one) is same
