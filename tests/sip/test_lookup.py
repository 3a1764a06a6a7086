"""From hosts to addresses."""

import pytest

from callwright.sip.lookup import address_of, is_address
from callwright.sip.uri import at_address


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", True), ("[::1]", True), ("::1", True), ("localhost", False), ("", False), ("1.2.3", False)],
)
def test_what_is_an_address(host: str, address: bool) -> None:
    assert is_address(host) is address


async def test_names_of_this_machine() -> None:
    assert await address_of("localhost") in ("127.0.0.1", "::1")


@pytest.mark.parametrize("host", ["name.invalid", "a" * 300, "x..y", "\udc80"])
async def test_names_without_an_address(host: str) -> None:
    with pytest.raises(OSError, match="no address"):
        await address_of(host)


@pytest.mark.parametrize(
    ("uri", "address", "hop"),
    [
        ("sip:bob@gw.example", "192.0.2.1", "sip:192.0.2.1"),
        ("sip:gw.example:5070;transport=tcp;x=y?X-A=1", "192.0.2.1", "sip:192.0.2.1:5070;transport=tcp"),
        ("sip:bob@gw.example;Transport=UDP", "2001:db8::1", "sip:[2001:db8::1];Transport=UDP"),
    ],
)
def test_the_hop_of_a_uri(uri: str, address: str, hop: str) -> None:
    assert at_address(uri, address) == hop
