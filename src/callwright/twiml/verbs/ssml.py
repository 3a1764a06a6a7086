"""SSML inside `<Say>` (call-control reference §1.3): checked element by element and written anew as a fragment."""

import re
from xml.sax.saxutils import escape, quoteattr

from callwright.twiml.attribute import SCHEMA_WARNING
from callwright.twiml.reading import Element, Reading

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_ANY = r".{0,500}"

ELEMENTS: dict[str, dict[str, str]] = {
    "break": {"strength": "none|x-weak|weak|medium|strong|x-strong", "time": r"[0-9]{1,6}(\.[0-9]{1,3})?(s|ms)"},
    "emphasis": {"level": "strong|moderate|reduced"},
    "lang": {_XML_LANG: _LANGUAGE},
    "p": {},
    "s": {},
    "phoneme": {"alphabet": "ipa|x-sampa|x-amazon-[a-z-]+", "ph": _ANY},
    "prosody": {
        "volume": r"default|silent|x-soft|soft|medium|loud|x-loud|[+-]?[0-9]{1,3}(\.[0-9]+)?dB",
        "rate": r"default|x-slow|slow|medium|fast|x-fast|[0-9]{1,3}%",
        "pitch": r"default|x-low|low|medium|high|x-high|[+-]?[0-9]{1,3}(\.[0-9]+)?%",
    },
    "say-as": {
        "interpret-as": "characters|spell-out|cardinal|number|ordinal|digits|fraction|unit|date|time|address|expletive"
        "|telephone",
        "format": "mdy|dmy|ymd|md|dm|ym|my|d|m|y|yyyymmdd",
        "role": _ANY,
    },
    "sub": {"alias": _ANY},
    "w": {"role": _ANY},
}
"""Each element and the form of its attributes' values."""


def fragment(element: Element, reading: Reading) -> str:
    """The content of an element as SSML: text escaped, known elements kept, others unwrapped with a warning."""
    parts = [escape(element.text or "")]
    for child in element:
        inner = fragment(child, reading)
        if (attributes := ELEMENTS.get(str(child.tag))) is None:
            reading.warn(child, SCHEMA_WARNING, "is not an SSML element; its text is spoken")
            parts.append(inner)
        else:
            given = _attributes(child, attributes, reading)
            parts.append(f"<{child.tag}{given}>{inner}</{child.tag}>" if inner else f"<{child.tag}{given}/>")
        parts.append(escape(child.tail or ""))
    return "".join(parts)


def _attributes(element: Element, forms: dict[str, str], reading: Reading) -> str:
    kept = []
    for key, value in element.attrib.items():
        name, value = str(key), str(value)
        shown = "xml:lang" if name == _XML_LANG else name
        if (form := forms.get(name)) is None or not re.fullmatch(form, value.strip()):
            reading.warn(element, SCHEMA_WARNING, f"bad attribute {shown}")
        else:
            kept.append(f" {shown}={quoteattr(value.strip())}")
    return "".join(kept)
