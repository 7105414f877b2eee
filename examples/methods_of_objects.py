"""Methods count the state of their instance. Run it twice."""

from dataclasses import dataclass

from rememo import memoize


@dataclass
class Model:
    """A model with a setting that matters."""

    degree: int

    @memoize
    def fit(self, points):
        print("fitting", self.degree)
        return [point**self.degree for point in points]


if __name__ == "__main__":
    print(Model(2).fit([1, 2, 3]))
    print(Model(3).fit([1, 2, 3]))
    print(Model(2).fit([1, 2, 3]), Model(4).fit.would_hit([1, 2, 3]))
