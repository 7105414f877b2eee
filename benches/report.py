"""Results as text: two tables, and what they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from caches import CACHES

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"
NOTHING = "–"  # noqa: RUF001  a dash


@dataclass(frozen=True)
class Row:
    """What one case took.

    Attributes:
        title: what the case is called.
        base: the cache that the others are compared with.
        rounds: for each round, the seconds by cache.
    """

    title: str
    base: str
    rounds: list[dict[str, float]]

    def medians(self) -> list[str]:
        """Returns a cell for each cache."""
        return [self._cell(cache.name, in_units, lambda _: 1) for cache in CACHES]

    def ratios(self) -> list[str]:
        """Returns a cell for each cache: medians of the ratios within a round."""
        return [self._cell(cache.name, times, lambda found: found[self.base]) for cache in CACHES]

    def _cell(
        self, name: str, spell: Callable[[float], str], unit: Callable[[dict[str, float]], float]
    ) -> str:
        if name not in self.rounds[0]:
            return NOTHING
        return spell(statistics.median(found[name] / unit(found) for found in self.rounds))


def measured(rows: list[Row], rounds: int) -> str:
    """Returns everything that a run found out."""
    medians = table("median", [[row.title, *row.medians()] for row in rows])
    ratios = table("times the base", [[row.title, *row.ratios()] for row in rows])
    return f"{circumstances(rounds)}\n\n{medians}\n\n{ratios}\n"


def table(corner: str, rows: list[list[str]]) -> str:
    """Returns a Markdown table with a column for each cache."""
    header = [corner, *(cache.name for cache in CACHES)]
    rule = ["---", *("---:" for _ in CACHES)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def circumstances(rounds: int) -> str:
    """Says when, on what and with what the run was made."""
    day = datetime.now(tz=UTC).date().isoformat()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    distributions = [name for cache in CACHES for name in cache.distributions]
    distributions += ["numpy", "pandas", "pyarrow"]
    versions = [f"{name} {version(name)}" for name in distributions]
    machine = f"{os.cpu_count()} cores of {processor()}, {file_system()}"
    system = f"{platform.system()} {platform.machine()}"
    facts = [f"Measured on {day} on {machine}, {system}", python, *versions]
    load = f"load {os.getloadavg()[1]:.1f}"
    rounds_of = f"Medians of {rounds} rounds, one of what takes minutes"
    text = f"{', '.join(facts)}. {rounds_of}, {load} on average at the end."
    return textwrap.fill(text, width=100, break_on_hyphens=False, break_long_words=False)


def processor() -> str:
    """Returns the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "an unnamed processor"


def file_system() -> str:
    """Returns the kind of file system that temporary directories are on."""
    here = Path(tempfile.gettempdir()).resolve()
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    kinds = {Path(mount.split()[1]): mount.split()[2] for mount in mounts}
    return next(kinds[folder] for folder in (here, *here.parents) if folder in kinds)


def in_units(seconds: float) -> str:
    """Returns a time with three digits that count."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{three_digits(seconds / size)} {unit}"
    return f"{seconds / 1e-9:.2f} ns"


def times(ratio: float) -> str:
    """Returns a ratio with three digits that count."""
    return "under 0.01" if ratio < 0.01 else three_digits(ratio)  # noqa: PLR2004


def three_digits(number: float) -> str:
    """Returns a number with about three digits that count."""
    decimals = 2 if number < 10 else 1 if number < 100 else 0  # noqa: PLR2004
    return f"{number:,.{decimals}f}"


def update(document: Path, text: str) -> None:
    """Puts a run's findings between the marks in a document."""
    put_between(document, BEGIN, END, text)


def put_between(document: Path, begin: str, end: str, text: str) -> None:
    """Puts text in the place of what is between two marks in a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{document.name} lacks the lines {begin} and {end}")
    document.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
