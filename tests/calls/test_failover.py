"""Which refusals another way may mend."""

import pytest

from callwright.calls.failover import Next, after


@pytest.mark.parametrize("code", [400, 403, 404, 405, 410, 415, 480, 484, 486, 487, 488, 600, 603, 604, 606, 302])
def test_the_callees_word(code: int) -> None:
    assert after(code) is Next.NOWHERE


@pytest.mark.parametrize(
    ("code", "leads"),
    [
        (408, Next.HOP),
        (503, Next.HOP),
        (430, Next.HOP),
        (500, Next.TARGET),
        (502, Next.TARGET),
        (504, Next.TARGET),
        (580, Next.TARGET),
        (401, Next.TRUNK),
        (407, Next.TRUNK),
        (402, Next.TRUNK),
        (482, Next.TRUNK),
        (483, Next.TRUNK),
    ],
)
def test_the_gateways_and_the_carriers(code: int, leads: Next) -> None:
    assert after(code) is leads
