"""SSML inside <Say> (call-control reference §1.3)."""

import pytest

from callwright.twiml.verbs import Say
from callwright.twiml.verbs.ssml import ELEMENTS
from tests.twiml.playbook import codes, document

GOOD = [
    '<break strength="none"/>',
    '<break strength="x-strong"/>',
    '<break time="1s"/>',
    '<break time="250ms"/>',
    '<break time="0.5s"/>',
    '<emphasis level="strong">a</emphasis>',
    '<emphasis level="moderate">a</emphasis>',
    '<emphasis level="reduced">a</emphasis>',
    '<lang xml:lang="fr-FR">a</lang>',
    "<p>a</p>",
    "<s>a</s>",
    '<phoneme alphabet="ipa" ph="təməto">tomato</phoneme>',
    '<phoneme alphabet="x-sampa" ph="a&quot;b">a</phoneme>',
    '<phoneme alphabet="x-amazon-pinyin" ph="bo2">a</phoneme>',
    '<prosody volume="silent">a</prosody>',
    '<prosody volume="x-loud">a</prosody>',
    '<prosody volume="+6dB">a</prosody>',
    '<prosody rate="x-slow">a</prosody>',
    '<prosody rate="150%">a</prosody>',
    '<prosody pitch="x-high">a</prosody>',
    '<prosody pitch="-10%">a</prosody>',
    *(
        f'<say-as interpret-as="{kind}">12</say-as>'
        for kind in [
            "characters",
            "spell-out",
            "cardinal",
            "number",
            "ordinal",
            "digits",
            "fraction",
            "unit",
            "time",
            "address",
            "expletive",
            "telephone",
        ]
    ),
    *(
        f'<say-as interpret-as="date" format="{form}">12</say-as>'
        for form in ["mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y", "yyyymmdd"]
    ),
    '<say-as interpret-as="date" role="yyyymmdd">12</say-as>',
    '<sub alias="World Wide Web">WWW</sub>',
    '<w role="amazon:VB">read</w>',
]
BAD = [
    '<break time="soon"/>',
    '<break strength="hefty"/>',
    '<break duration="1s"/>',
    '<emphasis level="very">a</emphasis>',
    '<lang lang="fr">a</lang>',
    '<prosody rate="fast!">a</prosody>',
    '<prosody volume="11">a</prosody>',
    '<say-as interpret-as="song">a</say-as>',
    '<p style="x">a</p>',
]


@pytest.mark.parametrize("markup", GOOD)
def test_known_markup_stays_as_it_is(markup: str) -> None:
    parsed = document(f"<Say>before {markup} after</Say>")
    assert codes(parsed) == []
    (say,) = parsed.verbs
    assert isinstance(say, Say)
    assert say.ssml
    assert document(f"<Say>{say.text}</Say>").verbs == parsed.verbs
    assert say.text.replace("'", '"').replace('a"b', "a&quot;b") == f"before {markup} after"


def test_every_element_of_the_reference_is_known() -> None:
    assert set(ELEMENTS) == set(["break", "emphasis", "lang", "p", "s", "phoneme", "prosody", "say-as", "sub", "w"])


@pytest.mark.parametrize("markup", BAD)
def test_a_bad_attribute_is_dropped_and_its_element_kept(markup: str) -> None:
    parsed = document(f"<Say>{markup}</Say>")
    assert codes(parsed) == [12200]
    name = markup[1:].split()[0]
    assert parsed.verbs in ((Say(f"<{name}/>", ssml=True),), (Say(f"<{name}>a</{name}>", ssml=True),))


def test_unknown_elements_are_unwrapped_and_their_order_kept() -> None:
    parsed = document("<Say>a<b>b<i>c</i>d</b>e<script/>f</Say>")
    assert codes(parsed) == [12200, 12200, 12200]
    assert parsed.verbs == (Say("abcdef", ssml=True),)


def test_markup_in_text_stays_text() -> None:
    (say,) = document('<Say>&lt;break time="9s"/&gt;<p title="&quot;&gt;&lt;break/&gt;">x</p></Say>').verbs
    assert say == Say('&lt;break time="9s"/&gt;<p>x</p>', ssml=True)
