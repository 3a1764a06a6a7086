"""How what is written in short is said: fractions, units, durations, addresses, and words that are said in two ways.

English; in other languages what is written is left to espeak-ng. Source: call-control reference §1.3 (say-as, w).
"""

import re

_DENOMINATORS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth",
                 10: "tenth", 12: "twelfth", 16: "sixteenth", 20: "twentieth", 32: "thirty-second",
                 100: "hundredth", 1000: "thousandth"}  # fmt: skip
_UNITS = {
    "mm": "millimeter", "cm": "centimeter", "m": "meter", "km": "kilometer", "in": "inch", "ft": "foot", "yd": "yard",
    "mi": "mile", "mg": "milligram", "g": "gram", "kg": "kilogram", "t": "ton", "oz": "ounce", "lb": "pound",
    "lbs": "pound", "ml": "milliliter", "cl": "centiliter", "l": "liter", "gal": "gallon", "s": "second",
    "sec": "second", "ms": "millisecond", "min": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "hz": "hertz",
    "khz": "kilohertz", "mhz": "megahertz", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte",
    "w": "watt", "kw": "kilowatt", "v": "volt", "a": "ampere", "%": "percent", "mph": "mile per hour",
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "°c": "degree Celsius", "°f": "degree Fahrenheit",
    "°": "degree",
}  # fmt: skip
_PLURALS = {"inch": "inches", "foot": "feet", "hertz": "hertz", "kilohertz": "kilohertz", "megahertz": "megahertz",
            "percent": "percent"}  # fmt: skip
_STREETS = {
    "st": "Street", "ave": "Avenue", "av": "Avenue", "rd": "Road", "blvd": "Boulevard", "dr": "Drive", "ln": "Lane",
    "ct": "Court", "pl": "Place", "sq": "Square", "hwy": "Highway", "pkwy": "Parkway", "apt": "Apartment",
    "ste": "Suite", "n": "North", "s": "South", "e": "East", "w": "West", "ne": "Northeast", "nw": "Northwest",
    "se": "Southeast", "sw": "Southwest",
}  # fmt: skip
_VERBS = {
    "record": "rIk'o@d", "present": "prIz'Ent", "object": "0bdZ'Ekt", "conduct": "k@nd'Vkt", "contract": "k@ntr'akt",
    "project": "pr@dZ'Ekt", "permit": "p3m'It", "read": "r'i:d", "live": "l'Iv", "lead": "l'i:d", "wind": "w'aInd",
}  # fmt: skip
_NOUNS = {
    "record": "r'Ek3d", "present": "pr'Ez@nt", "object": "'0bdZEkt", "conduct": "k'0ndVkt", "contract": "k'0ntrakt",
    "project": "pr'0dZEkt", "permit": "p'3:mIt", "live": "l'aIv", "lead": "l'Ed", "wind": "w'Ind",
}  # fmt: skip
_PASTS = {"read": "r'Ed", "wind": "w'aUnd", "lead": "l'Ed"}
ROLES = {"vb": _VERBS, "vbd": _PASTS, "nn": _NOUNS, "dt": {}, "jj": _NOUNS}

_FRACTION = re.compile(r"(?:(\d{1,9})[\s+]+)?(\d{1,9})\s*/\s*(\d{1,9})")
_MEASURE = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*([A-Za-z°%/]{1,5})")
_DURATION = re.compile(r"(?:(\d{1,4})')?\s*(?:(\d{1,4})(?:\"|''))?")


def fraction(text: str) -> str:
    """ "1/2" as "one half", "2 3/8" as "2 and 3 eighths"; anything else as it is."""
    if (match := _FRACTION.fullmatch(text.strip())) is None:
        return text
    whole, above, below = match[1], int(match[2]), int(match[3])
    if (name := _DENOMINATORS.get(below)) is None:
        said = f"{above} over {below}"
    else:
        plural = {"half": "halves"}.get(name, f"{name}s")
        said = f"{above} {name if above == 1 else plural}"
    return f"{whole} and {said}" if whole else said


def measure(text: str) -> str:
    """ "5kg" as "5 kilograms"; what it does not know stays as it is."""

    def say(match: "re.Match[str]") -> str:
        unit = _UNITS.get(match[2].lower())
        if unit is None:
            return match[0]
        return f"{match[1]} {unit if match[1] in ('1', '+1', '-1') else _plural(unit)}"

    return _MEASURE.sub(say, text)


def _plural(unit: str) -> str:
    first, *rest = unit.split(" ")
    return " ".join([_PLURALS.get(first, f"{first}s"), *rest])


def duration(text: str) -> str:
    """1'21" as "1 minute 21 seconds"; a time of day stays as it is."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        return text
    parts = [(match[1], "minute"), (match[2], "second")]
    return " ".join(f"{int(count)} {name}{'' if int(count) == 1 else 's'}" for count, name in parts if count)


def address(text: str) -> str:
    """ "10 N Main St." as "10 North Main Street"."""

    def say(match: "re.Match[str]") -> str:
        return _STREETS.get(match[1].lower(), match[0])

    return re.sub(r"\b([A-Za-z]{1,4})\b\.?", say, text)


def by_role(word: str, role: str) -> str:
    """A word that is said in two ways, in espeak-ng's letters for its role ("amazon:VBD"); "" when it is said as it is
    written."""
    table = ROLES.get(role.strip().lower().rpartition(":")[2], {})
    return table.get(word.strip().lower(), "")
