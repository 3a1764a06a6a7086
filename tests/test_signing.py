"""Signatures: the published vectors, and agreement with the SDK's own validator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from callwright.signing import body_sha256_url, signature

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
OTHER_CALLER = {**FORM, "From": "+12349013030", "Caller": "+12349013030"}
BODY = b'{"property": "value", "boolean": true}'
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


@pytest.mark.parametrize(
    ("url", "form", "expected"),
    [
        (URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL, OTHER_CALLER, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        (URL.replace(".com", ".com:443"), FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http").replace(".com", ".com:80"), FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (URL.replace("https", "http").replace(".com", ".com:1234"), FORM, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (f"{URL}&bodySHA256={BODY_HASH}", {}, "a9nBmqA0ju/hNViExpshrM61xv4="),
    ],
)
def test_published_vectors(url: str, form: dict[str, str], expected: str) -> None:
    assert signature(TOKEN, url, form.items()) == expected


def test_repeated_key() -> None:
    pairs = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    assert signature(TOKEN, URL, pairs) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    assert RequestValidator(TOKEN).validate(URL, MultiDict(pairs), signature(TOKEN, URL, pairs))


def test_json_body() -> None:
    url = body_sha256_url(URL, BODY)
    assert url == f"{URL}&bodySHA256={BODY_HASH}"
    assert body_sha256_url("https://a.example/x", BODY) == f"https://a.example/x?bodySHA256={BODY_HASH}"
    assert RequestValidator(TOKEN).validate(url, BODY.decode(), signature(TOKEN, url))
    assert not RequestValidator(TOKEN).validate(url, BODY.decode() + " ", signature(TOKEN, url))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/voice",
        "https://app.example/voice",
        "https://app.example:8443/voice?a=1&b=%2F",
        "http://app.example/",
        "wss://stream.example/media",
        "https://app.example/path%20with%20space?x=%C3%A9",
    ],
)
@pytest.mark.parametrize("form", [{}, FORM, {"Empty": "", "Name": "Zoë 日本 😀", "a": "1", "A": "2"}])
def test_the_sdk_agrees(url: str, form: dict[str, str]) -> None:
    assert RequestValidator(TOKEN).validate(url, form, signature(TOKEN, url, form.items()))


def test_another_token_or_field_does_not_validate() -> None:
    signed = signature(TOKEN, URL, FORM.items())
    assert not RequestValidator("54321").validate(URL, FORM, signed)
    assert not RequestValidator(TOKEN).validate(URL, {**FORM, "Digits": "1"}, signed)
    assert not RequestValidator(TOKEN).validate(URL + "&z=1", FORM, signed)


@given(
    st.dictionaries(
        st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    )
)
def test_any_form(form: dict[str, str]) -> None:
    assert RequestValidator(TOKEN).compute_signature(URL, form) == signature(TOKEN, URL, form.items())


def test_text_that_cannot_be_encoded_is_signed_as_it_is_sent() -> None:
    assert signature(TOKEN, URL, [("Name", "\udc80")]) == signature(TOKEN, URL, [("Name", "?")])
