"""Voices and languages of documents, as espeak-ng's."""

import pytest

from callwright.errors import MediaError
from callwright.media.speech.voices import FEMALE, MALE, espeak_language, resolve

AVAILABLE = frozenset(
    {"ar", "cmn", "de", "en-gb", "en-gb-scotland", "en-us", "es", "es-419", "fr-be", "fr-fr", "it", "ja", "nb", "pt"}
    | {"pt-br", "yue"}
)


@pytest.mark.parametrize(
    ("voice", "language", "spoken", "gender"),
    [
        ("", "", "en-US", "male"),
        ("", "fr-FR", "fr-FR", "male"),
        ("man", "es", "es", "male"),
        ("Woman", "de", "de", "female"),
        ("alice", "pt-BR", "pt-BR", "female"),
        ("Polly.Joanna", "", "en-US", "female"),
        ("Polly.Joanna-Neural", "fr-FR", "en-US", "female"),
        ("polly.matthew-Generative", "", "en-US", "male"),
        ("Polly.Céline", "", "fr-FR", "female"),
        ("Polly.Geraint", "", "en-GB-WLS", "male"),
        ("Polly.Hans", "en-US", "de-DE", "male"),
        ("Polly.Kajal-Neural", "hi-IN", "hi-IN", "female"),
        ("Polly.Kajal-Neural", "fr-FR", "en-IN", "female"),
        ("Google.en-GB-Neural2-A", "", "en-GB", "female"),
        ("Google.en-US-Standard-B", "fr", "en-US", "male"),
        ("Google.cmn-CN-Wavenet-D", "", "cmn-CN", "male"),
        ("Google.de-DE-Chirp3-HD-Aoede", "", "de-DE", "female"),
        ("Google.de-DE-Chirp3-HD-Puck", "", "de-DE", "male"),
        ("Google.en-US-Chirp-HD-F", "", "en-US", "female"),
    ],
)
def test_voices(voice: str, language: str, spoken: str, gender: str) -> None:
    found = resolve(voice, language, "en-US")
    assert (found.language, found.gender) == (spoken, gender)
    allowed = {"female": {*FEMALE}, "male": {*MALE, ""}}[gender]
    assert found.variant in allowed


def test_voices_of_one_name_sound_the_same_and_others_mostly_not() -> None:
    assert resolve("Polly.Amy", "", "") == resolve("Polly.Amy-Neural", "", "")
    women = ("Joanna", "Salli", "Kendra", "Kimberly", "Ivy", "Ruth", "Danielle")
    assert len({resolve(f"Polly.{name}", "", "").variant for name in women}) >= 3


@pytest.mark.parametrize("voice", ["robot", "Polly.", "Polly.Nobody", "Polly", "Google.Nobody", "Azure.Jenny", "en+f3"])
def test_voices_that_do_not_exist(voice: str) -> None:
    with pytest.raises(MediaError) as raised:
        resolve(voice, "", "en-US")
    assert raised.value.code == 13511


@pytest.mark.parametrize("language", ["english please", "-v", "e", "en_US", "en-US/../x"])
def test_languages_that_are_no_tags(language: str) -> None:
    with pytest.raises(MediaError) as raised:
        resolve("man", language, "en-US")
    assert raised.value.code == 13512


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "en-us"),
        ("en-US", "en-us"),
        ("en-GB", "en-gb"),
        ("en-GB-WLS", "en-gb"),
        ("en-AU", "en-gb"),
        ("en-XX", "en-us"),
        ("fr-FR", "fr-fr"),
        ("fr-CA", "fr-fr"),
        ("fr-BE", "fr-be"),
        ("es-ES", "es"),
        ("es-MX", "es-419"),
        ("pt-BR", "pt-br"),
        ("pt-PT", "pt"),
        ("cmn-CN", "cmn"),
        ("cmn-TW", "cmn"),
        ("zh-CN", "cmn"),
        ("zh-HK", "yue"),
        ("yue-CN", "yue"),
        ("ar-AE", "ar"),
        ("arb", "ar"),
        ("nb-NO", "nb"),
        ("no-NO", "nb"),
        ("de-DE", "de"),
        ("ja-JP", "ja"),
    ],
)
def test_languages(tag: str, name: str) -> None:
    assert espeak_language(tag, AVAILABLE) == name


def test_a_language_that_is_not_there() -> None:
    for tag in ("xx", "tlh-XX", ""):
        with pytest.raises(MediaError) as raised:
            espeak_language(tag, AVAILABLE)
        assert raised.value.code == 13512
