"""The accounts of the directory, as the rest of the daemon knows them."""

import logging
from collections.abc import Iterator, Mapping

from callwright.account import Account
from callwright.store.directory import Directory, Record

log = logging.getLogger(__name__)


class Accounts(Mapping[str, Account]):
    """Accounts by SID, those of the configuration file and subaccounts; a change of the directory shows at once."""

    def __init__(self, directory: Directory) -> None:
        self._accounts: dict[str, Account] = {}
        directory.listen("accounts", self._changed)

    def __getitem__(self, sid: str) -> Account:
        return self._accounts[sid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def _changed(self, old: Record | None, new: Record | None) -> None:
        if new is None:
            if old is not None:
                self._accounts.pop(old.sid, None)
            return
        owner = self._accounts.get(new.account_sid)
        if new.account_sid != new.sid and owner is None:
            log.warning("account %s is passed over: its owner %s is not declared any more", new.sid, new.account_sid)
            return
        self._accounts[new.sid] = account(new, owner)


def account(record: Record, owner: Account | None = None) -> Account:
    """The account of a record. A subaccount has its owner's limits and last resort, each for itself."""
    limits = record.fields if owner is None or owner.sid == record.sid else {}
    given = owner or Account(record.sid, "")
    return Account(
        sid=record.sid,
        auth_token=record.fields["auth_token"],
        friendly_name=record.fields["friendly_name"],
        calls_per_second=limits.get("calls_per_second", given.calls_per_second),
        concurrent_calls=limits.get("concurrent_calls", given.concurrent_calls),
        api_concurrency=limits.get("api_concurrency", given.api_concurrency),
        api_queue_ms=limits.get("api_queue_ms", given.api_queue_ms),
        owner_sid="" if record.account_sid == record.sid else record.account_sid,
        status=record.fields["status"],
        last_resort=limits.get("last_resort", given.last_resort),
    )
