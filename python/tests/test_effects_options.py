"""`effects=`: what it can be, and what is said of what it cannot."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import rememo

if TYPE_CHECKING:
    from pathlib import Path

    from rememo import Cache

    from conftest import Program


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"effects": ["print"]}, ValueError, "no kind 'print' of effects.*\"stdout\""),
        ({"effects": "stdout"}, TypeError, r'must be a list of kinds, such as \["stdout"\]'),
        ({"effects": [3]}, ValueError, "no kind 3"),
        ({"effects": ["files"], "watch": "off"}, ValueError, "leave out watch"),
    ],
)
def test_what_makes_no_sense(
    options: Any, kind: type[Exception], says: str, rememo_cache: Cache
) -> None:
    with pytest.raises(kind, match=says):
        rememo_cache.memoize(lambda: 1, **options)


def test_results_that_come_later_have_none(rememo_cache: Cache) -> None:
    async def later() -> int:
        return 1

    with pytest.raises(TypeError, match="effects= is for functions that return it at once"):
        rememo_cache.memoize(later, effects=["stdout"])


def test_what_is_said_later_counts_from_then_on(rememo_cache: Cache) -> None:
    def f() -> int:
        return 1

    rememo_cache.memoize(f)()
    assert not rememo_cache.memoize(f, effects=["stdout"]).would_hit()


@pytest.mark.filterwarnings("ignore::rememo.RememoWarning")
def test_what_cannot_be_done_again_leaves_generators_as_they_were(
    rememo_cache: Cache, tmp_path: Path
) -> None:
    """The call runs then, and draws what it would have drawn without a cache."""
    import random

    @rememo_cache.memoize(effects=["files"])
    def noted(path: Path) -> float:
        drawn = random.random()
        if path.parent.is_dir():
            path.write_text(str(drawn))
        return drawn

    path = tmp_path / "sub" / "out"
    path.parent.mkdir()
    random.seed(1)
    expected = noted(path), random.random()
    path.unlink()
    # Whoever may write anywhere cannot write to a file of the name of a directory.
    path.mkdir()
    random.seed(1)
    with pytest.raises(IsADirectoryError):
        noted(path)
    path.rmdir()
    random.seed(1)
    assert (noted(path), random.random()) == expected
    path.unlink()
    path.mkdir()
    random.seed(1)
    with pytest.raises(IsADirectoryError):
        noted(path)
    assert random.random() == expected[1]


def test_what_is_written_past_the_streams_is_not_left_out(rememo_cache: Cache) -> None:
    """A call that cannot be done again as a whole is not kept."""
    import os

    @rememo_cache.memoize(effects=["stdout"])
    def f() -> int:
        print("heard")
        return os.write(1, b"")

    with pytest.warns(rememo.UnwatchedWarning, match="by its number"):
        f()
    assert not f.would_hit()


def test_streams_are_as_they_were_afterwards(
    rememo_cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    @rememo_cache.memoize(effects=["stdout", "stderr", "logs", "warnings"])
    def f(x: int) -> int:
        print(x)
        return 10 // x

    before = dict(vars(sys.stdout)), dict(vars(sys.stderr))
    import logging
    import warnings

    sources: list[Any] = [logging.Logger.handle, getattr(warnings, "_showwarnmsg", None)]
    f(1)
    f(1)
    with pytest.raises(ZeroDivisionError):
        f(0)
    assert (dict(vars(sys.stdout)), dict(vars(sys.stderr))) == before
    assert sources == [logging.Logger.handle, getattr(warnings, "_showwarnmsg", None)]
    assert capsys.readouterr().out == "1\n1\n0\n"


def test_what_other_threads_print_is_not_done_again(
    rememo_cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading
    import time

    @rememo_cache.memoize(effects=["stdout"])
    def f() -> None:
        print("own")
        time.sleep(0.2)

    def other() -> None:
        time.sleep(0.1)
        print("other")

    thread = threading.Thread(target=other)
    thread.start()
    f()
    thread.join()
    f()
    assert capsys.readouterr().out == "own\nother\nown\n"


def test_a_later_process_does_it_again(program: Program) -> None:
    program.write(
        tool="""
        import logging, warnings
        from pathlib import Path
        from rememo import memoize
        @memoize(effects=["stdout", "logs", "warnings", "files"])
        def f():
            print("printed")
            logging.getLogger("tool").warning("logged")
            warnings.warn("warned", stacklevel=1)
            Path("out").write_text("written")
        """,
        main="""
        import io, logging, sys, warnings, contextlib
        from pathlib import Path
        from tool import f
        Path("out").unlink(missing_ok=True)
        lines = io.StringIO()
        logging.basicConfig(stream=lines, format="%(message)s")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                hit = f.would_hit()
                f()
        told = [str(one.message) for one in caught]
        out = [printed.getvalue(), lines.getvalue(), told, Path("out").read_text()]
        print(hit, out)
        """,
    )
    expected = ["printed\n", "logged\n", ["warned"], "written"]
    assert program.run_script("main") == f"False {expected}"
    assert program.run_script("main") == f"True {expected}"


def test_files_are_kept_with_the_result(rememo_cache: Cache, tmp_path: Path) -> None:
    """As one: a result that is too large with its files is not kept."""
    path = tmp_path / "out"

    @rememo_cache.memoize(effects=["files"], max_result_size="1 kB")
    def f() -> int:
        path.write_text("x" * 5000)
        return 1

    with pytest.warns(rememo.ResultTooLargeWarning):
        f()
    assert not f.would_hit()
