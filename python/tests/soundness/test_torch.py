"""Tensors, where torch is installed: it is not among the libraries of `make test`, for its size."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rememo import Cache

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.soundness


def test_tensors_that_differ_have_different_digests() -> None:
    ones = torch.ones(2, 3)
    distinct = [
        ones,
        ones.double(),
        ones.half(),
        ones.bfloat16(),
        ones.int(),
        ones.bool(),
        ones.reshape(3, 2),
        ones.reshape(6),
        ones.reshape(1, 2, 3),
        torch.zeros(2, 3),
        -torch.zeros(2, 3),
        torch.full((2, 3), float("nan")),
        torch.ones(2, 3, requires_grad=True),
        torch.ones(0),
        torch.ones(0, 3),
        torch.tensor(1.0),
        torch.nn.Parameter(torch.ones(2, 3)),
        ones.numpy(),
        torch.complex(ones, ones),
    ]
    assert len({freeze(tensor) for tensor in distinct}) == len(distinct)


def test_equal_tensors_agree_whatever_their_layout() -> None:
    wide = torch.arange(24.0).reshape(4, 6)
    assert freeze(wide[::2, ::3]) == freeze(wide[::2, ::3].clone())
    assert freeze(wide.t()) == freeze(wide.t().contiguous())
    assert freeze(wide.expand(2, 4, 6)) == freeze(wide.repeat(2, 1, 1))
    image = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert freeze(image.to(memory_format=torch.channels_last)) == freeze(image)


def test_a_changed_weight_of_a_model_is_seen() -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    before = freeze(model.state_dict())
    assert freeze(model.state_dict()) == before
    with torch.no_grad():
        model[0].weight[0, 0] += 1
    assert freeze(model.state_dict()) != before


def test_what_has_no_dense_values_is_refused() -> None:
    with pytest.raises(TypeError, match="dense"):
        freeze(torch.ones(2, 2).to_sparse())


# Bodies of a function, each with whether a call from the state that the first one was made in hits,
# and whether one from another state does; as in `test_randomness`.
DRAWS = {
    "rand": ("return torch.rand(3).tolist()", True, False),
    "by a module's weights": ("return torch.nn.Linear(2, 3).weight.tolist()", True, False),
    "in place": ("return torch.empty(3).normal_().tolist()", True, False),
    "drawn and thrown away": ("torch.rand(1)", True, False),
    "in a thread": (
        (
            "import threading; seen = []\n"
            "    thread = threading.Thread(target=lambda: seen.append(torch.rand(1).item()))\n"
            "    thread.start(); thread.join(); return seen"
        ),
        True,
        False,
    ),
    "state that is asked for": ("return torch.get_rng_state()[:99].tolist()", True, False),
    "state that is put back": (
        "with torch.random.fork_rng(): torch.manual_seed(5); return torch.rand(1).item()",
        True,
        False,
    ),
    "a seed": ("torch.manual_seed(7); return torch.rand(1).item()", True, True),
    "a seed, and nothing drawn": ("torch.manual_seed(7)", True, True),
    "drawn, then seeded": (
        "x = torch.rand(1).item(); torch.manual_seed(7); return x",
        True,
        False,
    ),
    "a memoized function": ("return drawing() + torch.rand(1).item()", True, False),
    "a memoized function that seeds": ("return seeding() + torch.rand(1).item()", True, True),
    "drawn before a memoized function that seeds": (
        "return torch.rand(1).item() + seeding()",
        True,
        False,
    ),
    "another generator": (
        "return torch.rand(1, generator=torch.Generator().manual_seed(1)).item()",
        True,
        True,
    ),
    "nothing": ("return torch.ones(3).sum().item()", True, True),
}
HEAD = """
import torch
from rememo import memoize
@memoize
def drawing(): return torch.rand(1).item()
@memoize
def seeding(): torch.manual_seed(3); return torch.rand(1).item()
"""


def program(body: str) -> Any:
    """A program with a memoized function `f`, whose body is given."""
    made = types.ModuleType("drawing_of_torch")
    exec(f"{HEAD}@memoize\ndef f():\n    {body}\n", vars(made))
    return made


@pytest.mark.parametrize("name", DRAWS)
def test_programs_draw_the_same_numbers(name: str, rememo_cache: Cache) -> None:
    body, again, elsewhere = DRAWS[name]
    m = program(body)
    plain = m.f.__wrapped__

    def drawn(call: Any, seed: int) -> object:
        torch.manual_seed(seed)
        return call(), torch.rand(3).tolist(), torch.get_rng_state().tolist()

    m.drawing, m.seeding = m.drawing.__wrapped__, m.seeding.__wrapped__
    expected = {seed: drawn(plain, seed) for seed in (1, 2)}
    m = program(body)
    for seed, hits in ((1, False), (1, again), (2, elsewhere), (1, again), (2, True)):
        before = m.f.cache_info().hits
        assert drawn(m.f, seed) == expected[seed], seed
        assert m.f.cache_info().hits - before == hits, seed


def test_what_is_drawn_in_steps_is_not_kept(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def rolls() -> Iterator[float]:
        yield torch.rand(1).item()
        yield torch.rand(1).item()

    torch.manual_seed(1)
    with pytest.warns(rememo.RandomnessWarning, match="generator of torch in steps"):
        first = list(rolls())
    assert list(rolls()) != first


def test_what_others_draw_between_steps_does_not_matter(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    for _ in numbers():
        torch.rand(1)
    state = torch.get_rng_state()
    assert list(numbers()) == [1, 2]
    assert numbers.cache_info().hits == 1
    assert torch.equal(torch.get_rng_state(), state)


def test_what_an_lru_cache_was_filled_with_is_not_kept(rememo_cache: Cache) -> None:
    @functools.cache
    def weights() -> float:
        return torch.rand(1).item()

    @rememo_cache.memoize
    def f() -> float:
        return weights()

    weights()
    with pytest.warns(rememo.RandomnessWarning, match=r"or for functools\.lru_cache"):
        f()


def test_a_function_that_is_the_first_to_import_torch(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import rememo, sys\n"
        "@rememo.memoize\n"
        "def f():\n"
        "    import torch\n"
        "    return torch.rand(1).item()\n"
        "if len(sys.argv) > 1:\n"
        "    import torch\n"
        "    torch.manual_seed(int(sys.argv[1]))\n"
        "print(f())\n"
    )

    def run(*seed: str) -> str:
        return subprocess.run(
            [sys.executable, "script.py", *seed],
            cwd=tmp_path,
            env={**os.environ, "REMEMO_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run() != run("5")
    assert run("5") == run("5") != run("6")
