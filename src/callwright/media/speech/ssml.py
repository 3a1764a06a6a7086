"""SSML made fit for espeak-ng: written anew from a short list of elements, so that nothing else reaches it.

espeak-ng opens files and runs programs for some elements (`audio`), and reads phonemes and commands out of plain text;
none of that may come from a document. Elements that it does not know are turned into ones that it does, or into words.
Source: call-control reference §1.3; W3C SSML 1.1.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from callwright.errors import MediaError
from callwright.media.speech import phonemes, wording

VERSION = 2
"""Raised when the same markup would be spoken differently, so that cached speech is spoken again."""

_WRAPPED = '<speak xmlns:amazon="urn:amazon" xmlns:google="urn:google">{}</speak>'
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]+")

# Milliseconds: none and x-weak remove a pause, the others last as long as a comma, a sentence, a paragraph and more.
_STRENGTHS = {"none": 0, "x-weak": 0, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1200}
_TIME = re.compile(r"\+?(\d+(?:\.\d+)?|\.\d+)(ms|s)")
_MAX_BREAK_MS = 10_000
_EXPLETIVE_MS = 600

_RATES = frozenset({"x-slow", "slow", "medium", "fast", "x-fast", "default"})
_PITCHES = frozenset({"x-low", "low", "medium", "high", "x-high", "default"})
_VOLUMES = frozenset({"silent", "x-soft", "soft", "medium", "loud", "x-loud", "default"})
_PERCENT = re.compile(r"([+-]?)(\d{1,4}(?:\.\d+)?)%")
_DECIBEL = re.compile(r"([+-]?\d{1,3}(?:\.\d+)?)dB", re.IGNORECASE)
_SEMITONES = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)st", re.IGNORECASE)
_EMPHASIS = frozenset({"strong", "moderate", "none", "reduced"})

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks the markup.

    Attributes:
        language: BCP-47.
        gender: "male" or "female": kept when the language changes.
        espeak_language: espeak-ng's name of a language; raises MediaError 13512 for one that it cannot speak.
    """

    language: str
    gender: str
    espeak_language: Callable[[str], str]


def plain(text: str) -> str:
    """Plain text without control characters and without what espeak-ng takes for phonemes ("[[")."""
    clean = _CONTROL.sub(" ", text)
    while "[[" in clean:
        clean = clean.replace("[[", "[ [")
    return clean


def render(fragment: str, speaker: Speaker) -> str:
    """Markup that espeak-ng (-m) speaks.

    Args:
        fragment: the content of a Say element: text and SSML elements, or one whole `speak` element.

    Raises:
        MediaError: 13520: it is not well-formed; 13512: a `lang` that cannot be spoken.
    """
    if "<!DOCTYPE" in fragment or "<!ENTITY" in fragment:
        raise MediaError("SSML with a document type is not spoken", code=13520)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(_WRAPPED.format(fragment).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise MediaError(f"the SSML is not well-formed: {error.msg}", code=13520) from error
    return f"<speak>{_inside(root, speaker)}</speak>"


def _inside(element: etree._Element, speaker: Speaker) -> str:
    parts = [_words(element.text)]
    for child in element:
        # Comments and processing instructions have a function for a tag; the words after them still count.
        if isinstance(child.tag, str):
            parts.append(_ELEMENTS.get(etree.QName(child).localname, _inside)(child, speaker))
        parts.append(_words(child.tail))
    return "".join(parts)


def _words(text: str | None) -> str:
    return escape(plain(text)) if text else ""


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext(with_tail=False)).strip()


def _pause(milliseconds: int) -> str:
    return f'<break time="{milliseconds}ms"/>' if milliseconds else ""


def _break(element: etree._Element, _: Speaker) -> str:
    matched = _TIME.fullmatch(element.get("time", "").strip().lower())
    if matched:
        milliseconds = float(matched[1]) * (1000 if matched[2] == "s" else 1)
        return _pause(round(min(milliseconds, _MAX_BREAK_MS)))
    return _pause(_STRENGTHS.get(element.get("strength", "medium").strip(), _STRENGTHS["medium"]))


def _emphasis(element: etree._Element, speaker: Speaker) -> str:
    level = element.get("level", "moderate").strip()
    inside = _inside(element, speaker)
    return f'<emphasis level="{level}">{inside}</emphasis>' if level in _EMPHASIS else inside


def _lang(element: etree._Element, speaker: Speaker) -> str:
    tag = element.get(_XML_LANG, "").strip()
    if not tag:
        return _inside(element, speaker)
    inner = Speaker(tag, speaker.gender, speaker.espeak_language)
    name = quoteattr(speaker.espeak_language(tag))
    return f'<voice xml:lang={name} gender="{speaker.gender}">{_inside(element, inner)}</voice>'


def _block(element: etree._Element, speaker: Speaker) -> str:
    tag = etree.QName(element).localname
    return f"<{tag}>{_inside(element, speaker)}</{tag}>"


def _prosody(element: etree._Element, speaker: Speaker) -> str:
    found = {
        "rate": _percentage(element.get("rate", ""), _RATES),
        "pitch": _pitch(element.get("pitch", "")),
        "volume": _volume(element.get("volume", "")),
    }
    attributes = "".join(f' {name}="{value}"' for name, value in found.items() if value)
    inside = _inside(element, speaker)
    return f"<prosody{attributes}>{inside}</prosody>" if attributes else inside


