"""Which countries an account may call: a fuse against toll fraud (call-control reference §3.14, §8.2).

All may be called until an account says otherwise over the API.
"""

from collections.abc import Mapping

from callwright import ids
from callwright.account import Account
from callwright.calls.countries import countries_of
from callwright.store.directory import Directory

KIND, SETTINGS = "dialing_permissions", "dialing_settings"
LOW_RISK = "low_risk_numbers_enabled"
FLAGS = (LOW_RISK, "high_risk_special_numbers_enabled", "high_risk_tollfraud_numbers_enabled")
FORBIDDEN = 13227


class Permissions:
    """What the directory says of countries, each time that it is asked."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def permits(self, account: Account, number: str) -> bool:
        """Whether an account may call a number; one of several countries' code needs one of them."""
        may_lie_in = countries_of(number) if number.startswith("+") else ()
        return not may_lie_in or any(self.flags(account, one.iso)[LOW_RISK] for one in may_lie_in)

    def flags(self, account: Account, iso: str) -> Mapping[str, bool]:
        """What an account may call in a country. A subaccount has its owner's permissions unless it says otherwise."""
        own = self._directory.get(SETTINGS, sid(account.sid))
        inherits = own is None or own["dialing_permissions_inheritance"]
        whose = account.owner_sid if account.owner_sid and inherits else account.sid
        found = self._directory.get(KIND, sid(whose, iso))
        return {flag: bool(found.fields.get(flag, True)) if found else True for flag in FLAGS}


def sid(account_sid: str, iso: str = "") -> str:
    """Where the directory keeps an account's permissions for a country; without one, its settings."""
    return ids.derived("DP", account_sid, iso)
