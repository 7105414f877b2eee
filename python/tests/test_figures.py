"""Functions that draw: figures are results, and what is drawn on the current one is drawn again."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from rememo import Cache, FigureEffectWarning, drawing, notices

mpl.use("agg")
plt: Any = pytest.importorskip("matplotlib.pyplot")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Program


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache of the test's own."""
    with Cache(tmp_path / "results") as cache:
        yield cache


@pytest.fixture(autouse=True)
def _own_figures() -> Iterator[None]:
    notices.forget()
    plt.close("all")
    with mpl.rc_context():
        yield
    plt.close("all")


def pixels(figure: Any) -> Any:
    """What a figure looks like."""
    figure.canvas.draw()
    return np.array(figure.canvas.buffer_rgba())


def counts(function: Any) -> tuple[int, int]:
    """Its hits and misses."""
    info = function.cache_info()
    return info.hits, info.misses


def same(one: Any, other: Any) -> bool:
    """Whether they look the same."""
    return np.array_equal(pixels(one), pixels(other))


# --- figures as results ----------------------------------------------------------------------


def chart(count: int) -> Any:
    """A figure of its own, with much in it."""
    figure, axes = plt.subplots(2, 2, figsize=(5, 4))
    axes[0, 0].plot(np.arange(count) ** 2, "o--", label="squares")
    axes[0, 0].legend()
    axes[0, 1].bar(range(count), range(count), color="C1")
    image = axes[1, 0].imshow(np.arange(count * count).reshape(count, count))
    figure.colorbar(image, ax=axes[1, 0])
    axes[1, 1].hist(np.arange(count) % 3)
    axes[1, 1].set_title("histogram")
    figure.suptitle(f"chart of {count}")
    return figure


def test_a_figure_that_is_returned_comes_back_with_the_same_pixels(cache: Cache) -> None:
    kept = cache.memoize(chart)
    plain, first, second = chart(5), kept(5), kept(5)
    assert counts(kept) == (1, 1)
    assert second is not first
    assert same(plain, first)
    assert same(plain, second)
    assert not same(plain, kept(6))


def test_a_figure_that_is_returned_open_is_open_after_a_hit(cache: Cache) -> None:
    kept = cache.memoize(chart)
    kept(3)
    plt.close("all")
    assert plt.gcf() is not kept(3)
    plt.close("all")
    figure = kept(3)
    assert plt.get_fignums() == [1]
    assert plt.gcf() is figure
    assert counts(kept) == (2, 1)


def test_pyplots_numbers_and_other_figures_do_not_count(cache: Cache) -> None:
    kept = cache.memoize(chart)
    kept(3)
    plt.figure(7)
    plt.plot([1, 2])
    assert kept.would_hit(3)


def test_axes_bring_their_figure(cache: Cache) -> None:
    @cache.memoize
    def axes() -> Any:
        return plt.subplots()[1]

    one, other = axes(), axes()
    assert axes.cache_info().hits == 1
    assert same(one.figure, other.figure)


def test_settings_count(cache: Cache) -> None:
    kept = cache.memoize(chart)
    thin = pixels(kept(4))
    mpl.rcParams["lines.linewidth"] = 9
    assert "settings of matplotlib changed" in str(kept.explain(4))
    assert np.array_equal(pixels(kept(4)), pixels(chart(4)))
    assert not np.array_equal(pixels(kept(4)), thin)
    assert counts(kept) == (1, 2)
    mpl.rcParams["lines.linewidth"] = mpl.rcParamsDefault["lines.linewidth"]
    assert np.array_equal(pixels(kept(4)), thin)
    assert counts(kept) == (2, 2)


def test_a_setting_that_is_read_counts(cache: Cache) -> None:
    @cache.memoize
    def width() -> object:
        return mpl.rcParams["lines.linewidth"]

    assert width() == width() == mpl.rcParamsDefault["lines.linewidth"]
    assert width.cache_info().hits == 1
    mpl.rcParams["lines.linewidth"] = 9
    assert width() == 9


def test_settings_do_not_count_for_what_does_not_draw(cache: Cache) -> None:
    double = cache.memoize(lambda x: 2 * x)
    double(2)
    mpl.rcParams["lines.linewidth"] = 9
    assert double.would_hit(2)


