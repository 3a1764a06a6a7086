"""How a cost follows the calls."""

import pytest

from bench.growth import exponent, slope


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power(power: float) -> None:
    assert exponent([(x, 3 * x**power) for x in (10, 30, 100, 1000)]) == pytest.approx(power)


def test_points_that_have_no_logarithm_are_left_out() -> None:
    assert exponent([(0, 5), (10, -1), (10, 1), (100, 10)]) == pytest.approx(1)


def test_too_few_points() -> None:
    assert exponent([(10, 1)]) is None
    assert exponent([]) is None
    assert slope([(10, 1), (10, 2)]) is None


def test_the_slope_of_a_line() -> None:
    assert slope([(0, 7), (10, 9), (20, 11)]) == pytest.approx(0.2)
