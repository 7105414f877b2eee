"""The canonical encoding is what docs/design/encoding.md says, and no two values share one."""

from __future__ import annotations

import itertools
import json
import math
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from rememo import freeze
from soundness import encoding_twin as twin
from soundness.encoding_twin.agreement import assert_agree
from soundness.encoding_twin.encoder import BULK, FOLD, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.soundness

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parents[2] / "docs" / "design" / "encoding.md"
# Digests that are the same under every CPython, on every machine, for as long as the scheme is.
VECTORS = json.loads((HERE / "encoding_vectors.json").read_text())


def cycle(*more: object) -> list[object]:
    """A list that ends with itself."""
    values: list[object] = list(more)
    values.append(values)
    return values


# --- what is written down --------------------------------------------------------------------


def _table(marker: str) -> Iterator[list[str]]:
    """The cells of the rows of the table after a marker in the document."""
    _, _, after = DOCUMENT.read_text().partition(f"<!-- {marker}: checked by test_encoding.py -->")
    rows = itertools.takewhile(lambda line: line.startswith("|"), after.strip().splitlines())
    for row in list(rows)[2:]:
        yield [cell.strip().strip("`") for cell in row.strip("|").split("|")]


def test_the_documents_tags_are_those_in_use() -> None:
    """Number by number."""
    cells = [cell for row in _table("tags") for cell in row if cell]
    documented = dict(zip(map(int, cells[::2]), cells[1::2], strict=True))
    assert documented == {tag.value: tag.name for tag in Tag}


@pytest.mark.parametrize("row", list(_table("examples")), ids=lambda row: row[0])
def test_the_documents_examples_hold(row: list[str]) -> None:
    """To the byte."""
    expression, content, digest = row
    value = eval(expression)
    assert twin.content(value).hex() == content
    assert freeze(value) == digest


@pytest.mark.parametrize("expression", VECTORS)
def test_golden_vectors(expression: str) -> None:
    """A change here is a change of the scheme, and needs another scheme version."""
    value = eval(expression, {"np": np, "math": math, "cycle": cycle})
    assert freeze(value) == VECTORS[expression]


# --- values ----------------------------------------------------------------------------------


class Node:
    """An instance with nothing but attributes."""


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=5)
    | st.text(st.characters(categories=["Cs"]), max_size=2)
    | st.binary(max_size=5)
    | st.sampled_from([..., NotImplemented])
)
LONG = st.builds(
    lambda unit, length: (unit * length)[:length],
    st.text(min_size=1, max_size=3) | st.binary(min_size=1, max_size=3),
    st.sampled_from([FOLD - 30, FOLD, BULK - 1, BULK, BULK + 1, 3 * BULK]),
)
HASHABLE = SCALARS | st.tuples(SCALARS, st.frozensets(SCALARS, max_size=3))


@st.composite
def graphs(draw: Callable[[Any], Any]) -> object:
    """Containers that contain each other in any way, themselves too."""
    kinds = st.sampled_from([list, dict, tuple, Node, set, frozenset])
    nodes: list[Any] = []
    for kind in draw(st.lists(kinds, min_size=1, max_size=6)):
        if kind is tuple:
            leaves = SCALARS | st.sampled_from(nodes) if nodes else SCALARS
            nodes.append(tuple(draw(st.lists(leaves, max_size=3))))
        elif kind in {set, frozenset}:
            nodes.append(kind(draw(st.lists(HASHABLE, max_size=4))))
        else:
            nodes.append(kind())
    children = SCALARS | LONG | st.sampled_from(nodes)
    for node in nodes:
        if isinstance(node, list):
            node += draw(st.lists(children, max_size=4))
        elif isinstance(node, dict):
            node.update(draw(st.dictionaries(HASHABLE, children, max_size=3)))
        elif isinstance(node, Node):
            node.__dict__.update(draw(st.dictionaries(st.text("ab"), children, max_size=3)))
    return draw(st.sampled_from(nodes))


@given(graphs() | LONG | st.builds(bytearray, st.binary()))
@settings(max_examples=150, deadline=None)
def test_generated_values_agree(value: object) -> None:
    """Nested, shared, and such that contain themselves."""
    assert_agree(value)


def describe(value: object) -> object:
    """All there is to a value, told the long way; where it contains itself, with aliasing."""
    try:
        return _described(value, None, set())
    except RecursionError:
        return _described(value, {}, set())


def _described(value: Any, numbers: dict[int, int] | None, around: set[int]) -> object:
    kind = type(value).__name__
    if not isinstance(value, list | tuple | dict | set | frozenset | Node):
        return kind, repr(value)
    if numbers is not None and id(value) in numbers:
        return "seen", numbers[id(value)]
    if numbers is not None:
        numbers[id(value)] = len(numbers)
    elif id(value) in around:
        raise RecursionError
    around = around | {id(value)}
    inner = sorted(vars(value).items()) if isinstance(value, Node) else value
    inner = inner.items() if isinstance(value, dict) else inner
    if isinstance(value, dict | Node):
        inner = [each for item in inner for each in item]
    told = [_described(each, numbers, around) for each in inner]
    return kind, frozenset(told) if isinstance(value, set | frozenset) else tuple(told)


def assert_told_apart(values: list[Any]) -> int:
    """Digests agree just where the values do; says how many different ones there are."""
    pairs = {(freeze(value), describe(value)) for value in values}
    digests, descriptions = map(set, zip(*pairs, strict=True))
    assert len(pairs) == len(digests) == len(descriptions)
    return len(pairs)