def test_settings_for_a_while_are_no_effect(cache: Cache) -> None:
    @cache.memoize
    def grey() -> Any:
        with plt.style.context("grayscale"):
            return chart(3)

    assert same(grey(), grey())
    assert counts(grey) == (1, 1)


def test_settings_that_stay_changed_are_warned_of(cache: Cache) -> None:
    @cache.memoize
    def thick() -> int:
        mpl.rcParams["lines.linewidth"] = 9
        return 1

    with pytest.warns(match="leaves settings of matplotlib changed"):
        thick()
    assert not thick.would_hit()


def test_settings_that_are_read_first_and_stay_changed_are_warned_of(cache: Cache) -> None:
    @cache.memoize
    def thicker() -> int:
        mpl.rcParams["lines.linewidth"] = mpl.rcParams["lines.linewidth"] + 1
        return 1

    with pytest.warns(match="leaves settings of matplotlib changed"):
        thicker()
    assert not thicker.would_hit()


# --- what a plain memoized function would leave out -------------------------------------------


def on_current(values: list[int]) -> None:
    """Draws on whatever figure is current."""
    plt.plot(values)


def leaves_open(values: list[int]) -> None:
    """Makes a figure that nobody else knows of."""
    plt.figure()
    plt.plot(values)


def closes(_values: list[int]) -> None:
    """Closes what is there."""
    plt.close("all")


def looks(_values: list[int]) -> tuple[float, float]:
    """Depends on the current figure."""
    return plt.gca().get_xlim()


@pytest.mark.parametrize("function", [on_current, leaves_open, closes, looks])
@pytest.mark.parametrize("there", [True, False])
def test_what_is_done_to_figures_of_pyplot_is_never_left_out(
    cache: Cache, function: Callable[[list[int]], object], there: bool
) -> None:
    kept = cache.memoize(function)
    with pytest.warns(FigureEffectWarning) if there or function is not closes else _nothing():
        for _ in range(2):
            plt.close("all")
            if there:
                plt.plot([3, 1, 2])
            kept([1, 2])
            looked = [pixels(plt.figure(number)) for number in plt.get_fignums()]
            plt.close("all")
            if there:
                plt.plot([3, 1, 2])
            function([1, 2])
            expected = [pixels(plt.figure(number)) for number in plt.get_fignums()]
            assert len(looked) == len(expected)
            assert all(map(np.array_equal, looked, expected))


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def test_a_figure_made_where_there_was_none_is_no_answer_where_there_is_one(cache: Cache) -> None:
    @cache.memoize
    def current(count: int) -> Any:
        plt.plot(range(count))
        return plt.gcf()

    with pytest.warns(FigureEffectWarning):
        current(2)
    mine = plt.figure()
    assert current(2) is mine


def test_it_may_be_allowed(cache: Cache) -> None:
    kept = cache.memoize(allow=["figures"])(on_current)
    kept([1])
    kept([1])
    assert counts(kept) == (1, 1)


def test_figures_that_are_closed_again_are_no_effect(cache: Cache) -> None:
    @cache.memoize
    def picture(count: int) -> Any:
        figure = chart(count)
        try:
            return pixels(figure)
        finally:
            plt.close(figure)

    plt.plot([1, 2])
    assert np.array_equal(picture(3), picture(3))
    assert counts(picture) == (1, 1)


# --- drawing on the current figure -------------------------------------------------------------


def lines(values: list[int]) -> Any:
    """Draws on the current axes, and returns what it made."""
    made = plt.plot(values, "o--", label="values")
    plt.title("title")
    plt.legend()
    plt.grid(visible=True)
    return made


def changes(values: list[int]) -> None:
    """Changes what is there."""
    for line in plt.gca().lines:
        line.set_linewidth(6)
    plt.xlim(0, 10)
    plt.yscale("log")
    plt.gcf().suptitle("above")
    plt.gcf().set_size_inches(3, 3)


def removes(values: list[int]) -> None:
    """Removes what is there."""
    for line in list(plt.gca().lines):
        line.remove()
    plt.fill_between(values, values)


def many(values: list[int]) -> None:
    """Adds axes, an image, a colour bar and an inset."""
    axes = plt.gcf().add_axes((0.6, 0.6, 0.3, 0.3))
    image = axes.imshow(np.outer(values, values))
    plt.colorbar(image)
    twin = axes.twinx()
    twin.scatter(values, values, c=values)
    twin.annotate("here", (1, 1))


