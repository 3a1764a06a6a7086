"""Phonemes as documents write them (IPA, X-SAMPA), in the letters that espeak-ng reads between "[[" and "]]".

English only: espeak-ng's letters mean something else in each language. What has no letter here is not guessed at:
the element's own text is spoken in its place. Source: call-control reference §1.3; W3C SSML 1.1 §3.1.10.
"""

_COMMON = {symbol: symbol for symbol in "pbtdkgfvszhmnlwjx"}
_STRESS = {" ": " ", ".": ""}

IPA: dict[str, str] = {
    **_COMMON,
    **_STRESS,
    **{"ɡ": "g", "ŋ": "N", "θ": "T", "ð": "D", "ʃ": "S", "ʒ": "Z", "ɹ": "r", "r": "r", "ɾ": "t#", "ʔ": "?"},
    **{"tʃ": "tS", "t͡ʃ": "tS", "ʧ": "tS", "dʒ": "dZ", "d͡ʒ": "dZ", "ʤ": "dZ"},
    **{"iː": "i:", "i": "i:", "ɪ": "I", "eɪ": "eI", "e": "eI", "ɛ": "E", "æ": "a", "a": "a", "ɑː": "A:", "ɑ": "A:"},
    **{"ɒ": "0", "ɔː": "O:", "ɔ": "O:", "oʊ": "oU", "əʊ": "oU", "o": "oU", "ʊ": "U", "uː": "u:", "u": "u:", "ʌ": "V"},
    **{"ə": "@", "ɚ": "3", "ɝ": "3:", "ɜː": "3:", "ɜ": "3:", "aɪ": "aI", "aʊ": "aU", "ɔɪ": "OI"},
    **{"ɪə": "i@", "eə": "e@", "ɛə": "e@", "ʊə": "U@", "ˈ": "'", "ˌ": ",", "‿": ""},
}
X_SAMPA: dict[str, str] = {
    **_COMMON,
    **_STRESS,
    **{symbol: symbol for symbol in "NTDSZIEUV@"},
    **{"r": "r", "r\\": "r", "4": "t#", "?": "?", "tS": "tS", "dZ": "dZ"},
    **{"i": "i:", "i:": "i:", "eI": "eI", "e": "eI", "{": "a", "a": "a", "A": "A:", "A:": "A:", "Q": "0"},
    **{"O": "O:", "O:": "O:", "oU": "oU", "@U": "oU", "o": "oU", "u": "u:", "u:": "u:", "@`": "3", "3`": "3:"},
    **{"3": "3:", "3:": "3:", "aI": "aI", "aU": "aU", "OI": "OI", "I@": "i@", "e@": "e@", "U@": "U@"},
    **{'"': "'", "%": ","},
}
ALPHABETS = {"ipa": IPA, "x-sampa": X_SAMPA}
LONGEST = 200


def spelled(alphabet: str, written: str, language: str) -> str:
    """A pronunciation in espeak-ng's letters; "" when it cannot be said so.

    Args:
        alphabet: "ipa" or "x-sampa".
        language: BCP-47, of the voice that will say it.
    """
    table = ALPHABETS.get(alphabet.strip().lower())
    written = written.strip()
    if table is None or not written or len(written) > LONGEST or not language.lower().startswith("en"):
        return ""
    found = []
    while written:
        symbol = next((written[:size] for size in (3, 2, 1) if written[:size] in table), "")
        if not symbol:
            return ""
        found.append(table[symbol])
        written = written[len(symbol) :]
    letters = "".join(found).strip()
    return letters if letters.strip("', ") else ""
