"""Log lines: one a fact, and nobody else's."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from callwright.log import CallLog, JsonFormat, TextFormat, configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    one = io.StringIO()
    handler = logging.StreamHandler(one)
    logger = logging.getLogger("callwright.calls.call")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield one
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def record(message: str, *, fault: BaseException | None = None, **extra: str) -> logging.LogRecord:
    info = (type(fault), fault, fault.__traceback__) if fault else None
    one = logging.LogRecord("callwright.calls.call", logging.INFO, __file__, 1, "%s", (message,), info)
    one.created = 1769853600.1234
    one.__dict__.update(extra)
    return one


def test_text() -> None:
    line = TextFormat().format(record("answered", call_sid="CA1", account_sid="AC1"))
    assert line == "2026-01-31T10:00:00.123Z INFO    calls   CA1 answered"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a\r\nb", r"a\r\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\u2028", r"\u2028"),
        ("zażółć 電話", "zażółć 電話"),
        ("\x00\x7f", r"\x00\x7f"),
    ],
)
def test_nobody_can_forge_a_line_or_drive_a_terminal(said: str, written: str) -> None:
    assert TextFormat().format(record(said)).endswith(f" {written}")


def test_json() -> None:
    entry = json.loads(JsonFormat().format(record("a\nb", call_sid="CA1", account_sid="AC1", fault=ValueError("no"))))
    assert (entry["message"], entry["call_sid"], entry["account_sid"]) == ("a\nb", "CA1", "AC1")
    assert (entry["level"], entry["area"]) == ("INFO", "calls.call")
    assert "ValueError: no" in entry["exception"]


def test_call_log_names_its_call(stream: io.StringIO) -> None:
    logging.getLogger("callwright.calls.call").handlers[-1].setFormatter(TextFormat())
    CallLog(logging.getLogger("callwright.calls.call"), "CA7", "AC7").info("ringing after %d ms", 12)
    assert stream.getvalue().endswith("CA7 ringing after 12 ms\n")


def test_call_log_obeys_the_level_and_other_peoples_formats(stream: io.StringIO) -> None:
    logger = logging.getLogger("callwright.calls.call")
    logger.setLevel(logging.WARNING)
    form = "%(levelname)s %(name)s %(filename)s:%(lineno)d %(call_sid)s %(threadName)s %(message)s"
    logger.handlers[-1].setFormatter(logging.Formatter(form))
    log = CallLog(logger, "CA7", "AC7")
    log.info("unheard")
    log.warning("heard %d", 1)
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("with its cause")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("WARNING callwright.calls.call :0 CA7") and lines[0].endswith(" heard 1")
    assert lines[1].endswith("with its cause") and lines[-1] == "ValueError: why"


def test_configure() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("WARNING", "json")
        assert root.level == logging.WARNING
        (handler,) = root.handlers
        assert isinstance(handler.formatter, JsonFormat)
        configure("INFO", "text")
        assert isinstance(root.handlers[0].formatter, TextFormat)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