def clears(values: list[int]) -> None:
    """Begins anew."""
    plt.clf()
    plt.subplot(1, 2, 1)
    plt.bar(values, values)
    plt.subplot(1, 2, 2)
    plt.pie(values)


def other_figure(values: list[int]) -> None:
    """Draws on the current one, and on one of its own."""
    plt.plot(values)
    plt.figure()
    plt.bar(values, values)


def with_formatter(values: list[int]) -> None:
    """Draws what cannot be pickled."""
    plt.plot(values)
    plt.gca().xaxis.set_major_formatter(lambda x, _: f"<{x}>")


def nothing() -> None:
    """No figure at all."""


def blank() -> None:
    """A figure with nothing in it."""
    plt.figure()


def plotted() -> None:
    """A figure with much in it."""
    chart(4)
    plt.plot([5, 1, 4])


def two() -> None:
    """Two figures."""
    plt.plot([1, 2])
    plt.figure()
    plt.plot([2, 1])


def shared() -> None:
    """Axes that share."""
    figure, _ = plt.subplots(2, 1, sharex=True)
    figure.axes[0].plot([1, 9])


def constrained() -> None:
    """A layout that is worked out when it is drawn."""
    figure, _ = plt.subplots(2, 2, layout="constrained")
    figure.axes[1].plot([1, 9])


def subfigures() -> None:
    """Figures within a figure."""
    one, other = plt.figure().subfigures(1, 2)
    one.subplots().plot([2, 1])
    other.suptitle("other")


def polar(values: list[int]) -> None:
    """Axes of another kind."""
    plt.subplot(projection="polar").plot(values, values)


def solid(values: list[int]) -> None:
    """Axes of three dimensions."""
    axes = plt.gcf().add_subplot(projection="3d")
    axes.plot_surface(*np.meshgrid(values, values), np.outer(values, values))


DRAWN = [lines, changes, removes, many, clears, other_figure]
BEFORE = [nothing, blank, plotted, two, shared]
OTHERS = [(polar, constrained), (solid, blank), (lines, subfigures), (many, constrained)]


@pytest.mark.parametrize(("function", "before"), [*itertools.product(DRAWN, BEFORE), *OTHERS])
def test_what_is_drawn_has_the_same_pixels_whether_it_hits_or_not(
    cache: Cache, function: Callable[[list[int]], object], before: Callable[[], None]
) -> None:
    def all_pixels(draw: Callable[[list[int]], object]) -> list[Any]:
        plt.close("all")
        before()
        draw([1, 2, 3])
        plt.title("later")  # whatever is drawn later is drawn in the same place
        current = plt.gcf()
        seen = [pixels(plt.figure(number)) for number in plt.get_fignums()]
        return [plt.get_fignums().index(current.number), *seen]

    kept = drawing(cache=cache)(function)
    expected = all_pixels(function)
    for _ in range(2):
        found = all_pixels(kept)
        assert len(found) == len(expected)
        assert all(map(np.array_equal, found, expected))
    assert counts(kept) == (1, 1)


def test_functions_that_draw_use_one_another(cache: Cache) -> None:
    inner = drawing(cache=cache)(lines)

    @drawing(cache=cache)
    def outer(values: list[int]) -> None:
        inner(values)
        inner(values[1:])

    @cache.memoize
    def makes(values: list[int]) -> Any:
        figure = plt.figure()
        outer(values)
        return figure

    reference = plt.figure()
    lines([1, 2, 3])
    lines([2, 3])
    for _ in range(2):
        plt.figure()
        outer([1, 2, 3])
        assert same(plt.gcf(), reference)
        assert same(makes([1, 2, 3]), reference)
    assert counts(outer) == (2, 1)
    assert counts(makes) == (1, 1)


