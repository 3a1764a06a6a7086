"""What the sanitizers have reported: `python -m tests.engine.sanitizer_reports DIRECTORY` fails when any of it counts.

Every report counts, with one exception: memory that was lost without the engine's having part in it (no frame of its
module in the stack of the allocation). Python and its libraries leave some at their end.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FRAME_FORMAT = '"    #%n in %f %S (%m)"'
"""Of the runtimes' option stack_trace_format: the module last, by which the engine's frames are known."""
ENGINE = re.compile(r"/_engine\.([^/]*\.)?so\)$", re.MULTILINE)
LEAK = re.compile(r"^(?:Direct|Indirect) leak of \d+ byte\(s\) in \d+ object\(s\) allocated from:$")
RACE = re.compile(r"^WARNING: (ThreadSanitizer: .*?) \(pid=\d+\)$")
ERROR = re.compile(r"^==\d+==ERROR: (AddressSanitizer: [\w-]+)")
UNDEFINED = re.compile(r"^(\S+:\d+:\d+: runtime error: .*)$")
SHOWN_LINES = 60


@dataclass(frozen=True, slots=True)
class Report:
    """One finding: its title and its text with the stacks."""

    title: str
    text: str

    @property
    def counts(self) -> bool:
        """Whether it is a fault of the engine's."""
        return self.title != "leak" or ENGINE.search(self.text) is not None

    @property
    def place(self) -> str:
        """The topmost frame of the engine's module: what is the same in two reports of one fault."""
        return next((line.strip().split(" ", 2)[2] for line in self.text.splitlines() if ENGINE.search(line)), "")


def reports(text: str) -> Iterator[Report]:
    """The reports of one process."""
    title, lines = "", list[str]()
    for line in [*text.splitlines(), "SUMMARY: "]:
        if found := _title(line):
            if title:
                yield Report(title, "\n".join(lines))
            title, lines = found, [line]
        elif line.startswith("SUMMARY: "):
            if title:
                yield Report(title, "\n".join(lines))
            title, lines = "", []
        elif title:
            lines.append(line)


def _title(line: str) -> str:
    if LEAK.match(line):
        return "leak"
    found = RACE.match(line) or ERROR.match(line) or UNDEFINED.match(line)
    return found[1] if found else ""


def faults(directory: Path) -> dict[tuple[str, str], list[Report]]:
    """What counts in all the files of a directory, by title and place."""
    found: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for path in sorted(directory.iterdir()):
        for report in reports(path.read_text(errors="replace")):
            if report.counts:
                found[report.title, report.place].append(report)
    return found


def main(directory: Path) -> int:
    """Prints each fault once; the exit code."""
    found = faults(directory)
    for (title, place), same in found.items():
        print(f"-- {title}, {len(same)} times: {place}")
        print("\n".join(same[0].text.splitlines()[:SHOWN_LINES]))
    print(f"{len(found)} different reports of the sanitizer, {sum(map(len, found.values()))} in all ({directory})")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
