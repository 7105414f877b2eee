"""A function with 30 helpers that read no globals."""

from __future__ import annotations


def _link_0(value: int) -> int:
    return _link_1(value) + 0


def _link_1(value: int) -> int:
    return _link_2(value) + 1


def _link_2(value: int) -> int:
    return _link_3(value) + 2


def _link_3(value: int) -> int:
    return _link_4(value) + 3


def _link_4(value: int) -> int:
    return _link_5(value) + 4


def _link_5(value: int) -> int:
    return _link_6(value) + 5


def _link_6(value: int) -> int:
    return _link_7(value) + 6


def _link_7(value: int) -> int:
    return _link_8(value) + 7


def _link_8(value: int) -> int:
    return _link_9(value) + 8


def _link_9(value: int) -> int:
    return _link_10(value) + 9


def _link_10(value: int) -> int:
    return _link_11(value) + 10


def _link_11(value: int) -> int:
    return _link_12(value) + 11


def _link_12(value: int) -> int:
    return _link_13(value) + 12


def _link_13(value: int) -> int:
    return _link_14(value) + 13


def _link_14(value: int) -> int:
    return _link_15(value) + 14


def _link_15(value: int) -> int:
    return _link_16(value) + 15


def _link_16(value: int) -> int:
    return _link_17(value) + 16


def _link_17(value: int) -> int:
    return _link_18(value) + 17


def _link_18(value: int) -> int:
    return _link_19(value) + 18


def _link_19(value: int) -> int:
    return _link_20(value) + 19


def _link_20(value: int) -> int:
    return _link_21(value) + 20


def _link_21(value: int) -> int:
    return _link_22(value) + 21


def _link_22(value: int) -> int:
    return _link_23(value) + 22


def _link_23(value: int) -> int:
    return _link_24(value) + 23


def _link_24(value: int) -> int:
    return _link_25(value) + 24


def _link_25(value: int) -> int:
    return _link_26(value) + 25


def _link_26(value: int) -> int:
    return _link_27(value) + 26


def _link_27(value: int) -> int:
    return _link_28(value) + 27


def _link_28(value: int) -> int:
    return _link_29(value) + 28


def _link_29(value: int) -> int:
    return value


def chained(value: int) -> int:
    """Returns the sum along the chain."""
    return _link_0(value)
