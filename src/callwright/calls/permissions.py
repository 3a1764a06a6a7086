"""Which numbers an account may call: a fuse against toll fraud (call-control reference §3.14, §8.2).

Ordinary numbers of every country may be called until an account says otherwise over the API; special ones and those
that toll fraud likes may not, until it says so.
"""

from collections.abc import Mapping

from callwright import ids
from callwright.account import Account
from callwright.calls.countries import countries_of
from callwright.calls.destinations import Risk, international, risk_of
from callwright.store.directory import Directory

KIND, SETTINGS = "dialing_permissions", "dialing_settings"
LOW_RISK = "low_risk_numbers_enabled"
SPECIAL, TOLLFRAUD = "high_risk_special_numbers_enabled", "high_risk_tollfraud_numbers_enabled"
FLAGS = (LOW_RISK, SPECIAL, TOLLFRAUD)
FLAG_OF = {None: LOW_RISK, Risk.SPECIAL: SPECIAL, Risk.TOLLFRAUD: TOLLFRAUD}


class Permissions:
    """What the directory says of countries, each time that it is asked."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def permits(self, account: Account, number: str) -> bool:
        """Whether an account may call a number; one of several countries' code needs one of them."""
        digits = international(number)
        risk, may_lie_in = risk_of(digits), countries_of(digits)
        if not may_lie_in:
            return risk is None
        return any(self.flags(account, one.iso)[FLAG_OF[risk]] for one in may_lie_in)

    def flags(self, account: Account, iso: str) -> Mapping[str, bool]:
        """What an account may call in a country. A subaccount has its owner's permissions unless it says otherwise."""
        own = self._directory.get(SETTINGS, sid(account.sid))
        inherits = own is None or own["dialing_permissions_inheritance"]
        whose = account.owner_sid if account.owner_sid and inherits else account.sid
        found = self._directory.get(KIND, sid(whose, iso))
        said = found.fields if found is not None else {}
        return {flag: bool(said.get(flag, flag == LOW_RISK)) for flag in FLAGS}


def sid(account_sid: str, iso: str = "") -> str:
    """Where the directory keeps an account's permissions for a country; without one, its settings."""
    return ids.derived("DP", account_sid, iso)
