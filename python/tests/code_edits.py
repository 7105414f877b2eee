"""Edits of functions that are there already."""

from __future__ import annotations

from typing import Any


def set_code(function: Any, constant: int) -> None:
    """Has a function return another constant, by code that is the same but for that."""
    code = function.__code__
    parameters = ", ".join(code.co_varnames)
    source = compile(f"lambda {parameters}: {constant}", code.co_filename, "eval")
    other = eval(source).__code__
    function.__code__ = code.replace(co_code=other.co_code, co_consts=other.co_consts)
