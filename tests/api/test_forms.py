import pytest

from callwright.api.forms import MAX_FIELDS, Form
from callwright.calls.application import Hook
from callwright.errors import RestError


def test_reads_values() -> None:
    form = Form.read(b"To=%2B1&E=a&E=b+c&Empty=&Name=\xc3\xbc%C3%BC&StartTime%3E=1")
    assert form.text("To") == "+1"
    assert form.words("E") == ["a", "b", "c"]
    assert form.text("E") == "b c"
    assert form.text("Empty", "default") == "default"
    assert form.text("Name") == "üü"
    assert form.text("StartTime>") == "1"
    assert "Empty" in form
    assert "Other" not in form
    assert form.items()[:2] == [("To", "+1"), ("E", "a")]
    assert Form.read(b"").items() == []


def test_bounds_the_number_of_fields() -> None:
    Form.read(b"a=1&" * (MAX_FIELDS - 1) + b"a=1")
    with pytest.raises(RestError, match="more than"):
        Form.read(b"a=1&" * MAX_FIELDS + b"a=1")


def test_booleans() -> None:
    form = Form([("A", "true"), ("B", "False"), ("C", ""), ("D", "1")])
    assert form.boolean("A") is True
    assert form.boolean("B", True) is False
    assert form.boolean("C", True) is True
    with pytest.raises(RestError):
        form.boolean("D")


@pytest.mark.parametrize("value", ["0", "11", "-1", "1.5", "x", "1e1", "\u0661", "9999999999"])
def test_refuses_numbers(value: str) -> None:
    with pytest.raises(RestError) as refused:
        Form([("N", value)]).integer("N", 1, 10, code=21208)
    assert refused.value.code == 21208


def test_numbers() -> None:
    assert Form([("N", "10")]).integer("N", 1, 10, code=1) == 10
    assert Form([("N", " ")]).integer("N", 1, 10, code=1) is None


@pytest.mark.parametrize(
    "url",
    ["x", "//host/path", "ftp://host", "http://", "http://a b", "http://a_b.example/", "http://h\r\nX: y", "/p"],
)
def test_refuses_urls(url: str) -> None:
    with pytest.raises(RestError) as refused:
        Form([("Url", url)]).hook("Url", "Method")
    assert refused.value.code == 21205


def test_hooks() -> None:
    form = Form([("Url", "https://u:p@app.example:8443/x?y=1#rc=2"), ("Method", "get")])
    assert form.hook("Url", "Method") == Hook("https://u:p@app.example:8443/x?y=1#rc=2", "GET")
    assert form.hook("FallbackUrl", "FallbackMethod") is None
    with pytest.raises(RestError) as refused:
        Form([("Method", "PUT")]).hook("Url", "Method")
    assert refused.value.code == 21209
