"""Memoizing functions that nobody has decorated: what `rememo.auto` and ``python -m rememo`` do."""
