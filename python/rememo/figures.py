"""Figures that are saved to files."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What each format writes down of the moment, unless it is told not to.
_DATES = {"svg": "Date", "pdf": "CreationDate"}
# By which many programs, matplotlib among them, are told what time to write down.
_EPOCH = "SOURCE_DATE_EPOCH"


def save(
    path: str | os.PathLike[str],
    figure: Figure | None = None,
    **options: Any,  # noqa: ANN401  those of `savefig`
) -> None:
    """Saves a figure with nothing in the file that is not in the figure.

    ``savefig`` writes the date into PDF, PostScript and SVG, and random names into SVG, so a
    function that calls it looks at the clock, and its result is not stored. With this in its place
    and ``effects=["files"]``, a hit makes the same file again, byte for byte.

    Args:
        path: where to; the end of its name says in which format, unless `format` does.
        figure: which; pyplot's current one by default.
        **options: those of `matplotlib.figure.Figure.savefig`. Dates that `metadata` names are
            written.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if matplotlib does not know the format.

    >>> import tempfile
    >>> from matplotlib.figure import Figure
    >>> from rememo.figures import save
    >>> figure = Figure()
    >>> lines = figure.subplots().plot([1, 4, 9])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     files = [Path(directory) / name for name in ("one.svg", "two.svg")]
    ...     for file in files:
    ...         save(file, figure)
    ...     files[0].read_bytes() == files[1].read_bytes()
    True
    """
    # Much of what matplotlib declares is of types that it does not say.
    mpl: Any = import_module("matplotlib")
    drawn: Any = import_module("matplotlib.pyplot").gcf() if figure is None else figure
    kind = options.get("format") or Path(path).suffix[1:] or mpl.rcParams["savefig.format"]
    date = _DATES.get(kind.lower())
    if date is not None:
        options["metadata"] = {date: None, **(options.get("metadata") or {})}
    before = os.environ.get(_EPOCH)
    salt = mpl.rcParams["svg.hashsalt"] or "rememo"
    try:
        if before is None:
            os.environ[_EPOCH] = "0"
        with mpl.rc_context({"svg.hashsalt": salt}):
            drawn.savefig(path, **options)
    finally:
        if before is None:
            os.environ.pop(_EPOCH, None)
