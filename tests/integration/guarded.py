"""The daemon with users, before its configuration can name any: `python -m tests.integration.guarded serve ...`."""

from typing import Any

from callwright import daemon
from callwright.cli.app import main
from callwright.sip.credentials import Credential
from callwright.sip.endpoint import Endpoint

USER, PASSWORD = "alice", "open sesame"


class Guarded(Endpoint):
    """An endpoint with one user."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.authenticate([Credential.of(USER, self._domain, PASSWORD)])


if __name__ == "__main__":
    daemon.Endpoint = Guarded  # type: ignore[misc]  # what the configuration will do
    main()
