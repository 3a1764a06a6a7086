"""Which of espeak-ng's voices speaks for a voice and language of a document (call-control reference §1.2).

The hosted service's voices are not here; what is kept of each is its language and whether a woman or a man speaks, and
voices that differ by name differ in sound where espeak-ng's variants allow it.
"""

import re
import unicodedata
import zlib
from collections.abc import Set
from dataclasses import dataclass

from callwright.errors import MediaError

VERSION = 1
"""Raised when the tables change, so that cached speech is spoken again."""

FEMALE = ("f1", "f2", "f3", "f4", "f5")
MALE = ("m1", "m3", "m4", "m7", "m8")


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: its language as BCP-47, its gender ("male", "female"), and espeak-ng's variant ("" its plain voice)."""

    language: str
    gender: str
    variant: str


_BASIC = {"": ("male", ""), "man": ("male", ""), "woman": ("female", "f3"), "alice": ("female", "f2")}

# Amazon Polly's voices by language, women before the stroke, men behind it.
_POLLY_BY_LANGUAGE = {
    "ar": "zeina /",
    "ar-AE": "hala / zayd",
    "ca-ES": "arlet /",
    "cmn-CN": "zhiyu /",
    "cs-CZ": "jitka /",
    "cy-GB": "gwyneth /",
    "da-DK": "naja sofie / mads",
    "de-AT": "hannah /",
    "de-CH": "sabrina /",
    "de-DE": "marlene vicki / hans daniel",
    "en-AU": "nicole olivia / russell",
    "en-GB": "amy emma / brian arthur",
    "en-GB-WLS": "/ geraint",
    "en-IE": "niamh /",
    "en-IN": "aditi kajal raveena /",
    "en-NZ": "aria /",
    "en-SG": "jasmine /",
    "en-US": "danielle ivy joanna kendra kimberly ruth salli tiffany "
    "/ gregory joey justin kevin matthew patrick stephen",
    "en-ZA": "ayanda /",
    "es-ES": "alba conchita lucia / enrique raul sergio",
    "es-MX": "mia / andres",
    "es-US": "lupe penelope / miguel pedro",
    "fi-FI": "suvi /",
    "fr-BE": "isabelle /",
    "fr-CA": "chantal gabrielle / liam",
    "fr-FR": "celine lea ambre / mathieu remi florian",
    "is-IS": "dora / karl",
    "it-IT": "beatrice bianca carla / adriano giorgio lorenzo",
    "ja-JP": "kazuha mizuki tomoko / takumi",
    "ko-KR": "jihye seoyeon /",
    "nb-NO": "ida liv /",
    "nl-BE": "lisa /",
    "nl-NL": "laura lotte / ruben",
    "pl-PL": "ewa maja ola / jacek jan",
    "pt-BR": "camila vitoria / ricardo thiago",
    "pt-PT": "ines / cristiano",
    "ro-RO": "carmen /",
    "ru-RU": "tatyana / maxim",
    "sv-SE": "astrid elin /",
    "tr-TR": "burcu filiz /",
    "yue-CN": "hiujin /",
}
_POLLY = {
    name: (language, gender)
    for language, names in _POLLY_BY_LANGUAGE.items()
    for gender, side in zip(("female", "male"), names.split("/"), strict=True)
    for name in side.split()
}
_BILINGUAL = {"aditi": "hi", "kajal": "hi"}
_POLLY_NAME = re.compile(r"([^-]+)(?:-(?:Neural|Generative|Long-Form|LongForm))?", re.IGNORECASE)

_GOOGLE_NAME = re.compile(
    r"(?P<language>[a-z]{2,3}-[A-Z0-9]{2,3})-(?P<family>[A-Za-z0-9]+(?:-HD)?)-(?P<name>[A-Za-z]+)", re.IGNORECASE
)
# Google documents a gender for each voice; letters follow no rule, but mostly this one. The named ones are Chirp's.
_GOOGLE_MALE_LETTERS = frozenset("BDIJ")
_GOOGLE_MALE_NAMES = frozenset(
    {"achird", "algenib", "algieba", "alnilam", "charon", "enceladus", "fenrir", "iapetus", "orus", "puck"}
    | {"rasalgethi", "sadachbia", "sadaltager", "schedar", "umbriel", "zubenelgenubi"}
)

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")

