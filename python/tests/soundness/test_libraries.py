"""Values of well-known libraries: distinct ones differ, equal ones agree, in any process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rememo import freeze

DISTINCT: dict[str, Any] = {}
EQUAL: dict[str, Any] = {}


def distinct(make: Any) -> Any:
    """Registers a maker of values of which no two may share a digest."""
    DISTINCT[make.__name__] = make
    return make


def equal(make: Any) -> Any:
    """Registers a maker of values that must all share one digest."""
    EQUAL[make.__name__] = make
    return make


@distinct
def arrow_values() -> list[Any]:
    import pyarrow as pa

    numbers = pa.array([1, 2, 3, 4])
    return [
        numbers,
        numbers[:2],
        numbers[2:],
        numbers.cast(pa.int32()),
        numbers.cast(pa.float64()),
        pa.array([1, None, 3, 4]),
        pa.array([1, 0, 3, 4]),
        pa.array(["a", "b"]),
        pa.array(["ab", ""]),
        pa.array(["a", None]),
        pa.array([[1], [2]]),
        pa.array([[1, 2], []]),
        pa.array([True, False]),
        pa.array([0, 1], pa.timestamp("s")),
        pa.array([0, 1], pa.timestamp("ms")),
        pa.array([0, 1], pa.timestamp("s", tz="UTC")),
        pa.table({"a": [1], "b": [2]}),
        pa.table({"b": [1], "a": [2]}),
        pa.table({"a": [1], "b": [2]}).replace_schema_metadata({"k": "v"}),
        pa.scalar(1),
        pa.scalar(1.0),
        pa.int64(),
        pa.schema([("a", pa.int64())]),
    ]


@distinct
def arrow_dictionaries() -> list[Any]:
    import pyarrow as pa

    def coded(codes: list[int | None], words: list[str]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words))

    return [
        coded([0, 1], ["a", "b"]),
        coded([1, 0], ["b", "a"]),
        coded([0, 1], ["a", "b", "c"]),
        coded([0, None], ["a", "b"]),
        pa.array(["a", "b"]),
    ]


@equal
def arrow_chunks_and_slices() -> list[Any]:
    import pyarrow as pa

    whole = pa.table({"a": [1, None, 3], "s": ["x", "yy", None]})
    halves = pa.concat_tables([whole[:1], whole[1:]])
    longer = pa.table({"a": [0, 1, None, 3], "s": ["w", "x", "yy", None]})
    return [whole, halves, longer[1:]]


@distinct
def graphs_by_what_leads_to_a_node() -> list[Any]:
    import networkx as nx

    def graph(edges: list[tuple[str, str]]) -> Any:
        made = nx.DiGraph()
        made.add_nodes_from("abc")
        made.add_edges_from(edges)
        return made

    return [graph([("a", "c"), ("b", "c")]), graph([("b", "c"), ("a", "c")])]


@equal
def arrow_values_under_nulls() -> list[Any]:
    import pyarrow as pa

    masked = pa.array(np.array([1, 7]), mask=np.array([False, True]))
    return [pa.array([1, None]), masked]


@equal
def arrow_text_under_nulls_and_offsets() -> list[Any]:
    import pyarrow as pa

    offsets = pa.array([0, 1, 3, 4], pa.int32()).buffers()[1]
    nulls = pa.array([True, False, True]).buffers()[1]
    behind = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"axxb"), nulls)
    return [pa.array(["a", None, "b"]), behind, pa.array(["z", "a", None, "b"])[1:]]


@distinct
def frames_of_text() -> list[Any]:
    import pandas as pd

    texts = [["a", "b"], ["ab", ""], ["a", None], ["", "ab"], ["b", "a"]]
    return [pd.DataFrame({"c": pd.array(text, dtype="str")}) for text in texts]


@equal
def frames_of_text_by_slices() -> list[Any]:
    import pandas as pd

    whole = pd.DataFrame({"c": pd.array(["x", "a", None, "b"], dtype="str")})
    return [
        whole[1:].reset_index(drop=True),
        pd.DataFrame({"c": pd.array(["a", None, "b"], dtype="str")}),
    ]


@distinct
def polars_values() -> list[Any]:
    import polars as pl

    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    return [
        frame,
        frame.select("b", "a"),
        frame.rename({"a": "c"}),
        frame.with_columns(pl.col("a").cast(pl.Int32)),
        frame.reverse(),
        frame["a"],
        frame["b"],
        pl.Series("a", [1, None]),
        pl.Series("a", [1, 0]),
        pl.Series("a", [[1], [2]]),
        frame.with_columns(pl.col("a").cast(pl.Datetime)),
    ]


@equal
def polars_chunks() -> list[Any]:
    import polars as pl

    one, other = pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})
    return [pl.concat([one, other], rechunk=False), pl.DataFrame({"a": [1, 2]})]


@distinct
def sparse_values() -> list[Any]:
    import scipy.sparse as sp

    eye = sp.csr_array(np.eye(2))
    return [eye, eye * 2, sp.csr_array((2, 2)), sp.csc_array(np.eye(2)), sp.csr_matrix(np.eye(2))]


@equal
def sparse_order_and_duplicates() -> list[Any]:
    import scipy.sparse as sp

    sorted_ = sp.coo_array(([1.0, 2.0], ([0, 1], [0, 1])), shape=(2, 2))
    twice = sp.coo_array(([2.0, 0.5, 0.5], ([1, 0, 0], [1, 0, 0])), shape=(2, 2))
    return [sorted_, twice]


@distinct
def labelled_arrays() -> list[Any]:
    import xarray as xr

    array = xr.DataArray([1, 2], dims="x", coords={"x": [0, 1]}, name="n")
    return [
        array,
        array.rename("m"),
        array.rename(x="y"),
        array.assign_coords(x=[1, 2]),
        array.assign_attrs(u="m"),
        array + 1,
        array.to_dataset(),
    ]


@distinct
def graphs() -> list[Any]:
    import networkx as nx

    path = nx.path_graph(3)
    weighted = nx.path_graph(3)
    weighted[0][1]["weight"] = 2
    return [path, weighted, nx.path_graph(4), nx.path_graph(3, nx.DiGraph), nx.Graph(name="g")]


@equal
def graphs_after_use() -> list[Any]:
    import networkx as nx

    used = nx.path_graph(3)
    assert all([used.adj, used.edges, used.nodes, used.degree])
    return [used, nx.path_graph(3)]


@distinct
def images() -> list[Any]:
    from PIL import Image

    image = Image.new("L", (2, 2))
    palette = Image.new("P", (2, 2))
    palette.putpalette([1, 2, 3])
    other = Image.new("P", (2, 2))
    other.putpalette([3, 2, 1])
    return [
        image,
        Image.new("L", (1, 4)),
        Image.new("L", (2, 2), 1),
        image.convert("RGB"),
        palette,
        other,
    ]


@distinct
def estimators() -> list[Any]:
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.pipeline import make_pipeline

    x, y = np.arange(4.0).reshape(4, 1), np.arange(4.0)
    return [
        Ridge(),
        Ridge(alpha=2.0),
        Ridge().fit(x, y),
        Ridge().fit(x, y * 2),
        LinearRegression(),
        make_pipeline(Ridge()),
    ]


@equal
def estimators_refitted() -> list[Any]:
    from sklearn.linear_model import Ridge

    x, y = np.arange(4.0).reshape(4, 1), np.arange(4.0)
    return [Ridge().fit(x, y), Ridge().fit(x, y)]


@equal
def frames_after_use() -> list[Any]:
    import pandas as pd

    used = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=["r", "s"])
    assert used["a"].sum() == used.describe().loc["max", "a"] + 1 == used.T.loc["a"].sum() == 3
    assert used.index.get_loc("r") == used.columns.get_loc("a") == 0
    assert used.index.is_unique
    assert "x" in repr(used.groupby("b").sum())
    return [used, pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=["r", "s"])]


@equal
def indexes_after_use() -> list[Any]:
    import pandas as pd

    used = pd.MultiIndex.from_tuples([(0, 1), (1, 0)])
    assert used.get_loc((1, 0)) == 1
    assert used.is_unique
    return [used, pd.MultiIndex.from_tuples([(0, 1), (1, 0)])]


@equal
def polars_after_use() -> list[Any]:
    import polars as pl

    used = pl.DataFrame({"a": [2, 1]})
    assert used.sort("a")["a"].is_sorted()
    assert "a" in repr(used)
    return [used, pl.DataFrame({"a": [2, 1]})]


@equal
def labelled_arrays_after_use() -> list[Any]:
    import xarray as xr

    used = xr.DataArray([1, 2], dims="x", coords={"x": [0, 1]})
    assert used.sel(x=1) == used.max() == 2
    assert "x" in repr(used.indexes)
    return [used, xr.DataArray([1, 2], dims="x", coords={"x": [0, 1]})]


@equal
def images_before_and_after_loading() -> list[Any]:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (2, 2), (1, 2, 3)).save(file, "PNG")
    lazy, loaded = (Image.open(io.BytesIO(file.getvalue())) for _ in range(2))
    loaded.load()
    return [lazy, loaded]


@equal
def estimators_after_use() -> list[Any]:
    from sklearn.linear_model import Ridge

    x, y = np.arange(4.0).reshape(4, 1), np.arange(4.0)
    used = Ridge().fit(x, y)
    assert np.allclose(used.predict(x), used.coef_ * x[:, 0] + used.intercept_)
    assert "Ridge" in repr(used)
    return [used, Ridge().fit(x, y)]


@equal
def patterns_and_paths_after_use() -> list[Any]:
    import fractions
    import pathlib
    import re

    used = [re.compile("a"), pathlib.PurePath("a/b"), fractions.Fraction(1, 2)]
    assert used[0].match("a")
    assert (used[1].parts, str(used[1])) == (("a", "b"), "a/b")
    assert len({hash(value) for value in used}) == 3
    return [used, [re.compile("a"), pathlib.PurePath("a/b"), fractions.Fraction(1, 2)]]


@distinct
def attrs_values() -> list[Any]:
    import attrs

    @attrs.define
    class A:
        x: int
        y: int = 0

    @attrs.frozen
    class B:
        x: int
        y: int = 0

    return [A(1), A(2), A(1, 1), B(1)]


@distinct
def pydantic_values() -> list[Any]:
    import pydantic

    class A(pydantic.BaseModel):
        x: int
        y: int = 0

    class B(pydantic.BaseModel):
        x: int
        y: int = 0

    return [A(x=1), A(x=2), A(x=1, y=0), B(x=1)]


@pytest.mark.soundness
@pytest.mark.parametrize("name", DISTINCT)
def test_distinct_values_never_share_a_digest(name: str) -> None:
    values = DISTINCT[name]()
    digests = [freeze(value) for value in values]
    clashes = [
        (a, b)
        for i, a in enumerate(values)
        for j, b in enumerate(values[:i])
        if digests[i] == digests[j]
    ]
    assert not clashes


@pytest.mark.soundness
@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_share_a_digest(name: str) -> None:
    assert len({freeze(value) for value in EQUAL[name]()}) == 1


@pytest.mark.soundness
def test_digests_are_the_same_in_any_process() -> None:
    code = (
        "import test_libraries as t; from rememo import freeze;"
        "print([[freeze(v) for v in m()] for m in (t.DISTINCT | t.EQUAL).values()])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={"PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(runs) == 1


def test_no_library_is_imported_for_its_sake() -> None:
    code = "import sys, rememo; rememo.freeze([1, 'a', {}]); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "xarray", "networkx", "PIL"}
    slow = {"logging", "inspect", "importlib.metadata", "asyncio"}
    loaded = {name.strip("'") for name in done.stdout.strip()[1:-1].split(", ")}
    assert not (heavy | slow) & loaded
