"""GRUUs."""

import pytest

from callwright.sip.gruu import instance_of, public, wanted
from tests.sip.registering import Answers

PHONE = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


@pytest.mark.parametrize("instance", [PHONE, "urn:imei:90420156-025763-0", "urn:x;y", 'urn:x"@?&=%41', "a/[b]"])
def test_there_and_back(instance: str) -> None:
    """Whatever the instance is called: it breaks out of no parameter, and is found again."""
    uri = public("o'b rien@pbx.example", instance)
    assert uri.startswith("sip:o'b%20rien@pbx.example;gr=")
    assert not set(uri.partition(";")[2]) & set(';"<>?@ ')
    assert instance_of(uri) == instance_of(f"<{uri};transport=tcp?X-A=1>") == instance.lower()


def test_as_the_rfc_has_it() -> None:
    assert public("callee@example.com", PHONE) == f"sip:callee@example.com;gr={PHONE}"


@pytest.mark.parametrize(
    "uri", ["sip:alice@pbx.example", "sip:a;gr=x@pbx.example", "sip:alice@d;gr", "sip:a@d;gr=", ""]
)
def test_what_is_none(uri: str) -> None:
    assert instance_of(uri) == ""


@pytest.mark.parametrize(
    ("values", "known"), [(["path, GRUU"], True), (["path", "gruu"], True), (["gruux"], False), ([], False)]
)
def test_who_knows_them(values: list[str], known: bool) -> None:
    request = Answers().register("<sip:a@b>", headers=[("Supported", value) for value in values])
    assert wanted(request) is known
