"""Logging: one line a fact, with the CallSid and AccountSid of its call; text for people, JSON for machines.

Wire and state traces go to DEBUG with fixed marks: `<` received, `>` sent, `-` state, `x` fault. Secrets are never
logged.
"""

import json
import logging
import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

_BLANK = logging.LogRecord("", logging.INFO, "", 0, "", (), None).__dict__
"""What formatters of other people may look for in a record."""


class CallRecord(logging.LogRecord):
    """A record of a call's log: what no line of ours tells (file, thread, process) is not looked up for it."""

    def __init__(self, name: str, level: int, message: object, args: tuple[object, ...], call: dict[str, str]) -> None:
        self.__dict__ = {
            **_BLANK,
            **call,
            "name": name,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": message,
            "args": args,
            "created": time.time(),
        }


class CallLog(logging.LoggerAdapter[logging.Logger]):
    """A logger bound to one call: every line carries `call_sid` and `account_sid`."""

    def __init__(self, logger: logging.Logger, call_sid: str, account_sid: str) -> None:
        self._call = {"call_sid": call_sid, "account_sid": account_sid}
        super().__init__(logger, self._call)

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """As every logger's: a call tells its story through it, six lines or more."""
        if kwargs:
            super().log(level, msg, *args, **kwargs)
        elif self.logger.isEnabledFor(level):
            self.logger.handle(CallRecord(self.logger.name, level, msg, args, self._call))

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = self.extra
        return msg, kwargs


class Lines(logging.StreamHandler[TextIO]):
    """Writes to a stream that is flushed at the end of each line, as standard error is."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(self.format(record) + "\n")
        except Exception:  # as logging's own handlers: a line that cannot be written must not end a call
            self.handleError(record)


def _printable(text: str) -> str:
    """What is not printable escaped, so that no peer can forge a log line or drive a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def _stamp(created: float) -> str:
    """To the millisecond, which is cut and not rounded."""
    seconds = int(created)
    return f"{_second(seconds)}.{int((created - seconds) * 1000):03d}"


@lru_cache(maxsize=256)
def _area(logger: str) -> str:
    return f"{logger.removeprefix('callwright.').split('.')[0]:<7}"


class TextFormat(logging.Formatter):
    """`2026-01-31T10:00:00.123Z INFO  calls CA0123... message`."""

    def format(self, record: logging.LogRecord) -> str:
        sid = getattr(record, "call_sid", "")
        said = _printable(record.getMessage())
        line = f"{_stamp(record.created)}Z {record.levelname:<7} {_area(record.name)} {sid + ' ' if sid else ''}{said}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormat(logging.Formatter):
    """One JSON object a line: at, level, area, message, call_sid, account_sid, exception."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": f"{_stamp(record.created)}+00:00",
            "level": record.levelname,
            "area": record.name.removeprefix("callwright."),
            "message": record.getMessage(),
        }
        for key in ("call_sid", "account_sid"):
            if value := getattr(record, key, ""):
                entry[key] = value
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, style: str) -> None:
    """Sets the root logger up, to standard error.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        style: "text" or "json".
    """
    handler = Lines(sys.stderr)
    handler.setFormatter(JsonFormat() if style == "json" else TextFormat())
    # What no line tells is not collected: the caller's frame alone is a sixth of a line's cost.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("alembic", "asyncio", "uvicorn", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
