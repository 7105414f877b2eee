"""A script that reads and writes files, as scripts do, memoized by one line. Run it twice."""

import os

from rememo import memoize


@memoize(effects=["files", "stdout"])  # the one line
def summarise(source, folder):
    os.makedirs(folder, exist_ok=True)
    totals = {}
    with open(source) as lines:
        for line in lines:
            name, amount = line.split(",")
            totals[name] = totals.get(name, 0) + int(amount)
    for name, total in totals.items():
        with open(os.path.join(folder, name + ".txt"), "w") as report:
            report.write(f"{name}: {total}\n")
        print(name, total)
    return len(totals)


if __name__ == "__main__":
    with open("sales.csv", "w") as file:
        file.write("apples,3\npears,4\napples,5\n")
    os.makedirs("reports", exist_ok=True)
    hit = summarise.would_hit("sales.csv", "reports")
    count = summarise("sales.csv", "reports")
    os.remove("reports/apples.txt")
    # It is a hit, and the report is there again.
    print(count == summarise("sales.csv", "reports"), open("reports/apples.txt").read().strip())
    print("known from the run before:", hit)
