"""Trunks that an account brings along: where their calls go out (call-control reference §3.14, §7.7)."""

import random
from collections.abc import Callable

from callwright.store.directory import Directory


class ByocTrunks:
    """What the directory says of them, each time that it is asked.

    Args:
        chance: a number from 0 to 1, for the choice among targets of equal priority.
    """

    def __init__(self, directory: Directory, chance: Callable[[], float] = random.random) -> None:
        self._directory = directory
        self._chance = chance

    def targets(self, account_sid: str, sid: str) -> tuple[str, ...]:
        """URIs of the enabled targets of a trunk's policy, in the order in which they are to be tried: the lowest
        priority first, and of equal ones the heavier more often first; none when the account has no such trunk."""
        trunk = self._directory.get("byoc_trunks", sid)
        if trunk is None or trunk.account_sid != account_sid:
            return ()
        policy = trunk["connection_policy_sid"] or "none"
        found = self._directory.of("connection_policy_targets", account_sid, policy)
        enabled = [one for one in found if one["enabled"]]
        # each target's turn is drawn so that the first of its priority is one of weight w with probability w / total
        drawn = {one.sid: self._chance() ** (1 / one["weight"]) for one in enabled}
        enabled.sort(key=lambda one: (one["priority"], -drawn[one.sid]))
        return tuple(one["target"] for one in enabled)
