"""What a function reads from files counts, without a word. Run it twice."""

from pathlib import Path

from rememo import memoize

DATA = Path("measurements.txt")


@memoize
def mean(path):
    print("reading", path)
    values = [float(line) for line in path.read_text().splitlines()]
    return sum(values) / len(values)


if __name__ == "__main__":
    for text in ("1\n2\n3\n", "1\n2\n6\n", "1\n2\n3\n"):
        DATA.write_text(text)
        print(mean(DATA))
