"""Errors that classify themselves: each knows its SIP code, HTTP status, public code, outcome, and if a retry may help.

    CallwrightError
      ConfigError            the configuration file or environment is wrong; every fault with its key path
      StartError             the daemon cannot start: one line that says what to do
      EngineError            the native engine refused or lost something
      LegGone                the SIP leg ended while an operation on it was running
      NotRegistered          a user of ours is called, and no phone of his is there
        NoSuchUser           nobody has that name in a domain of ours
      Fenced                 a call that a fence holds back: its destination, caller ID, or a bound of the day
      StoreError             the database cannot be read or written
      MediaError             a file or speech cannot be fetched, decoded or synthesised (public codes 11200, 13420, ...)
      ApplicationError       an application server failed us (11200 family, 12100, 12300, ...): the fallback's business
      RoomError              a call cannot enter a conference or a queue (16020 full, 16025 label in use, 14207, ...)
      DocumentError          a document cannot be run at all (12100, 12102, 11750): fatal, goes to the fallback
      RestError              a REST request is refused: status, code, message

Public codes are those of the call-control reference §8.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

MORE_INFO = "https://www.twilio.com/docs/errors/{code}"


class Outcome(StrEnum):
    """How a call, or a step of it, ended, as counted in metrics and records."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    UPSTREAM_ERROR = "upstream_error"
    INDETERMINATE = "indeterminate"


class CallwrightError(Exception):
    """Root of every error that the daemon raises on purpose."""

    sip_code: ClassVar[int] = 500
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    outcome: ClassVar[Outcome] = Outcome.SERVER_ERROR
    code: int = 20500

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class ConfigError(CallwrightError):
    """The configuration is wrong.

    Args:
        faults: one "key.path: what is wrong" line each, at least one.
    """

    outcome = Outcome.CLIENT_ERROR

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class StartError(CallwrightError):
    """The daemon cannot start; the message is one line that an operator can act on."""


class EngineError(CallwrightError):
    """The native engine refused a command or lost an object."""

    sip_code = 503


class LegGone(CallwrightError):
    """The leg ended (BYE, CANCEL, failure) while something was running on it."""

    sip_code = 487
    outcome = Outcome.SUCCESS


class NotRegistered(CallwrightError):
    """A user of ours is called who has no phone registered (call-control reference §7.2)."""

    sip_code = 480
    outcome = Outcome.CLIENT_ERROR
    code = 32009


class NoSuchUser(NotRegistered):
    """A domain of ours is called, at a name that no user of the account has."""

    sip_code = 404


class Fenced(CallwrightError):
    """A call that may not be placed: 13227 geo permission, 13225 blocked, 13214 caller ID, 13224 no number, 20429 its
    bound is used up (call-control reference §8)."""

    sip_code = 403
    outcome = Outcome.CLIENT_ERROR
    code = 13227


class StoreError(CallwrightError):
    """The database cannot be read or written."""

    http_status = 503
    code = 20503
    retryable = True


class MediaError(CallwrightError):
    """A sound cannot be fetched, decoded or synthesised."""

    outcome = Outcome.UPSTREAM_ERROR
    code = 11200


class ApplicationError(CallwrightError):
    """An application server failed: connection, TLS, time, HTTP status, redirect loop, content.

    Args:
        url: the URL that failed, as it stands in the application's settings or document.
        response_status: the HTTP status, when one was received.
    """

    sip_code = 480
    http_status = 502
    outcome = Outcome.UPSTREAM_ERROR
    code = 11200

    def __init__(self, message: str, *, code: int | None = None, url: str = "", response_status: int = 0) -> None:
        super().__init__(message, code=code)
        self.url = url
        self.response_status = response_status


class DocumentError(ApplicationError):
    """A document that cannot be run at all."""

    code = 12100


class RoomError(CallwrightError):
    """A call cannot enter a conference or a queue, or cannot be what is asked of it there."""

    sip_code = 480
    http_status = 400
    outcome = Outcome.CLIENT_ERROR
    code = 16003


class RestError(CallwrightError):
    """A REST request is refused (call-control reference §3.1 and §8.3).

    Args:
        status: the HTTP status of the answer.
    """

    outcome = Outcome.CLIENT_ERROR
    http_status = 400
    code = 20001

    def __init__(self, message: str, *, code: int | None = None, status: int = 400) -> None:
        super().__init__(message, code=code)
        self.status = status
