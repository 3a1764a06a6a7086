"""SSML: what espeak-ng is given for each element, and that nothing else gets through."""

import pytest

from callwright.errors import MediaError
from callwright.media.speech import ssml


def espeak_language(tag: str) -> str:
    if tag.startswith("xx"):
        raise MediaError("no", code=13512)
    return tag.lower()


ENGLISH = ssml.Speaker("en-US", "female", espeak_language)
GERMAN = ssml.Speaker("de-DE", "male", espeak_language)


def render(fragment: str, speaker: ssml.Speaker = ENGLISH) -> str:
    whole = ssml.render(fragment, speaker)
    assert whole.startswith("<speak>") and whole.endswith("</speak>")
    return whole[7:-8]


@pytest.mark.parametrize(
    ("fragment", "rendered"),
    [
        ("one <p>two<s>three</s> four</p> five", "one <p>two<s>three</s> four</p> five"),
        ("<speak>one <break/> two</speak>", 'one <break time="400ms"/> two'),
        ('<break strength="none"/>', ""),
        ('<break strength="x-weak"/>', ""),
        ('<break strength="x-strong"/>', '<break time="1200ms"/>'),
        ('<break strength="odd"/>', '<break time="400ms"/>'),
        ('<break time="1.5s"/>', '<break time="1500ms"/>'),
        ('<break time="250ms" strength="strong"/>', '<break time="250ms"/>'),
        ('<break time="1h"/>', '<break time="400ms"/>'),
        ('<break time="3600s"/>', '<break time="10000ms"/>'),
        ('<emphasis level="strong">now</emphasis>', '<emphasis level="strong">now</emphasis>'),
        ("<emphasis>now</emphasis>", '<emphasis level="moderate">now</emphasis>'),
        ('<emphasis level="\'x">now</emphasis>', "now"),
        ('<lang xml:lang="fr-FR">oui</lang>', '<voice xml:lang="fr-fr" gender="female">oui</voice>'),
        ("<lang>oui</lang>", "oui"),
        ('<prosody rate="slow" pitch="+10%" volume="x-loud">a</prosody>',
         '<prosody rate="slow" pitch="+10%" volume="x-loud">a</prosody>'),
        ('<prosody rate="90%">a</prosody>', '<prosody rate="90%">a</prosody>'),
        ('<prosody rate="9999%">a</prosody>', '<prosody rate="400%">a</prosody>'),
        ('<prosody volume="+6dB">a</prosody>', '<prosody volume="+100%">a</prosody>'),
        ('<prosody volume="-6dB">a</prosody>', '<prosody volume="-50%">a</prosody>'),
        ('<prosody pitch="+12st">a</prosody>', '<prosody pitch="+100%">a</prosody>'),
        ('<prosody rate="&quot;/&gt;&lt;audio src=x">a</prosody>', "a"),
        ('<sub alias="World &amp; Web">W3C</sub>!', "World &amp; Web!"),
        ('<w role="amazon:VBD">read</w>', "[[r'Ed]] "),
        ('<w role="amazon:VBD">said</w>', "said"),
        ('<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme> pie', "[[pI'kA:n]]  pie"),
        ('<phoneme alphabet="x-sampa" ph=\'pI"kA:n\'>pecan</phoneme>', "[[pI'kA:n]] "),
        ('<phoneme ph="œ̃">un</phoneme>', "un"),
        ('<phoneme alphabet="x-amazon-pinyin" ph="bo2">bo</phoneme>', "bo"),
        ('<phoneme alphabet="ipa" ph="]] [[x">a</phoneme>', "a"),
        ('<audio src="/etc/passwd">sound</audio>', "sound"),
        ('<mark name="x"/>a<metadata>secret</metadata>b', "ab"),
        ('<voice name="mb-en1">a</voice>', "a"),
        ("a<!-- no -->b<?target no?>c", "abc"),
        ('<amazon:effect name="whispered">psst</amazon:effect>', "psst"),
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
        ("[[h@l@U]] [[[x]]]", "[ [h@l@U]] [ [ [x]]]"),
    ],
)  # fmt: skip
def test_elements(fragment: str, rendered: str) -> None:
    assert render(fragment) == rendered


