"""Tensors, where torch is installed: it is not among the libraries of `make test`, for its size."""

from __future__ import annotations

import pytest
from rememo import freeze

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
