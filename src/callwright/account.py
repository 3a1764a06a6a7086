"""An account, as every layer needs it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns calls and numbers.

    Attributes:
        sid: AC...
        auth_token: signs the webhooks and opens the REST API; never logged.
        calls_per_second: how many REST calls may start each second; the others queue.
        concurrent_calls: live calls, legs of both directions counted.
        api_concurrency: API requests in flight for a type of resource; others wait `api_queue_ms`, and then get 429.
        owner_sid: the account that this one is a part of; "" for none.
        status: "active", "suspended" (no new calls, and the API only through its owner) or "closed" (for good).
        last_resort: what becomes of a call whose application fails, secondary URI and all: "apology", "reject", or a
            telephone number or SIP URI that it is connected with.
    """

    sid: str
    auth_token: str = field(repr=False)
    friendly_name: str = ""
    calls_per_second: float = 10.0
    concurrent_calls: int = 1000
    api_concurrency: int = 100
    api_queue_ms: int = 250
    owner_sid: str = ""
    status: str = "active"
    last_resort: str = "apology"

    @property
    def active(self) -> bool:
        """Whether it may make and take calls."""
        return self.status == "active"

    @property
    def lineage(self) -> tuple[str, ...]:
        """Whose trunks it uses: its own, then its owner's."""
        return (self.sid, self.owner_sid) if self.owner_sid else (self.sid,)
