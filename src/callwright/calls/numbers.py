"""Numbers and stored applications: who answers a call, and from which numbers an account may call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callwright.calls.application import Application, Hook
from callwright.calls.elastic import origination
from callwright.sip.identity import ANONYMOUS
from callwright.store.directory import Directory, Record

NOBODY = "<Response><Reject/></Response>"
"""What runs calls to a number for which nobody has said what answers it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number and who answers it.

    Attributes:
        message: who is told of messages to it; None for nobody.
        message_fallback: who is told when that fails.
    """

    sid: str
    number: str
    account_sid: str
    application: Application
    message: Hook | None = None
    message_fallback: Hook | None = None


class Numbers:
    """What the directory says of numbers, each time that it is asked."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def find(self, number: str) -> Number | None:
        """The number as it is kept, with or without its plus."""
        record = self._record(number)
        if record is None:
            return None
        own = record.sid, record["phone_number"], record.account_sid
        return Number(*own, self._answering(record), *self._messages(record))

    def owns(self, account_sid: str, number: str) -> bool:
        """Whether an account may show this number as its caller ID: it is its own, one that it has verified, or
        nobody's."""
        if number == ANONYMOUS:
            return True
        record = self._record(number)
        if record is not None and record.account_sid == account_sid:
            return True
        verified = self._directory.matching("outgoing_caller_ids", "phone_number", number)
        return any(one.account_sid == account_sid for one in verified)

    def application(self, account_sid: str, sid: str) -> Application | None:
        """An account's stored application."""
        record = self._directory.get("applications", sid)
        return stored(record) if record is not None and record.account_sid == account_sid else None

    def reachable(self, account_sid: str, sid: str) -> Application | None:
        """The stored application that an account's call may be passed on to: one of its own, or one of another account
        that is open to every account (call-control reference §6.6)."""
        record = self._directory.get("applications", sid)
        if record is None or not (record.account_sid == account_sid or record["public_application_connect_enabled"]):
            return None
        return stored(record)

    def _record(self, number: str) -> Record | None:
        kind, name = "incoming_phone_numbers", "phone_number"
        return self._directory.first(kind, name, number) or self._directory.first(kind, name, "+" + number)

    def _messages(self, record: Record) -> tuple[Hook | None, Hook | None]:
        """Who is told of messages: the stored application that the number names for them, or its own URLs."""
        application = self._directory.get("applications", record["sms_application_sid"] or "")
        if application is not None and application.account_sid == record.account_sid:
            record = application
        first, second = record["sms_url"], record["sms_fallback_url"]
        primary = Hook(first, record["sms_method"] or "POST") if first else None
        return primary, Hook(second, record["sms_fallback_method"] or "POST") if primary and second else None

    def _answering(self, record: Record) -> Application:
        """A number's application: its trunk, the stored one that it names, or its own URLs, in this order."""
        if (elastic := origination(self._directory, record)) is not None:
            return Application(elastic=elastic, status_callback=settings(record.fields).status_callback)
        sid = record["voice_application_sid"] or ""
        application = self._directory.get("applications", sid)
        if application is not None and application.account_sid == record.account_sid:
            return stored(application)
        return settings(record.fields)


def stored(record: Record) -> Application:
    """A stored application (call-control reference §3.6)."""
    return settings(record.fields, sid=record.sid)


def settings(fields: Mapping[str, Any], *, sid: str | None = None) -> Application:
    """An application from the fields that numbers and stored applications share.

    One without a URL takes no call.
    """

    def hook(name: str, method: str) -> Hook | None:
        url = fields.get(name)
        return Hook(url, fields.get(method) or "POST") if url else None

    voice = hook("voice_url", "voice_method")
    return Application(
        voice=voice,
        twiml=None if voice else fields.get("twiml") or NOBODY,
        fallback=hook("voice_fallback_url", "voice_fallback_method"),
        status_callback=hook("status_callback", "status_callback_method"),
        sid=sid,
        last_resort=fields.get("last_resort") or "",
    )
