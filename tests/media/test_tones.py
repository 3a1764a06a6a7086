"""Ringing tones: every country of the reference, and figures that an engine can play."""

import pytest

from callwright.media.tones import BEEP, RINGBACK, ringback

# Call-control reference §1.6.
COUNTRIES = (
    "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us "
    "us-old tw ve za"
)


def test_every_country_of_the_reference_rings() -> None:
    assert sorted(COUNTRIES.split(" ")) == sorted(RINGBACK)


@pytest.mark.parametrize("country", RINGBACK)
def test_figures_are_playable(country: str) -> None:
    for hz, second, on, off in ringback(country):
        assert 300 < hz < 500
        assert second == 0 or 300 < second < 500
        assert 400 <= on <= 2000
        assert 200 <= off <= 5000


@pytest.mark.parametrize(
    ("country", "segments"),
    [
        ("us", [(440, 480, 2000, 4000)]),
        ("uk", [(400, 450, 400, 200), (400, 450, 400, 2000)]),
        ("de", [(425, 0, 1000, 4000)]),
        ("fr", [(440, 0, 1500, 3500)]),
        ("in", [(387.5, 412.5, 400, 200), (387.5, 412.5, 400, 2000)]),
    ],
)
def test_known_cadences(country: str, segments: list[tuple[float, float, int, int]]) -> None:
    assert list(ringback(country)) == segments


def test_the_default_is_us_and_nonsense_is_refused() -> None:
    assert ringback("") == ringback("automatic") == ringback("us")
    with pytest.raises(ValueError):
        ringback("xx")


def test_the_beep_is_no_dtmf_digit() -> None:
    [(hz, second, on, off)] = BEEP
    assert second == off == 0
    assert 300 <= on <= 1000
    for digit in (697, 770, 852, 941, 1209, 1336, 1477, 1633):
        assert abs(hz - digit) > digit * 0.035
