"""Results whose callers share the memory of the cache."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from rememo import Cache

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


def test_arrays_are_handed_out_as_views_that_cannot_be_written_to(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(results="view")
    def squares(count: int) -> Any:
        return np.arange(count, dtype="int32").reshape(2, -1) ** 2

    ran, hit, again = squares(100_000), squares(100_000), squares(100_000)
    for array in ran, hit, again:
        assert array.tolist() == (np.arange(100_000, dtype="int32").reshape(2, -1) ** 2).tolist()
        assert (array.dtype, array.shape) == (np.dtype("int32"), (2, 50_000))
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    assert np.shares_memory(hit, again)
    assert squares.cache_info()[:2] == (2, 1)


def test_so_are_the_arrays_within_a_result(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(results="view")
    def measured() -> Any:
        return {"frame": pd.DataFrame({"a": np.arange(9e4)}), "list": [1], "big": np.zeros(90_000)}

    ran, hit = measured(), measured()
    for result in ran, hit:
        assert not result["big"].flags.writeable
        assert result["frame"]["a"].sum() == sum(range(90_000))
        # What is no buffer is the caller's own.
        result["list"].append(2)
    assert measured()["list"] == [1]
    assert np.shares_memory(hit["big"], measured()["big"])


def test_a_view_outlives_its_entry(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(results="view")
    def ones(count: int) -> Any:
        return np.ones(count)

    ones(300_000)
    view = ones(300_000)
    ones.cache_clear()
    assert view.sum() == 300_000
    assert ones(300_000).sum() == 300_000
    assert ones.cache_info().misses == 1


def test_a_later_process_is_handed_views_of_the_file(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from rememo import memoize\n"
        "@memoize(results='view')\n"
        "def ones(count): return np.ones(count), 'text'\n"
        "array, _ = ones(1_000_000)\n"
        "print(array.sum(), array.flags.writeable, ones.cache_info().hits)\n"
    )
    environment = {**os.environ, "REMEMO_DIR": str(tmp_path / "cache")}
    said = [
        subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said == ["1000000.0 False 0\n", "1000000.0 False 1\n"]


def test_by_default_each_caller_has_a_copy_of_its_own(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def ones(count: int) -> Any:
        return np.ones(count)

    ones(100_000)[:] = 2
    ones(100_000)[:] = 3
    assert ones(100_000).sum() == 100_000


def test_empty_arrays_and_scalars_are_views_too(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(results="view")
    def zeros(*shape: int) -> Any:
        return np.zeros(shape)

    for shape in (), (0,), (3, 0):
        assert zeros(*shape).shape == zeros(*shape).shape == shape
        assert not zeros(*shape).flags.writeable


def test_views_are_refused_where_they_cannot_be(rememo_cache: Cache) -> None:
    wrong: Any = "share"
    with pytest.raises(ValueError, match='results must be "copy" or "view", not "share"'):
        rememo_cache.memoize(lambda: 1, results=wrong)

    async def later() -> int:
        return 1

    with pytest.raises(TypeError, match="later returns its result later"):
        rememo_cache.memoize(later, results="view")


def test_how_results_are_handed_out_travels(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(results="view")
    def one() -> int:
        return 1

    retention = pickle.loads(pickle.dumps(one.retention))
    assert retention.results == one.retention.results == "view"