@pytest.mark.parametrize(
    ("kind", "text", "english", "german"),
    [
        ("characters", "a1<", '<say-as interpret-as="characters">a1&lt;</say-as>', None),
        ("spell-out", "ab", '<say-as interpret-as="characters">ab</say-as>', None),
        ("digits", "12 34", "1 2 3 4", "1 2 3 4"),
        ("telephone", "+1 (555) 12", '+ 1<break time="150ms"/>5 5 5<break time="150ms"/>1 2', None),
        ("ordinal", "1", "1st", "1"),
        ("ordinal", "112", "112th", "112"),
        ("ordinal", "22", "22nd", "22"),
        ("ordinal", "many", "many", "many"),
        ("date", "1/31/2026", "January 31st 2026", "31 1 2026"),
        ("date", "20260131", "January 31st 2026", "31 1 2026"),
        ("date", "2026-01-31", "January 31st 2026", "31 1 2026"),
        ("date", "31/31/2026", "31/31/2026", "31/31/2026"),
        ("date", "soon", "soon", "soon"),
        ("cardinal", "12", "12", "12"),
        ("time", "1'20\"", "1 minute 20 seconds", "1'20\""),
        ("fraction", "3/8", "3 eighths", "3/8"),
        ("unit", "5kg", "5 kilograms", "5kg"),
        ("address", "10 N Main St.", "10 North Main Street", "10 N Main St."),
        ("expletive", "****", '<break time="600ms"/>', '<break time="600ms"/>'),
    ],
)
def test_say_as(kind: str, text: str, english: str, german: str | None) -> None:
    escaped = text.replace("<", "&lt;")
    fragment = f'<say-as interpret-as="{kind}">{escaped}</say-as>'
    assert render(fragment) == english
    if german is not None:
        assert render(fragment, GERMAN) == german


@pytest.mark.parametrize(
    ("form", "text", "spoken"),
    [
        ("dmy", "3.2.2026", "February 3rd 2026"),
        ("ymd", "2026/02/03", "February 3rd 2026"),
        ("md", "02/03", "February 3rd"),
        ("my", "02/2026", "February 2026"),
        ("y", "2026", "2026"),
        ("yyyymmdd", "20260203", "February 3rd 2026"),
        ("mm", "02/03", "02/03"),
        ("md", "1/2/3", "1/2/3"),
    ],
)
def test_dates_follow_their_format(form: str, text: str, spoken: str) -> None:
    assert render(f'<say-as interpret-as="date" format="{form}">{text}</say-as>') == spoken


def test_the_language_inside_decides_how_things_are_read() -> None:
    inner = '<lang xml:lang="de-DE"><say-as interpret-as="ordinal">1</say-as></lang>'
    assert render(inner) == '<voice xml:lang="de-de" gender="female">1</voice>'


@pytest.mark.parametrize(
    "fragment",
    [
        "<break",
        "<p>a</s>",
        "</speak><audio/><speak>",
        '<!DOCTYPE speak [<!ENTITY a SYSTEM "file:///etc/passwd">]>&a;',
        "&undefined;",
        "<p>" * 300 + "</p>" * 300,
        "<unknown:tag>a</unknown:tag>",
    ],
)
def test_A4_what_is_no_fragment_is_refused(fragment: str) -> None:
    with pytest.raises(MediaError) as raised:
        render(fragment)
    assert raised.value.code == 13520


def test_a_language_that_cannot_be_spoken_is_refused() -> None:
    with pytest.raises(MediaError) as raised:
        render('<lang xml:lang="xx-XX">a</lang>')
    assert raised.value.code == 13512


def test_plain_text_loses_control_characters_and_phonemes() -> None:
    assert ssml.plain("a\x00\x01b\nc [[x]] <b> & \u00e9\x85") == "a b c [ [x]] <b> & \u00e9 "
