"""What a gateway may take a user part for (promise S8)."""

import pytest

from callwright.calls.user_part import Reading, read

PREMIUM = "+19005551234"


@pytest.mark.parametrize(
    "user",
    [
        PREMIUM,
        "%2B19005551234",
        "%252B19005551234",
        "%2b1%39005551234",
        "+1 (900) 555-1234".replace(" ", "%20"),
        "+1.900.555.1234",
        "+19005551234%20",
        "+19005551234:secret",
        "+19005551234%3Asecret",
        "+19005551234;npdi",
        "+19005551234%3Bnpdi",
        "+19005551234%253Bnpdi;isub=1",
        "+19005551234;phone-context=+44",
        "+19005551234;phone-context=example.com:secret",
    ],
)
@pytest.mark.parametrize("host", ["gw.example", "gw.example:5080;transport=tcp", "[::1];user=phone"])
def test_spellings_of_one_number(user: str, host: str) -> None:
    assert read(f"sip:{user}@{host}") == Reading(PREMIUM, exact=True)
    assert read(f"SIPS:{user}@{host}") == Reading(PREMIUM, exact=True)


@pytest.mark.parametrize(
    ("user", "number"),
    [
        ("+19005551234,1", PREMIUM),
        ("+1/900/555/1234", PREMIUM),
        ("+1,900,555,1234", ""),
        ("+19005551234&1", PREMIUM),
        ("+19005551234;rn=+19005550000", PREMIUM),
        ("+19005551234;npdi;RN=+19005550000", PREMIUM),
        ("+19005551234;cic=+10288", PREMIUM),
        ("5551234;phone-context=+1900", "5551234"),
        ("5551234%3Bphone-context%3D%2B1900", "5551234"),
        ("19005551234;phone-context=+1", "19005551234"),
        ("+19005551234p1", ""),
        ("%EF%BC%8B19005551234", ""),  # a full-width plus
        ("+1%D9%A9%D9%A0%D9%A05551234", ""),  # Arabic digits
        ("+1900555%001234", "+1900555"),
        ("+1900555%0D%0A1234", "+1900555"),
        ("+1900555%091234", "+1900555"),
        ("%2525252B19005551234", ""),
        ("++19005551234", ""),
        ("tel:+19005551234", ""),
        ("tel%3A+19005551234", ""),
        ("1-900-FLOWERS", ""),
        ("1" * 33, ""),
        ("", ""),
        ("@", ""),
    ],
)
def test_what_is_not_one_number(user: str, number: str) -> None:
    """And what is looked up all the same, so that who asks is told the better reason."""
    reading = read(f"sip:{user}@gw.example")
    assert (reading.exact, reading.number) == (False, number)


@pytest.mark.parametrize("uri", ["sip:5551234@gw.example;phone-context=+1900", "sip:5551234@gw.example;rn=1?X-A=b"])
def test_parameters_of_the_uri_count_too(uri: str) -> None:
    """Gateways that look for them there are not rare."""
    assert not read(uri).exact


@pytest.mark.parametrize("uri", ["sip:gw.example", "tel:+19005551234", "gw.example", "", "sip:"])
def test_no_user_part(uri: str) -> None:
    assert read(uri) == Reading("", exact=False)


@pytest.mark.parametrize(
    ("user", "dials"),
    [
        (PREMIUM, True),
        ("0019005551234", True),
        ("01188161234", True),
        ("19005551234", True),
        ("1900555123", False),
        ("1001", False),
        ("ABCD12345678", False),
        ("alice", False),
        ("*6719005551234", True),
    ],
)
def test_what_is_a_number_wherever_it_points(user: str, dials: bool) -> None:
    assert read(f"sip:{user}@pbx.example").dials is dials


def test_names() -> None:
    assert [read(f"sip:{user}@h").named for user in ("alice", "1alice", "%61lice", "%C3%A4lice", "")] == [
        True,
        False,
        True,
        False,
        False,
    ]
