"""Runs a script and records what it asks its cache for, as a trace for the comparison.

$ python benches/eviction/record.py recorded.tsv script.py arguments of the script
$ cargo bench --bench eviction -- --trace recorded.tsv

Functions memoized without a cache of their own start with an empty one, which is removed
afterwards, so that the size and cost of whatever they ask for gets known.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rememo import Cache, _core, using

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    """Records a run."""
    parser = argparse.ArgumentParser(description="Records what a script asks its cache for.")
    parser.add_argument("trace", type=Path, help="the file to write")
    parser.add_argument("script", help="the program to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what to pass to it")
    options = parser.parse_args()
    sys.argv = [options.script, *options.arguments]
    sys.path.insert(0, str(Path(options.script).resolve().parent))
    with options.trace.open("w", encoding="utf-8") as file, Cache(temporary=True) as cache:
        recorder = Recorder(file)
        token = _core.subscribe(recorder.hear, ["stored", "hit"])
        try:
            with using(cache):
                runpy.run_path(options.script, run_name="__main__")
        finally:
            _core.unsubscribe(token)
    sys.stderr.write(f"{recorder.written} requests recorded in {options.trace}\n")
    if recorder.unknown:
        sys.stderr.write(f"{recorder.unknown} left out, for results stored before\n")


class Recorder:
    """Writes a line for each request whose size and cost are known."""

    def __init__(self, file: TextIO) -> None:
        """Begins with nothing known."""
        self.written = self.unknown = 0
        self._file = file
        self._known: dict[str, tuple[int, int]] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        """Takes down one event."""
        key = event["key"]
        if event["event"] == "stored":
            self._known[key] = event["size"], round(event["compute_seconds"] * 1e9)
        if key not in self._known:
            self.unknown += 1
            return
        size, cost = self._known[key]
        self._file.write(f"{key}\t{size}\t{cost}\n")
        self.written += 1


if __name__ == "__main__":
    main()