def _small_values(depth: int) -> list[Any]:
    """Every value with at most two elements in a container, down to a depth."""
    found: list[Any] = [None, 0, 0.0, "a"]
    if depth:
        inner = _small_values(depth - 1)
        hashable = [value for value in inner if _is_hashable(value)]
        several = [(), *((one,) for one in inner), *itertools.product(inner, repeat=2)]
        found += [kind(values) for values in several for kind in (list, tuple)]
        pairs = list(itertools.product(hashable, repeat=2))
        found += [{key: value} for key, value in pairs]
        found += [kind(pair) for pair in [(), *pairs] for kind in (set, frozenset)]
    return found


def _is_hashable(value: object) -> bool:
    try:
        return hash(value) is not None
    except TypeError:
        return False


def test_no_two_small_values_share_a_digest() -> None:
    """Every pair of tens of thousands."""
    assert assert_told_apart(_small_values(2)) > 10_000


def _small_graphs(kinds: list[type]) -> Iterator[Any]:
    """Every way in which containers may have up to two of each other, or zero, in them."""
    leaf = len(kinds)
    several = [chosen for n in range(3) for chosen in itertools.product(range(leaf + 1), repeat=n)]
    for contents in itertools.product(several, repeat=len(kinds)):
        nodes = [kind() for kind in kinds]
        for node, chosen in zip(nodes, contents, strict=True):
            children = [0 if one == leaf else nodes[one] for one in chosen]
            if isinstance(node, list):
                node += children
            elif isinstance(node, dict):
                node.update(enumerate(children))
            else:
                node.__dict__.update(zip("ab", children, strict=False))
        yield nodes[0]


@pytest.mark.parametrize(
    "kinds", [[list, list, list], [dict, Node], [list, dict, Node]], ids=lambda kinds: len(kinds)
)
def test_no_two_small_graphs_share_a_digest(kinds: list[type]) -> None:
    """Those that contain themselves among them, by how they do it."""
    assert assert_told_apart(list(_small_graphs(kinds))) > 50


@given(graphs(), graphs())
@settings(max_examples=40, deadline=None)
def test_generated_values_share_digests_only_if_equal(one: object, other: object) -> None:
    """Over larger ones."""
    assert_told_apart([one, other])


class Keyed:
    """An instance that can be in a set."""


def _beside_one_of_its_elements(first: object, second: object, *, chosen: int) -> object:
    elements = [frozenset({first}), frozenset({second})]
    return cycle(set(elements), elements[chosen])


def _within(*inner: object) -> object:
    holder = Keyed()
    holder.__dict__["inner"] = list(inner)
    return cycle({holder, (1, *inner)}, holder)


def test_what_is_met_again_after_a_set_is_told_apart() -> None:
    """Elements of sets are numbered in one order and written in another."""
    pairs = [(1, 18), (18, 1), ("a", "b"), ("b", "a"), (None, 2.0), (2.0, None)]
    for first, second in pairs:
        one, other = (
            _beside_one_of_its_elements(first, second, chosen=chosen) for chosen in (0, 1)
        )
        assert freeze(one) != freeze(other)
        swapped = _beside_one_of_its_elements(second, first, chosen=0)
        assert freeze(one) != freeze(swapped)
        assert_agree([one, other, swapped])


def test_containers_deep_in_sets_agree() -> None:
    """In a value that contains itself, with and without being met again."""
    assert_agree([_within(), _within((1,), frozenset({(2, 3)})), cycle({(1, 2), (3, 4)})])


def test_long_content_differs_anywhere() -> None:
    """Beyond the lengths at which hashes take the place of content."""
    for length in (FOLD + 1, BULK - 1, BULK, 2 * BULK):
        changed = []
        for position in (0, 1, length // 2, length - 1):
            content = bytearray(length)
            content[position] = 1
            changed += [bytes(content), content.decode(), list(content), content]
        assert assert_told_apart(changed) == len(changed)


# --- arrays ----------------------------------------------------------------------------------

DTYPES = (
    npst.scalar_dtypes()
    | npst.byte_string_dtypes(max_len=3)
    | npst.unicode_string_dtypes(max_len=3)
    | st.just(np.dtype(object))
    | npst.array_dtypes(npst.integer_dtypes() | npst.floating_dtypes())
    | st.just(np.dtype([("a", "i1"), ("b", [("c", "<f8"), ("d", "S2")])], align=True))
)


@st.composite
def arrays(draw: Callable[[Any], Any]) -> np.ndarray:
    """Arrays of any type, with parts left out and axes exchanged."""
    shape = draw(npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    dtype = draw(DTYPES)
    elements = st.integers() | st.text(max_size=2) if dtype.hasobject else None
    array = draw(npst.arrays(dtype, shape, elements=elements))
    steps = [draw(st.sampled_from([1, 2, -1])) for _ in shape]
    view = array[(*(slice(None, None, step) for step in steps), ...)]
    return view.T if draw(st.booleans()) else view


@given(arrays())
@settings(max_examples=60, deadline=None)
def test_arrays_agree(array: np.ndarray) -> None:
    """Whatever their layout."""
    assert_agree([array, array.copy("F")])


@given(arrays(), arrays())
@settings(max_examples=60, deadline=None)
def test_arrays_share_digests_only_if_equal(one: np.ndarray, other: np.ndarray) -> None:
    """By type, shape and elements."""
    same = one.dtype == other.dtype and one.dtype.descr == other.dtype.descr
    same = same and one.shape == other.shape
    same = same and repr(one.tolist()) == repr(other.tolist())
    assert (freeze(one) == freeze(other)) == same
