"""Compares the twin with the real thing."""

from __future__ import annotations

import itertools

from rememo import freeze, freeze_tree
from soundness import encoding_twin as twin


def assert_agree(value: object) -> None:
    """Part by part, so that a failure shows where."""
    real = [(part.name, part.digest) for part in freeze_tree(value)]
    both = enumerate(itertools.zip_longest(real, twin.parts(value)))
    differing = [(number, *pair) for number, pair in both if pair[0] != pair[1]]
    assert not differing, differing
    assert freeze(value) == twin.freeze(value), "the edges differ"
