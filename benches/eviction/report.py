"""Compares eviction policies on generated traces; writes the table and the plot of the docs.

$ python benches/eviction/report.py                # runs the comparison, a minute or two
$ python benches/eviction/report.py findings.tsv   # shows what `cargo bench` wrote before
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "eviction.svg"
BEGIN, END = "<!-- eviction: begin -->", "<!-- eviction: end -->"

COMMAND = ["cargo", "bench", "--quiet", "--bench", "eviction"]
POLICIES = ["lru", "lfu", "tinylfu", "decayed", "gdsf"]
REFERENCES = ["offline greedy", "offline packed"]
NAMES = {
    "lru": "LRU",
    "lfu": "aged LFU",
    "tinylfu": "cost-aware TinyLFU",
    "decayed": "decayed sum",
    "gdsf": "**GDSF**",
}
# Trace, then share of all bytes, then policy, to the shares saved, one for each seed.
Findings = dict[str, dict[float, dict[str, list[float]]]]


def main() -> None:
    """Runs the comparison, or reads one, and writes what came of it."""
    if len(sys.argv) > 1:
        text = Path(sys.argv[1]).read_text(encoding="utf-8")
    else:
        done = subprocess.run(  # noqa: S603  the command is a constant
            COMMAND, cwd=ROOT, check=True, capture_output=True, text=True
        )
        text = done.stdout
    findings = parsed(text)
    plot(findings)
    update(f"{told(findings)}\n\n{table(findings)}")


def parsed(text: str) -> Findings:
    """Returns the findings in the lines that the comparison writes."""
    findings: Findings = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for line in text.splitlines():
        trace, size, policy, _, saved = line.split("\t")
        findings[trace][float(size)][policy].append(float(saved))
    return findings


def told(findings: Findings) -> str:
    """Returns the words before the table."""
    seeds = len(findings["zipf"][0.1]["gdsf"])
    day = datetime.now(tz=UTC).date().isoformat()
    return (
        f"Computed on {day}, means of {seeds} seeds. Each cell has the share of compute time saved "
        "with room for\n1 %, 3 % and 10 % of all bytes ever asked for."
    )


def table(findings: Findings) -> str:
    """Returns a Markdown table with a row for each policy."""
    rows = [["", *findings], ["---", *["---" for _ in findings]]]
    for policy in [*POLICIES, *REFERENCES]:
        cells = []
        for sizes in findings.values():
            shares = [statistics.mean(sizes[size][policy]) for size in sorted(sizes) if size < 1]
            cells.append(" ".join(short(share) for share in shares))
        rows.append([NAMES.get(policy, policy), *cells])
    unlimited = [short(statistics.mean(sizes[1]["unlimited"])) for sizes in findings.values()]
    rows.append(["room for everything", *unlimited])
    shares = []
    for sizes in findings.values():
        best = [
            statistics.mean(sizes[size]["gdsf"]) / statistics.mean(sizes[size]["offline greedy"])
            for size in sorted(sizes)
            if size < 1
        ]
        shares.append(" ".join(short(share) for share in best))
    rows.append(["GDSF in parts of offline greedy", *shares])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def short(share: float) -> str:
    """Returns a share with two digits."""
    return f"{share:.2f}".removeprefix("0")


def plot(findings: Findings) -> None:
    """Draws a panel for each trace, with a line for each policy."""
    plt.rcParams.update({"svg.hashsalt": "rememo", "font.size": 8, "svg.fonttype": "none"})
    figure, panels = plt.subplots(2, 4, figsize=(11, 5), sharey=True, layout="constrained")
    for panel, (trace, sizes) in zip(panels.flat, findings.items(), strict=False):
        bounded = sorted(size for size in sizes if size < 1)
        for policy in [*POLICIES, "offline greedy"]:
            shares = [statistics.mean(sizes[size][policy]) for size in bounded]
            style = "k--" if policy == "offline greedy" else "o-"
            name = NAMES.get(policy, policy).strip("*")
            panel.plot([100 * size for size in bounded], shares, style, label=name, markersize=3)
        panel.set(title=trace, xscale="log", ylim=(0, 1))
        panel.set_xticks([100 * size for size in bounded], [f"{size:.0%}" for size in bounded])
        panel.minorticks_off()
    last = panels.flat[-1]
    last.axis("off")
    last.legend(*panels.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
    figure.supxlabel("room, as a share of all bytes asked for")
    figure.supylabel("share of compute time saved")
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


def update(text: str) -> None:
    """Puts text between the marks in the document."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{DOCUMENT.name} lacks the lines {BEGIN} and {END}")
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
