"""What code may read about code, by the names that it uses for it."""

from __future__ import annotations

import enum


class Reads(enum.IntFlag):
    """Things that count only where something reads them."""

    DOCS = enum.auto()
    ANNOTATIONS = enum.auto()
    NAMES = enum.auto()
    LOCALS = enum.auto()
    WRAPPED = enum.auto()
    SUBCLASSES = enum.auto()
    ORDER = enum.auto()
    SOURCE = enum.auto()
    CHAIN = enum.auto()


# What code is written in shows in these, down to the numbers of its variables.
_WRITTEN = "co_code co_consts co_names co_nlocals co_stacksize"

CODE = Reads.SOURCE | Reads.LOCALS | Reads.DOCS | Reads.NAMES
"""What code reads that takes code as a whole."""

_WORDS = {
    Reads.DOCS: f"__doc__ getdoc {_WRITTEN}",
    Reads.ANNOTATIONS: "__annotate__ __annotate_func__ __annotations__ __bound__ __constraints__"
    " __dataclass_fields__ __orig_bases__ __parameters__ __supertype__ call_annotate_function"
    " fields get_annotations get_original_bases get_type_hints getfullargspec signature",
    Reads.NAMES: "__name__ __qualname__ co_name co_qualname",
    Reads.LOCALS: "co_cellvars co_freevars co_varnames currentframe dir eval exec f_locals _getframe"
    f" locals vars {_WRITTEN}",
    Reads.WRAPPED: "__wrapped__ unwrap signature",
    Reads.SUBCLASSES: "__subclasses__",
    Reads.ORDER: "__dict__ vars",
    Reads.SOURCE: f"{_WRITTEN} co_filename co_lines co_linetable co_lnotab co_positions"
    " co_firstlineno extract_stack extract_tb f_lineno findsource format_exc"
    " format_exception getframeinfo getsource getsourcelines print_exc print_exception tb_lineno"
    " TracebackException",
    Reads.CHAIN: "__cause__ __context__ format_exc format_exception print_exc print_exception"
    " TracebackException",
}


def reads_by(name: str) -> Reads:
    """What code reads that uses a name."""
    found = Reads(0)
    for kind, words in _WORDS.items():
        if name in words.split():
            found |= kind
    return found
