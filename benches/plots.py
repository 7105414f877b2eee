"""Draws what a hit takes against what it depends on: two charts in docs/images, in log scale."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
from caches import CACHES, Rememo
from calls import Hit
from cases import floats
from workloads.answer import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from caches import Function

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
HELPERS = (1, 3, 10, 30)
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS = 3


def with_helpers(count: int) -> Function:
    """Returns a function that calls this many helpers, each with a global of its own."""
    lines = [f"G{at} = {at}\ndef helper_{at}(x):\n    return x + G{at}\n" for at in range(count)]
    calls = " + ".join(f"helper_{at}(x)" for at in range(count))
    lines.append(f"def total(x):\n    return {calls}\n")
    name = f"workload_with_{count}"
    directory = Path(tempfile.mkdtemp(prefix="rememo-plots-"))
    (directory / f"{name}.py").write_text("".join(lines), encoding="utf-8")
    sys.path.insert(0, str(directory))
    function: Function = __import__(name).total
    return function


def measure(make: Callable[[int], Hit], sizes: tuple[int, ...]) -> dict[str, list[float]]:
    """Returns the seconds of a hit for each cache, one for each size: NaN if none."""
    found: dict[str, list[float]] = {cache.name: [] for cache in CACHES}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="rememo-plots-") as root, ExitStack() as stack:
            trials = make(size).trials(Path(root), stack)
            for name, seconds in found.items():
                trial = trials.get(name)
                times = [trial() for _ in range(ROUNDS)] if trial else [float("nan")]
                seconds.append(median(times))
    return found


def draw(name: str, label: str, sizes: tuple[int, ...], found: dict[str, list[float]]) -> None:
    """Writes one chart."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for cache, seconds in found.items():
        width = 3 if cache == Rememo.name else 1.5
        axes.loglog(sizes, seconds, marker="o", linewidth=width, label=cache)
    axes.set_xlabel(label)
    axes.set_ylabel("seconds for a hit")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})


def main() -> None:
    """Measures and draws."""
    mpl.rcParams["svg.hashsalt"] = "rememo"
    mpl.rcParams["svg.fonttype"] = "none"
    helpers = measure(lambda count: Hit("helpers", Rememo, with_helpers(count), 7), HELPERS)
    draw("helpers", "helpers that the function refers to, each with a global", HELPERS, helpers)
    sizes = measure(lambda size: Hit("size", Rememo, answer, floats(size)), SIZES)
    draw("arguments", "bytes of the argument, an array", SIZES, sizes)


if __name__ == "__main__":
    main()
