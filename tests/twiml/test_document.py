"""Documents: golden good ones with their verbs and warnings, bad ones named by their code, and content types."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from callwright.errors import DocumentError
from callwright.twiml.document import MOST_BYTES, MOST_DEPTH, MOST_ELEMENTS, Document, parse
from callwright.twiml.verbs import Play, Say
from tests.twiml.playbook import codes

FOLDER = Path(__file__).parent / "documents"
GOOD = sorted((FOLDER / "good").glob("*.xml"))
BAD = sorted((FOLDER / "bad").glob("*.xml"))
BASE = "http://app.example/ivr/start"


def shown(value: object) -> str:
    """A value with what is not its default, sets in order."""
    if is_dataclass(value):
        given = [(entry, getattr(value, entry.name)) for entry in fields(value)]
        inner = [f"{entry.name}={shown(content)}" for entry, content in given if content != entry.default]
        return f"{type(value).__name__}({', '.join(inner)})"
    if isinstance(value, tuple):
        return f"[{', '.join(shown(one) for one in value)}]"
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return repr(value)


def written(document: Document) -> str:
    """A document as its golden file has it: a verb a line, then a warning a line."""
    verbs = [shown(verb) for verb in document.verbs]
    warnings = [f"{warning.line}: {warning.code} {warning.message}" for warning in document.warnings]
    return "\n".join([*verbs, *warnings]) + "\n"


@pytest.mark.parametrize("path", GOOD, ids=[path.stem for path in GOOD])
def test_good_documents(path: Path) -> None:
    golden = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert written(parse(path.read_bytes(), "text/xml", BASE)) == golden


@pytest.mark.parametrize("path", BAD, ids=[path.stem for path in BAD])
@pytest.mark.parametrize("content_type", ["text/xml", "application/xml; charset=utf-8", "text/html"])
def test_bad_documents_are_refused_with_their_code(path: Path, content_type: str) -> None:
    if "encoding" in path.stem or "codec" in path.stem:
        content_type = content_type.partition(";")[0]
    with pytest.raises(DocumentError) as refused:
        parse(path.read_bytes(), content_type, BASE)
    assert refused.value.code == int(path.stem[:5])
    assert refused.value.url == BASE
    assert len(refused.value.message) <= 500


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/xml", "text/html; charset=utf-8", "TEXT/XML;charset=UTF-8", 'text/xml; charset="utf-8"'],
)
def test_types_that_are_documents(content_type: str) -> None:
    assert parse(b"<Response><Say>Hello</Say></Response>", content_type, BASE).verbs == (Say("Hello"),)


@pytest.mark.parametrize(
    "content_type",
    [
        "audio/mpeg",
        "audio/mp3",
        "audio/wav",
        "audio/x-wav",
        "audio/aiff",
        "audio/x-aifc",
        "audio/gsm",
        "audio/x-gsm",
        "audio/basic",
        "audio/ulaw",
        "AUDIO/WAV; rate=8000",
    ],
)
def test_sounds_are_played_once(content_type: str) -> None:
    document = parse(b"", content_type, BASE)
    assert document.verbs == (Play(BASE),)
    assert not document.warnings


def test_a_sound_without_a_url_cannot_be_played() -> None:
    with pytest.raises(DocumentError) as refused:
        parse(b"RIFF", "audio/wav", "")
    assert refused.value.code == 12300


def test_plain_text_that_is_a_document_is_run() -> None:
    assert parse(b"<Response><Play>/a.wav</Play></Response>", "text/plain", BASE).verbs == (
        Play("http://app.example/a.wav"),
    )


@pytest.mark.parametrize("body", [b"Good morning\n\tto you", b"<Response><Say>unclosed</Response>", b"a < b & c"])
def test_other_plain_text_is_spoken(body: bytes) -> None:
    (say,) = parse(body, "text/plain; charset=us-ascii", BASE).verbs
    assert isinstance(say, Say)
    assert say.text.split() == body.decode().split()
    assert not say.ssml


def test_plain_text_has_the_bounds_of_say() -> None:
    assert codes(parse(b"a" * 4097, "text/plain", BASE)) == [13521]
    assert parse(b"a" * 4096, "text/plain", BASE).verbs == (Say("a" * 4096),)
    assert codes(parse(b"\x01\x02", "text/plain", BASE)) == [13520]
    with pytest.raises(DocumentError) as refused:
        parse(b"a" * (MOST_BYTES + 1), "text/plain", BASE)
    assert refused.value.code == 11750


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "text/css", "video/mp4", "", "xml", ";"])
def test_other_types_cannot_be_used(content_type: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse(b"<Response/>", content_type, BASE)
    assert refused.value.code == 12300


@pytest.mark.parametrize("content_type", ["text/xml", "text/plain", "text/html", "application/json", ""])
def test_an_empty_body_is_named_before_its_type(content_type: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse(b"", content_type, BASE)
    assert refused.value.code == 11770


def test_the_charset_parameter_settles_the_encoding() -> None:
    body = '<?xml version="1.0" encoding="utf-8"?><Response><Say>café</Say></Response>'.encode("latin-1")
    assert parse(body, "text/xml; charset=ISO-8859-1", BASE).verbs == (Say("café"),)


def test_a_byte_order_mark_is_stronger_than_the_charset_parameter() -> None:
    body = "<Response><Say>café</Say></Response>".encode("utf-8-sig")
    assert parse(body, "text/xml; charset=ISO-8859-1", BASE).verbs == (Say("café"),)


def test_the_bounds_themselves_are_allowed() -> None:
    nested = "<p>" * (MOST_DEPTH - 2) + "x" + "</p>" * (MOST_DEPTH - 2)
    assert parse(f"<Response><Say>{nested}</Say></Response>".encode(), "text/xml", BASE).verbs
    many = "<Pause/>" * (MOST_ELEMENTS - 1)
    assert len(parse(f"<Response>{many}</Response>".encode(), "text/xml", BASE).verbs) == MOST_ELEMENTS - 1
    filler = MOST_BYTES - len("<Response><!----></Response>")
    assert parse(f"<Response><!--{'a' * filler}--></Response>".encode(), "text/xml", BASE).verbs == ()


def test_a_document_type_that_hides_in_another_encoding_is_refused() -> None:
    body = '<!DOCTYPE Response [<!ENTITY x "y">]><Response><Say>&x;</Say></Response>'.encode("utf-16")
    with pytest.raises(DocumentError) as refused:
        parse(body, "text/xml", BASE)
    assert refused.value.code == 12100


def test_lines_count_from_the_declaration() -> None:
    body = b'<?xml version="1.0"\n encoding="utf-8"?>\n<Response>\n<Bad/></Response>'
    assert [warning.line for warning in parse(body, "text/xml", BASE).warnings] == [4]


def test_the_same_answer_is_read_once_and_another_url_is_another_document() -> None:
    body = b"<Response><Play>hold.wav</Play></Response>"
    assert parse(body, "text/xml", "http://a.example/") is parse(body, "text/xml", "http://a.example/")
    assert parse(body, "text/xml", "http://b.example/").url == "http://b.example/"


def test_a_fault_is_told_each_time() -> None:
    for _ in range(2):
        with pytest.raises(DocumentError):
            parse(b"<Response>", "text/xml", "")