def _percentage(value: str, names: frozenset[str]) -> str:
    """A name or a percentage that espeak-ng understands; "" otherwise."""
    value = value.strip().lower()
    if value in names:
        return value
    matched = _PERCENT.fullmatch(value)
    if matched is None:
        return ""
    number = round(float(matched[2]))
    if matched[1]:
        return f"{matched[1]}{min(number, 100 if matched[1] == '+' else 90)}%"
    return f"{min(max(number, 10), 400)}%"


def _pitch(value: str) -> str:
    matched = _SEMITONES.fullmatch(value.strip())
    if matched:
        return _signed((2 ** (float(matched[1]) / 12) - 1) * 100)
    return _percentage(value, _PITCHES)


def _volume(value: str) -> str:
    matched = _DECIBEL.fullmatch(value.strip())
    if matched:
        return _signed((10 ** (float(matched[1]) / 20) - 1) * 100)
    return _percentage(value, _VOLUMES)


def _signed(percent: float) -> str:
    return f"{round(min(max(percent, -99.0), 100.0)):+d}%"


def _sub(element: etree._Element, speaker: Speaker) -> str:
    alias = element.get("alias")
    return _words(alias) if alias is not None else _inside(element, speaker)


def _say_as(element: etree._Element, speaker: Speaker) -> str:
    text = _text(element)
    match element.get("interpret-as", "").strip().lower():
        case "characters" | "spell-out":
            return f'<say-as interpret-as="characters">{_words(text)}</say-as>'
        case "digits":
            return _words(_spaced(text))
        case "telephone":
            return _telephone(text)
        case "ordinal":
            return _words(_ordinal(text, speaker))
        case "date":
            return _words(_date(text, element.get("format", "").strip().lower(), speaker))
        case "expletive" | "bleep":
            return _pause(_EXPLETIVE_MS)
        case kind if kind in _WORDINGS and _english(speaker):
            return _words(_WORDINGS[kind](text))
        case _:
            return _inside(element, speaker)


_WORDINGS: dict[str, Callable[[str], str]] = {
    "fraction": wording.fraction,
    "unit": wording.measure,
    "time": wording.duration,
    "address": wording.address,
}


def _english(speaker: Speaker) -> bool:
    return speaker.language.lower().startswith("en")


def _letters(letters: str) -> str:
    """A pronunciation of our own making, which espeak-ng takes between double brackets; it loses a tag that follows
    them without a blank."""
    return f"[[{escape(letters)}]] "


def _phoneme(element: etree._Element, speaker: Speaker) -> str:
    letters = phonemes.spelled(element.get("alphabet", "ipa"), element.get("ph", ""), speaker.language)
    return _letters(letters) if letters else _inside(element, speaker)


def _w(element: etree._Element, speaker: Speaker) -> str:
    letters = wording.by_role(_text(element), element.get("role", "")) if _english(speaker) else ""
    return _letters(letters) if letters else _inside(element, speaker)


def _spaced(text: str) -> str:
    return " ".join(re.sub(r"\s", "", text))


def _telephone(text: str) -> str:
    """Digit by digit, with a short pause where the writer grouped them."""
    groups = [group for group in re.split(r"[^0-9A-Za-z*#+]+", text) if group]
    return _pause(150).join(_words(_spaced(group)) for group in groups)


def _ordinal(text: str, speaker: Speaker) -> str:
    """English ordinals get their ending; the other languages' number rules read what is written."""
    if not text.isascii() or not text.isdigit() or not speaker.language.lower().startswith("en"):
        return text
    ending = "th" if text[-2:] in ("11", "12", "13") else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return text + ending


def _date(text: str, form: str, speaker: Speaker) -> str:
    """A date in numbers as words in English, as separate numbers in other languages; anything else as it is written."""
    numbers = re.findall(r"\d+", text)
    if len(numbers) == 1 and len(numbers[0]) == 8 and form in ("", "ymd", "yyyymmdd"):
        numbers, form = [text[:4], text[4:6], text[6:8]], "ymd"
    order = form if re.fullmatch(r"(?=[ymd]{1,3}$)(?!.*(.).*\1).*", form) else ""
    if not order:
        order = "ymd" if numbers and len(numbers[0]) == 4 else "mdy"
    if len(numbers) != len(order):
        return text
    parts = {letter: int(number[:4]) for letter, number in zip(order, numbers, strict=True)}
    if not (1 <= parts.get("m", 1) <= 12 and 1 <= parts.get("d", 1) <= 31):
        return text
    english = speaker.language.lower().startswith("en")
    month = _MONTHS[parts["m"] - 1] if english and "m" in parts else str(parts.get("m", ""))
    day = _ordinal(str(parts["d"]), speaker) if "d" in parts else ""
    year = str(parts.get("y", ""))
    return " ".join(word for word in ((month, day, year) if english else (day, month, year)) if word)


def _silent(_: etree._Element, __: Speaker) -> str:
    return ""


_ELEMENTS: dict[str, Callable[[etree._Element, Speaker], str]] = {
    "break": _break,
    "emphasis": _emphasis,
    "lang": _lang,
    "p": _block,
    "phoneme": _phoneme,
    "w": _w,
    "s": _block,
    "prosody": _prosody,
    "sub": _sub,
    "say-as": _say_as,
    "desc": _silent,
    "metadata": _silent,
    "meta": _silent,
    "lexicon": _silent,
}
"""What is not here (speak, mark, audio, voice, ...) speaks its content and nothing else."""
