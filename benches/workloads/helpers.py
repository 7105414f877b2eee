"""A function with 20 helpers, which read 10 globals."""

RATE_0 = 1
RATE_1 = 2
RATE_2 = 3
RATE_3 = 4
RATE_4 = 5
RATE_5 = 6
RATE_6 = 7
RATE_7 = 8
RATE_8 = 9
RATE_9 = 10


def _helper_0(value: int) -> int:
    return value * RATE_0 + 0


def _helper_1(value: int) -> int:
    return value * RATE_1 + 1


def _helper_2(value: int) -> int:
    return value * RATE_2 + 2


def _helper_3(value: int) -> int:
    return value * RATE_3 + 3


def _helper_4(value: int) -> int:
    return value * RATE_4 + 4


def _helper_5(value: int) -> int:
    return value * RATE_5 + 5


def _helper_6(value: int) -> int:
    return value * RATE_6 + 6


def _helper_7(value: int) -> int:
    return value * RATE_7 + 7


def _helper_8(value: int) -> int:
    return value * RATE_8 + 8


def _helper_9(value: int) -> int:
    return value * RATE_9 + 9


def _helper_10(value: int) -> int:
    return value * RATE_0 + 10


def _helper_11(value: int) -> int:
    return value * RATE_1 + 11


def _helper_12(value: int) -> int:
    return value * RATE_2 + 12


def _helper_13(value: int) -> int:
    return value * RATE_3 + 13


def _helper_14(value: int) -> int:
    return value * RATE_4 + 14


def _helper_15(value: int) -> int:
    return value * RATE_5 + 15


def _helper_16(value: int) -> int:
    return value * RATE_6 + 16


def _helper_17(value: int) -> int:
    return value * RATE_7 + 17


def _helper_18(value: int) -> int:
    return value * RATE_8 + 18


def _helper_19(value: int) -> int:
    return value * RATE_9 + 19


def total(value: int) -> int:
    """Asks every helper."""
    return (
        _helper_0(value)
        + _helper_1(value)
        + _helper_2(value)
        + _helper_3(value)
        + _helper_4(value)
        + _helper_5(value)
        + _helper_6(value)
        + _helper_7(value)
        + _helper_8(value)
        + _helper_9(value)
        + _helper_10(value)
        + _helper_11(value)
        + _helper_12(value)
        + _helper_13(value)
        + _helper_14(value)
        + _helper_15(value)
        + _helper_16(value)
        + _helper_17(value)
        + _helper_18(value)
        + _helper_19(value)
    )
