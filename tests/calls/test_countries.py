import pytest

from callwright.calls.countries import COUNTRIES, countries_of


def test_the_table_is_whole() -> None:
    assert len(COUNTRIES) > 220
    for iso, country in COUNTRIES.items():
        assert len(iso) == 2 and iso.isupper() and iso == country.iso and country.name
        assert country.codes and all(code.isdigit() and code[0] != "0" for code in country.codes), iso


@pytest.mark.parametrize(
    ("number", "isos"),
    [
        ("+14155551212", {"US", "CA"}),
        ("+12425550000", {"BS"}),
        ("+447700900000", {"GB"}),
        ("+441481000000", {"GG"}),
        ("+77010000000", {"KZ"}),
        ("+79010000000", {"RU"}),
        ("+8821600000", {"XA"}),
        ("+99900000000", set()),
        ("", set()),
    ],
)
def test_countries_of(number: str, isos: set[str]) -> None:
    assert {country.iso for country in countries_of(number)} == isos
