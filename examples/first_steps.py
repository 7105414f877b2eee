"""A slow function, kept; and why a call is not answered. Run it twice."""

from rememo import memoize

SCALE = 10


def convert(value):
    return value * SCALE


@memoize
def total(values):
    print("computing")
    return sum(convert(value) for value in values)


if __name__ == "__main__":
    print(total([1, 2, 3]))
    SCALE = 20
    print("known already:", total.would_hit([1, 2, 3]))
    print(total([1, 2, 3]))
