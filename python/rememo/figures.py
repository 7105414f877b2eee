"""Figures that are saved to files."""

from __future__ import annotations

import gzip
import io
import os
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from matplotlib.figure import Figure

# What each format writes down of the moment, unless it is told not to.
_DATES = {"svg": "Date", "svgz": "Date", "pdf": "CreationDate"}
# Which of matplotlib's backends can be told, whichever is in use.
_BACKENDS = {"svg": "svg", "svgz": "svg", "pdf": "pdf", "ps": "ps", "eps": "ps"}
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
            written. SVG, PDF and PostScript are drawn by matplotlib's own backends for them,
            unless `backend` names another.

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
    kind = kind.lower()
    if kind in _BACKENDS:
        options.setdefault("backend", _BACKENDS[kind])
    date = _DATES.get(kind)
    if date is not None:
        options["metadata"] = {date: None, **(options.get("metadata") or {})}
    # What compresses it writes the time as well, so that is done here.
    plain = io.BytesIO() if kind == "svgz" else None
    if plain is not None:
        path = path if options.get("format") or Path(path).suffix else f"{os.fspath(path)}.{kind}"
        options["format"] = "svg"
    with _no_moment(mpl):
        drawn.savefig(path if plain is None else plain, **options)
    if plain is not None:
        Path(path).write_bytes(gzip.compress(plain.getvalue(), mtime=0))


@contextmanager
def _no_moment(mpl: Any) -> Generator[None]:  # noqa: ANN401  a module
    """Has neither the time nor what is drawn at random show in a file."""
    before = os.environ.get(_EPOCH)
    salt = mpl.rcParams["svg.hashsalt"] or "rememo"
    try:
        if before is None:
            os.environ[_EPOCH] = "0"
        with mpl.rc_context({"svg.hashsalt": salt}):
            yield
    finally:
        if before is None:
            os.environ.pop(_EPOCH, None)
