"""What the configuration file declares, as records of the directory: the seed, which the API shows and cannot change.

Its SIDs are derived from what they name, so that they are the same at every start.
"""

from collections.abc import Iterable, Iterator

from callwright import ids
from callwright.account import Account
from callwright.config import Config
from callwright.store.directory import Record


def declared(config: Config, accounts: Iterable[Account]) -> Iterator[Record]:
    """Accounts and numbers.

    Args:
        accounts: those of the file, with their tokens and limits.
    """
    for account in accounts:
        fields = {
            "friendly_name": account.friendly_name,
            "auth_token": account.auth_token,
            "status": "active",
            "calls_per_second": account.calls_per_second,
            "concurrent_calls": account.concurrent_calls,
            "api_concurrency": account.api_concurrency,
            "api_queue_ms": account.api_queue_ms,
            "last_resort": account.last_resort,
        }
        yield Record(account.sid, "accounts", account.sid, fields)
    yield from numbers(config)


def numbers(config: Config) -> Iterator[Record]:
    """The [[number]] tables."""
    for section in config.number:
        fields = {
            "phone_number": section.number,
            "friendly_name": section.number,
            "voice_url": config.absolute(section.voice_url),
            "voice_method": section.voice_method,
            "voice_fallback_url": config.absolute(section.voice_fallback_url),
            "voice_fallback_method": section.voice_fallback_method,
            "status_callback": config.absolute(section.status_callback),
            "status_callback_method": section.status_callback_method,
            "sms_url": config.absolute(section.message_url),
            "sms_method": section.message_method,
            "twiml": section.twiml,
            "last_resort": section.last_resort,
            "type": "local",
        }
        sid = ids.derived(ids.PHONE_NUMBER, section.account, section.number)
        yield Record(sid, "incoming_phone_numbers", section.account, fields)
