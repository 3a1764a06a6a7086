"""H(A1), and that it is not shown."""

from callwright.sip.credentials import Credential


def test_digests_of_a_password() -> None:
    """The A1 of RFC 7616 §3.9.1."""
    mufasa = Credential.of("Mufasa", "http-auth@example.org", "Circle of Life")
    assert mufasa.ha1_md5 == "3d78807defe7de2157e2b0b6573a855f"
    assert mufasa.ha1_sha256 == "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
    assert mufasa.as_tuple() == ("Mufasa", "http-auth@example.org", mufasa.ha1_md5, mufasa.ha1_sha256)


def test_names_are_utf_8() -> None:
    """As a phone that writes UTF-8 hashes them."""
    assert Credential.of("jörg", "example.org", "geheim").ha1_md5 == "16fe8b2ad0ef630923a4f2590aa93feb"


def test_the_digests_are_not_shown() -> None:
    alice = Credential.of("alice", "example.org", "open sesame")
    assert repr(alice) == "Credential(username='alice', realm='example.org')"
