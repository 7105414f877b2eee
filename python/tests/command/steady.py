"""Outputs of the command without what is another each time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What is another in each run, or on each machine, and what stands for it.
CHANGING = (
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b[0-9a-f]{12}\b", "DIGEST"),
    (r"\d{4}-\d\d-\d\d(T[\d:]+Z)?", "DATE"),
    (r"\b(just now|\d+ (s|min) ago)", "AGE"),
    (r"\b[\d.]+ (ns|µs|ms|s|min)\b", "TIME"),
    (r"\b[\d.]+ ([KMGT]iB|B)\b", "SIZE"),
    (r"cpython \d+\.\d+\.\d+\S*", "cpython VERSION"),
    (r"CPython \d+\.\d+\.[^\s,]+", "CPython VERSION"),
    (r"\S+, \w+ \w+, process \d+$", "HOST, PLATFORM, process NUMBER"),
    (r"\d+\.\d+\.\d+\S* \(.*, .*\) \[.*\]", "PYTHON"),
    (r"rememo \d+\.\d+\.\d+", "rememo VERSION"),
    (r"format \d+ of the directory, encoding \d+", "format N of the directory, encoding N"),
    (r"file system: \w+,", "file system: KIND,"),
    (r"(open files|addresses|length of a file): (no limit|\d+|SIZE)", r"\1: LIMIT"),
    (r"\b\d+% of the disk", "SHARE"),
    (r"  +", "  "),
    (r" +$", ""),
)


def steady(told: str, directory: Path) -> str:
    """Returns an output without what is another each time."""
    told = told.replace(str(directory), "HERE")
    for changing, what in CHANGING:
        told = re.sub(changing, what, told, flags=re.MULTILINE)
    return told
