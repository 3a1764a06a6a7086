"""Which numbers are costly, however they are spelled."""

import pytest

from callwright.calls.countries import COUNTRIES, countries_of
from callwright.calls.destinations import SPECIAL_PREFIXES, Risk, international, risk_of


@pytest.mark.parametrize(
    ("spelled", "digits"),
    [
        ("+1 (900) 555-1234", "19005551234"),
        ("0019005551234", "19005551234"),
        ("01188165551234", "88165551234"),
        ("88165551234", "88165551234"),
        ("*67+19005551234", "19005551234"),
        ("*6719005551234", "19005551234"),
        ("#31#0088165551234", "88165551234"),
        ("+1900#5551234", "19005551234"),
        ("0900123456", ""),
        ("911", ""),
        ("118118", ""),
        ("demo", ""),
        ("", ""),
    ],
)
def test_a_number_in_international_form(spelled: str, digits: str) -> None:
    assert international(spelled) == digits


@pytest.mark.parametrize(
    ("number", "risk"),
    [
        ("+870773111632", Risk.SPECIAL),
        ("+881612345678", Risk.SPECIAL),
        ("+882161234567", Risk.SPECIAL),
        ("+883510001234", Risk.SPECIAL),
        ("+979112345678", Risk.SPECIAL),
        ("+19005551234", Risk.SPECIAL),
        ("+449098790000", Risk.SPECIAL),
        ("+4490012345678", Risk.SPECIAL),
        ("+4990012345678", Risk.SPECIAL),
        ("+24712345", Risk.TOLLFRAUD),
        ("+5378123456", Risk.TOLLFRAUD),
        ("+447624123456", None),
        ("+447700900000", None),
        ("+441534700900", None),
        ("+14155551212", None),
        ("+4930123456", None),
        ("+80012345678", None),
        ("+33142685300", None),
        ("+97143331111", None),
    ],
)
def test_what_a_number_is(number: str, risk: Risk | None) -> None:
    assert risk_of(international(number)) is risk


def test_every_special_range_lies_in_a_country_that_can_enable_it() -> None:
    lost = [prefix for prefix in SPECIAL_PREFIXES if not countries_of(prefix)]
    assert not lost
    whole = {code for country in COUNTRIES.values() if country.iso != "XA" for code in country.codes}
    assert not whole & set(SPECIAL_PREFIXES), "no whole country is special"