# Languages that espeak-ng has under another name, or that a near relation must speak.
_ALIASES = {
    "arb": "ar",
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "zh-yue": "yue",
    "zh-cmn": "cmn",
    "no": "nb",
    "nn": "nb",
    "nn-no": "nb",
    "iw": "he",
    "in": "id",
    "fil": "id",
    "tl": "id",
    "en": "en-us",
    "en-ca": "en-us",
    "en-au": "en-gb",
    "en-ie": "en-gb",
    "en-in": "en-gb",
    "en-nz": "en-gb",
    "en-sg": "en-gb",
    "en-za": "en-gb",
    "es-us": "es-419",
    "es-mx": "es-419",
    "es-ar": "es-419",
    "es-cl": "es-419",
    "es-co": "es-419",
    "es-pe": "es-419",
    "es-ve": "es-419",
    "fr": "fr-fr",
    "fr-ca": "fr-fr",
    "gl": "pt",
    "vi-vn": "vi",
}


def resolve(voice: str, language: str, default: str) -> Voice:
    """The voice that a document asks for.

    Args:
        voice: man, woman, alice, `Polly.*`, `Google.*`, or "" for the default.
        language: BCP-47, or "" for the voice's own. A voice that has only one language keeps it.
        default: the language of a voice without one.

    Raises:
        MediaError: 13511: no such voice; 13512: not a language tag.
    """
    if language and not _TAG.fullmatch(language):
        raise MediaError(f"{language[:40]!r} is not a language tag", code=13512)
    basic = _BASIC.get(voice.lower())
    if basic is not None:
        return Voice(language or default, *basic)
    family, dot, name = voice.partition(".")
    if dot and family.lower() == "polly":
        return _polly(voice, name, language)
    if dot and family.lower() == "google":
        return _google(voice, name)
    raise MediaError(f"there is no voice {voice[:60]!r}", code=13511)


def _polly(voice: str, name: str, language: str) -> Voice:
    matched = _POLLY_NAME.fullmatch(_unaccented(name))
    base = matched[1].lower() if matched else ""
    if base not in _POLLY:
        raise MediaError(f"there is no voice {voice[:60]!r}", code=13511)
    own, gender = _POLLY[base]
    second = _BILINGUAL.get(base)
    spoken = language if second and language.lower().split("-")[0] == second else own
    return Voice(spoken, gender, _variant(base, gender))


def _google(voice: str, name: str) -> Voice:
    matched = _GOOGLE_NAME.fullmatch(name)
    if matched is None:
        raise MediaError(f"there is no voice {voice[:60]!r}", code=13511)
    speaker = matched["name"]
    letter = len(speaker) == 1
    male = speaker.upper() in _GOOGLE_MALE_LETTERS if letter else speaker.lower() in _GOOGLE_MALE_NAMES
    gender = "male" if male else "female"
    return Voice(matched["language"], gender, _variant(name.lower(), gender))


def _variant(name: str, gender: str) -> str:
    variants = FEMALE if gender == "female" else MALE
    return variants[zlib.crc32(name.encode()) % len(variants)]


def _unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def espeak_language(tag: str, available: Set[str]) -> str:
    """espeak-ng's name of a language: itself, a near relation, or the language without its region (RFC 4647 §3.4).

    Args:
        available: the names that this espeak-ng has, lower case.

    Raises:
        MediaError: 13512: it cannot be spoken.
    """
    wanted = tag.lower()
    while wanted:
        for name in (wanted, _ALIASES.get(wanted, "")):
            if name in available:
                return name
        wanted = wanted.rpartition("-")[0]
    regional = sorted(name for name in available if name.startswith(tag.lower().partition("-")[0] + "-"))
    if regional:
        return regional[0]
    raise MediaError(f"the language {tag[:40]!r} cannot be spoken", code=13512)
