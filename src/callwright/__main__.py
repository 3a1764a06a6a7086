"""`callwright`, `python -m callwright`."""

import sys

from callwright.errors import StartError


def main() -> None:
    """The entry point."""
    try:
        from callwright.cli.app import app  # which fails when there is no engine

        app()
    except StartError as error:
        print(f"callwright: {error.message}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
