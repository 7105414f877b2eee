"""A hit of a function that saves a figure makes the same file again, in every format."""

from __future__ import annotations

import gzip
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from rememo import Cache, ClockWarning, figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMATS = ["png", "jpg", "webp", "svg", "svgz", "pdf", "eps", "ps"]


@pytest.fixture
def cache() -> Iterator[Cache]:
    """A cache of its own, and no figures left behind."""
    with Cache(temporary=True) as cache:
        yield cache
    plt.close("all")


@pytest.fixture(params=["agg", "svg", "pdf", "ps"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Figures are drawn by one backend after another."""
    before = mpl.get_backend()
    plt.switch_backend(request.param)
    yield request.param
    plt.switch_backend(before)


def saver(cache: Cache, save: Any) -> Any:
    """A memoized function that draws a curve and saves it."""

    @cache.memoize(effects=["files"])
    def curve(values: list[int], path: Path) -> int:
        figure, axes = plt.subplots()
        axes.plot(values)
        axes.set_title("a curve")
        save(path, figure)
        plt.close(figure)
        return len(values)

    return curve


@pytest.mark.parametrize("kind", FORMATS)
def test_a_hit_makes_the_file_again(cache: Cache, backend: str, kind: str, tmp_path: Path) -> None:
    """Byte for byte, whichever backend is in use, and whatever there is by then."""
    path = tmp_path / f"curve.{kind}"
    curve = saver(cache, figures.save)
    assert curve([1, 4, 9], path) == 3
    saved = path.read_bytes()
    path.unlink()
    assert curve([1, 4, 9], path) == 3
    assert (curve.cache_info().hits, path.read_bytes()) == (1, saved)
    path.write_text("something else")
    assert curve([1, 4, 9], path) == 3
    assert path.read_bytes() == saved
    curve([9, 4, 1], path)
    assert path.read_bytes() != saved


def test_pixels_are_those_that_savefig_makes(cache: Cache, tmp_path: Path) -> None:
    """With and without the cache."""
    plain, kept = tmp_path / "plain.png", tmp_path / "kept.png"
    with warnings.catch_warnings():
        saver(cache, lambda path, figure: figure.savefig(path)).__wrapped__([1, 4, 9], plain)
    curve = saver(cache, figures.save)
    for _ in range(2):
        kept.unlink(missing_ok=True)
        curve([1, 4, 9], kept)
        assert np.array_equal(plt.imread(plain), plt.imread(kept))
    assert curve.cache_info().hits == 1


def test_what_is_asked_for_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current figure, a format, a date; and settings and variables stay as they were."""
    plt.figure().gca().set_title("current")
    figures.save(tmp_path / "one", format="svg", metadata={"Date": "2001-02-03", "Title": "mine"})
    written = (tmp_path / "one").read_text()
    assert "2001-02-03" in written
    assert "mine" in written
    figures.save(tmp_path / "two.svg")
    assert "dc:date" not in (tmp_path / "two.svg").read_text()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    figures.save(tmp_path / "three.eps")
    assert "1970" in (tmp_path / "three.eps").read_text()
    assert mpl.rcParams["svg.hashsalt"] is None
    with mpl.rc_context({"savefig.format": "svgz"}):
        figures.save(tmp_path / "four")
    drawn = gzip.decompress((tmp_path / "four.svgz").read_bytes())
    assert drawn == (tmp_path / "two.svg").read_bytes()
    plt.close("all")


def test_savefig_itself_writes_down_the_date(cache: Cache, tmp_path: Path) -> None:
    """Which is told of, and not kept."""
    curve = saver(cache, lambda path, figure: figure.savefig(path))
    with pytest.warns(ClockWarning, match="savefig"):
        curve([1, 4, 9], tmp_path / "curve.pdf")
    assert not curve.would_hit([1, 4, 9], tmp_path / "curve.pdf")
