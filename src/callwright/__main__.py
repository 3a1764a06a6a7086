"""`callwright`, `python -m callwright`."""

from callwright.cli.app import main

if __name__ == "__main__":
    main()
