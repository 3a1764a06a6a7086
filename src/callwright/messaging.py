"""The text messages of a running daemon: what takes them, tells applications of them, and sends them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

from callwright.account import Account
from callwright.apps.callbacks import Callbacks
from callwright.apps.client import ApplicationClient
from callwright.calls.alerts import Alerts
from callwright.calls.arrivals import KIND, Arrivals
from callwright.calls.inbox import Inbox, hooks
from callwright.calls.messages import Messages
from callwright.calls.numbers import Numbers
from callwright.calls.pager import Pager
from callwright.config import Config
from callwright.edge import Edge
from callwright.store.store import Store
from callwright.twiml.correspondence import Correspondence


class Messaging:
    """Its parts.

    Attributes:
        pager: sends over SIP.
        sending: what the API and documents send, and what becomes of it.
        arrivals: what comes in for applications.
    """

    def __init__(self, config: Config, store: Store, callbacks: Callbacks, edge: Edge) -> None:
        self._config, self._callbacks, self._edge = config, callbacks, edge
        self.pager = Pager(edge.endpoint, edge.registrar, callbacks)
        self.sending = Messages(store, callbacks, config.messages.gateway, self.pager)
        self.arrivals = Arrivals(store, callbacks)

    async def open(
        self,
        stack: AsyncExitStack,
        accounts: Mapping[str, Account],
        numbers: Numbers,
        client: ApplicationClient,
        alerts: Alerts,
    ) -> None:
        """Lets messages in, and resumes what an earlier run has left.

        Raises:
            StoreError: what the last run has kept cannot be read.
        """
        await self.sending.settle_lost(accounts)
        replying = partial(self.sending.send, reply=True)
        self._callbacks.reads(KIND, Correspondence(client, numbers, replying, alerts.add).deliver)
        edge, known = self._edge, hooks(self._config)
        inbox = Inbox(accounts, numbers, edge.trunks, edge.users, known, self.pager, self.arrivals)
        edge.endpoint.requests["MESSAGE"] = inbox.take
        stack.push_async_callback(self.pager.close)
        stack.push_async_callback(inbox.close)
