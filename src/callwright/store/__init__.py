"""Records that outlive the daemon."""

# Their tables are part of the metadata, whoever opens the store.
from callwright.store import resources as resources
from callwright.store import traces as traces
