"""Writes small programs to disk and runs them in processes of their own, with one cache for each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

SERVER = Path(__file__).with_name("program_server.py")


class Report(NamedTuple):
    """What came of one expression."""

    value: str | None
    error: str | None
    events: list[str]
    """What memoized functions did: hit, miss, stored and so on."""
    last: str
    """All that the last of these events says."""


class Runner:
    """A warm process that runs each program in a child of its own."""

    def __init__(self, seed: int, preload: Sequence[str] = (), **environment: str) -> None:
        """Starts the process, its hashes seeded, with some modules imported."""
        kept = {name: value for name, value in os.environ.items() if name != "REMEMO_DIR"}
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-P", str(SERVER), *preload],
            env={**kept, "PYTHONHASHSEED": str(seed), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, directory: Path, *expressions: str) -> list[Report]:
        """Evaluates expressions about the module `m` in a directory, in one new process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps((str(directory), expressions)), file=self.process.stdin, flush=True)
        reports = json.loads(self.process.stdout.readline() or "null")
        assert reports is not None, f"the process that ran {directory} died"
        return [Report(*report) for report in reports]

    def __enter__(self) -> Self:
        """Is of use as it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process."""
        self.process.communicate(timeout=60)


def files(text: str) -> dict[str, str]:
    """Parts the text of a program into files."""
    parts = re.split(r"^# file (\S+)\n", "# file m.py\n" + text, flags=re.MULTILINE)[1:]
    return {
        name: (
            "from rememo import memoize\n" + body
            if "@memoize" in body and "import memoize" not in body
            else body
        )
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def write(directory: Path, program: str | dict[str, str]) -> None:
    """Writes the files of a program: the texts of several, or one text that is parted into them."""
    texts = files(program) if isinstance(program, str) else program
    for name, body in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