def test_other_processes_draw_the_same(program: Program) -> None:
    program.write(
        module="""
        import hashlib, matplotlib
        matplotlib.use("agg")
        import matplotlib.pyplot as plt
        from rememo import drawing
        @drawing
        def draw(values):
            plt.plot(values, label="values")
            plt.legend()
        def look(draw):
            plt.close("all")
            figure, axes = plt.subplots()
            axes.plot([3, 1, 2])
            draw([1, 2])
            axes.set_title("afterwards")
            figure.canvas.draw()
            return hashlib.sha256(figure.canvas.buffer_rgba()).hexdigest()
        """
    )
    plain, _ = program.run("import module; out = module.look(module.draw.__wrapped__)")
    first, events = program.run("import module; out = module.look(module.draw)")
    assert "stored" in events
    assert program.run("import module; out = module.look(module.draw)") == (plain, ["hit"])
    assert first == plain


def test_the_callers_figure_and_axes_stay_who_they_are(cache: Cache) -> None:
    kept = drawing(cache=cache)(lines)
    for _ in range(2):
        figure, axes = plt.subplots()
        (mine,) = axes.plot([3, 2, 1])
        (line,) = kept([1, 2])
        assert plt.gcf() is figure
        assert plt.gca() is axes is figure.axes[0]
        assert axes.lines[0] is mine
        assert axes.lines[1] is line
        mine.set_color("red")
        axes.set_xlabel("below")
        reference, its = plt.subplots()
        (that,) = its.plot([3, 2, 1])
        lines([1, 2])
        that.set_color("red")
        its.set_xlabel("below")
        assert same(figure, reference)
    assert counts(kept) == (1, 1)


def test_what_is_in_the_current_figure_counts(cache: Cache) -> None:
    kept = drawing(cache=cache)(lines)
    plt.plot([1, 2])
    kept([1])
    plt.figure()
    plt.plot([1, 3])
    assert not kept.would_hit([1])
    assert "argument current_figure changed" in str(kept.explain([1]))
    plt.figure()
    plt.plot([1, 2])
    assert kept.would_hit([1])


def test_callbacks_of_the_caller_stay(cache: Cache) -> None:
    kept = drawing(cache=cache)(lines)
    seen: list[object] = []
    for _ in range(2):
        figure = plt.figure()
        figure.canvas.mpl_connect("draw_event", seen.append)
        kept([1, 2])
        figure.canvas.draw()
    assert len(seen) == 2


def test_what_cannot_be_pickled_is_drawn_and_not_kept(cache: Cache) -> None:
    kept = drawing(cache=cache)(with_formatter)
    with pytest.warns(match="not stored"):
        kept([1, 2])
    figure = plt.gcf()
    plt.figure()
    with_formatter([1, 2])
    assert same(figure, plt.gcf())
    assert not kept.would_hit([1, 2])


def test_an_exception_leaves_what_was_drawn_before_it(cache: Cache) -> None:
    @drawing(cache=cache)
    def fails() -> None:
        plt.plot([1, 2])
        raise KeyError

    figure = plt.figure()
    with pytest.raises(KeyError):
        fails()
    assert len(figure.axes[0].lines) == 1
    assert plt.gcf() is figure


def test_a_figure_that_is_not_current_is_drawn_on_and_warned_of(cache: Cache) -> None:
    @drawing(cache=cache)
    def first() -> None:
        plt.figure(1)
        plt.plot([1, 2])

    plt.figure(1)
    plt.figure(2)
    with pytest.warns(FigureEffectWarning):
        first()
    plt.figure(2)
    first()
    assert len(plt.figure(1).axes[0].lines) == 2
    assert counts(first) == (0, 2)


def test_methods_draw(cache: Cache) -> None:
    class Curve:
        def __init__(self, power: int) -> None:
            self.power = power

        @drawing(cache=cache)
        def draw(self, count: int) -> None:
            plt.plot(np.arange(count) ** self.power)

    plt.figure()
    Curve(2).draw(4)
    plt.figure()
    Curve(2).draw(count=4)
    assert counts(Curve.draw) == (1, 1)
    plt.figure()
    assert not Curve(3).draw.would_hit(4)


def test_what_drawing_refuses() -> None:
    with pytest.raises(TypeError, match="is a generator"):
        drawing(lambda: (yield))
    with pytest.raises(TypeError, match="has a parameter 'current_figure'"):
        drawing(lambda current_figure: current_figure)
    with pytest.raises(TypeError, match="takes no verify="):
        drawing(verify=0.5)
    with pytest.raises(TypeError, match="plain function"):
        drawing(len)
