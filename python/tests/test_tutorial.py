"""The tutorial's own text, done as a newcomer would: files are written, commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def matches(expected: str, got: str) -> bool:
    """Whether that was to be expected: ``...`` stands for anything within a line, and how wide a
    column is does not count."""
    wanted, lines = (
        [" ".join(line.split()) for line in text.splitlines()] for text in (expected, got)
    )
    if len(wanted) != len(lines):
        return False
    patterns = (".*".join(map(re.escape, line.split("..."))) for line in wanted)
    return all(re.fullmatch(one, line) for one, line in zip(patterns, lines, strict=True))


def steps(block: str) -> list[tuple[str, str]]:
    """Each command with the output that it is shown with."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found[-1]
            found[-1] = (command, output + line)
    return found


def do_as_shown(page: Path, directory: Path) -> int:
    """Writes the files that a page shows, and runs its commands; returns how many there were."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("REMEMO")}
    ours["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = 0
    for kind, title, text in BLOCK.findall(page.read_text()):
        if title:
            (directory / title).write_text(text)
        for command, expected in steps(text) if kind == "console" else []:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=directory,
                env=ours,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert (done.returncode, done.stderr) == (0, ""), command
            assert matches(expected, done.stdout), f"{command}{done.stdout}\n{expected}"
            ran += 1
    return ran


def test_all_of_it_does_what_it_says(tmp_path: Path) -> None:
    """In an empty directory, with what is installed here."""
    assert do_as_shown(TUTORIAL, tmp_path) > 15
    assert (tmp_path / "report.html").stat().st_size > 100_000
