"""Records that outlive the daemon."""

from callwright.store import resources as resources  # its table is part of the metadata, whoever opens the store
