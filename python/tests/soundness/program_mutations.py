"""Programs whose functions change what they are given, and what they read: `effects=["arguments",
"globals"]`.

Each has a function `once`, which puts everything as it was and makes the calls, and says whether they
hit once they were made. It prints all that a call could be seen to have changed.
"""

from __future__ import annotations

HEAD = """
import collections, copy, random, sys, threading, warnings
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
warnings.simplefilter("ignore")
if "plain" in sys.argv:
    memoize = lambda function: function
else:
    import rememo
    events = []
    rememo._core.subscribe(lambda event: events.append(event["event"]))
    memoize = rememo.memoize(effects=["arguments", "globals"])

class Node:
    def __init__(self, value):
        self.value, self.children = value, []
    def __repr__(self):
        return f"Node({self.value}, {self.children})"

class Slotted:
    __slots__ = ("value", "more")
    def __init__(self, value):
        self.value = value
"""

# Name: whether calls that were made once hit, and the program.
PROGRAMS: dict[str, tuple[bool, str]] = {
    "a list is the result": (
        True,
        """
@memoize
def f(x):
    x.append(len(x))
    return x

def once():
    x = [1, 2]
    print(f(x) is x, x, f(x) is x, x)
""",
    ),
    "a list is the result, and not changed": (
        True,
        """
@memoize
def f(x, y):
    return [y, x, y]

def once():
    x, y = [1], {}
    result = f(x, y)
    print(result[1] is x, result[0] is y is result[2])
    x.append(2)
    print(result)
""",
    ),
    "an inner list that the caller holds": (
        True,
        """
@memoize
def f(x):
    x[0].append(1)
    return x[0]

def once():
    inner = [0]
    x = [inner, inner]
    print(f(x) is inner, inner, x, x[0] is x[1])
""",
    ),
    "an inner list that leaves": (
        True,
        """
@memoize
def f(x, y):
    gone = x.pop()
    gone.append("gone")
    y.append(gone)

def once():
    inner = [0]
    x, y = [[1], inner], []
    f(x, y)
    print(x, y, inner, y[0] is inner)
""",
    ),
    "two arguments that are one": (
        True,
        """
@memoize
def f(x, y):
    x.append(1)
    y.append(2)
    return len(x), x is y

def once():
    x, y = [], []
    print(f(x, y), x, y)
    print(f(x, x), x)
    x, y = [], []
    z = []
    print(f(x, y), f(z, z), x, y, z)
""",
    ),
    "elements that are one, or only equal": (
        True,
        """
@memoize
def f(rows):
    rows[0].append(1)

def once():
    apart = [[0], [0]]
    same = [[0]] * 2
    f(apart), f(same)
    print(apart, same)
""",
    ),
    "an argument that is a global": (
        True,
        """
log = []

@memoize
def f(x):
    x.append(1)
    return len(log)

def once():
    log.clear()
    print(f([]), f(log), log)
    log.clear()
    print(f([]), f(log), log)
""",
    ),
    "a dictionary, its order, and what is in it": (
        True,
        """
@memoize
def f(d):
    d["c"] = d.pop("a")
    d["b"]["deep"].append(1)
    d["new"] = d["b"]

def once():
    deep = []
    d = {"a": 1, "b": {"deep": deep}}
    view = d.items()
    f(d)
    print(list(view), deep, d["new"] is d["b"], d["b"]["deep"] is deep)
""",
    ),
    "a dictionary that is gone through": (
        True,
        """
@memoize
def f(d, key):
    d[key] += 1

def once():
    d = {"a": 1, "b": 2, "c": 3}
    for key in d:
        f(d, key)
    print(d)
    numbers = [1, 2]
    for n in numbers:
        grow(numbers, n)
    print(numbers)

@memoize
def grow(numbers, n):
    if len(numbers) < 5:
        numbers.append(n)
""",
    ),
    "the other containers": (
        True,
        """
@memoize
def f(s, q, b, a, o, c, dd):
    s.add(4); s.discard(1)
    q.appendleft(0)
    b.extend(b"yz")
    a.append(3)
    o.move_to_end("a")
    c.update("abca")
    dd["x"].append(1)

def once():
    s, q, b, a = {1, 2}, deque([1, 2], maxlen=2), bytearray(b"x"), array("i", [1])
    o, c, dd = OrderedDict(a=1, b=2), Counter(), defaultdict(list)
    f(s, q, b, a, o, c, dd)
    print(sorted(s), q, b, a, o, c, dd, dd["new"])
""",
    ),
    "instances, in circles": (
        True,
        """
@memoize
def f(node):
    node.value += 1
    child = Node("child")
    child.parent = node
    node.children.append(child)
    node.loop = node
    return child

def once():
    node = Node(1)
    children, names = node.children, vars(node)
    child = f(node)
    print(node.value, child.parent is node, children == [child], names is vars(node))
    print(node.loop is node, type(child) is Node, list(names))
""",
    ),
    "slots": (
        True,
        """
@memoize
def f(one):
    one.more = one.value
    del one.value

def once():
    one = Slotted([1])
    value = one.value
    f(one)
    print(one.more is value, hasattr(one, "value"))
""",
    ),
    "a method changes its instance": (
        True,
        """
class Walk:
    def __init__(self):
        self.steps = 0
    @memoize
    def step(self, n):
        self.steps += n
        return self

def once():
    walk = Walk()
    print(walk.step(2) is walk, walk.steps, walk.step(2).step(1).steps)
""",
    ),
    "globals are assigned": (
        True,
        """
total, made = 0, None

@memoize
def f(n):
    global total, made
    total += n
    made = [n]
    return made

def once():
    global total, made
    total, made = 0, None
    result = f(2)
    print(total, made, result is made)
    result.append(1)
    print(f(2), total, made)
""",
    ),
    "a global is changed in its place": (
        True,
        """
seen, table = [], {"rows": []}
rows = table["rows"]

@memoize
def f(n):
    seen.append(n)
    table["rows"].append(n)
    return table

def once():
    seen.clear()
    rows.clear()
    print(f(1) is table, f(2) is table, seen, rows, table["rows"] is rows)
""",
    ),
    "another function reads the global": (
        True,
        """
total = 0

@memoize
def f(n):
    global total
    total += n

@memoize
def double():
    return 2 * total

def once():
    global total
    total = 0
    f(1); print(double(), total)
    f(1); print(double(), total)
    f(5); print(double(), total)
""",
    ),
    "one within the other": (
        True,
        """
log = []

@memoize
def inner(x):
    x.append("inner")
    log.append(len(x))
    return x

@memoize
def outer(x):
    x.append("outer")
    return [inner(x), inner(x)]

def once():
    log.clear()
    x = []
    print(inner(x) is x, log)
    result = outer(x)
    print(result[0] is x is result[1], x, log)
    x = []
    print(outer(x), log)
""",
    ),
    "random generators": (
        True,
        """
@memoize
def f(generator, n):
    return [generator.random() for _ in range(n)]

def once():
    a, b = random.Random(1), random.Random(1)
    print(f(a, 2), f(a, 1), a.random(), f(b, 2), b.random())
    random.seed(3)
    print(f(random, 1), random.random())
""",
    ),
    "generators of numpy": (
        True,
        """
import numpy as np

@memoize
def f(generator, n):
    return generator.normal(size=n)

def once():
    for g in np.random.default_rng(1), np.random.RandomState(1):
        print(f(g, 2), f(g, 1), g.random(), g.normal())
    g = np.random.default_rng(2)
    print(g.spawn(1)[0].random(), f(g, 1), g.spawn(1)[0].random())
""",
    ),
    "arrays, and views of them that the caller holds": (
        True,
        """
import numpy as np

@memoize
def f(a):
    a[1:] += 1
    a[0] = np.nan
    return a

def once():
    a = np.zeros(4)
    view = a[::2]
    print(f(a) is a, a, view)
    grid = np.arange(12).reshape(3, 4)
    print(f(grid[:, ::2].astype(float)), double(grid[:, ::2]), grid)

@memoize
def double(part):
    part *= 2
""",
    ),
    "arrays that share their memory": (
        False,
        """
import numpy as np

@memoize
def f(a, b):
    a += 1
    return b.sum()

def once():
    a = np.zeros(4)
    print(f(a[1:], a[:-1]), a)
    print(f(a[1:], a[:-1]), a)
""",
    ),
    "an array's view is the result": (
        True,
        """
import numpy as np

@memoize
def f(a):
    a += 1
    return a[1:]

def once():
    a = np.zeros(3)
    view = f(a)
    view[0] = 7
    print(a, view)
    grid = np.arange(6.0).reshape(2, 3)
    turned = g(grid[:, 1:])
    turned[0, 0] = -1
    print(turned, grid)

@memoize
def g(grid):
    grid *= 2
    return grid[::-1].T
""",
    ),
    "an array is given another shape": (
        False,
        """
import numpy as np

@memoize
def f(a):
    a.sort()
    a.resize((2, 2), refcheck=False)

def once():
    a = np.array([3, 1, 2, 0])
    f(a)
    print(a)
""",
    ),
    "tables": (
        True,
        """
import pandas as pd

@memoize
def f(frame):
    frame["b"] = frame["a"] * 2
    frame.loc[0, "a"] = 9
    frame.insert(0, "c", frame.pop("b"))
    return frame

@memoize
def order(series):
    series.sort_values(inplace=True)
    series.name = "ordered"

@memoize
def fill(frame):
    frame.fillna(0, inplace=True)
    frame.drop(columns="s", inplace=True)

def once():
    frame = pd.DataFrame({"a": [1, 2], "s": ["x", "y"]})
    print(f(frame) is frame, frame.to_dict())
    copied = frame["a"]
    frame.loc[1, "a"] = 0
    print(copied.tolist(), frame.to_dict())
    series = pd.Series([3, 1, 2], name="s")
    order(series)
    print(series.to_dict(), series.name)
    holes = pd.DataFrame({"a": [1.0, None], "s": ["x", "y"]})
    fill(holes)
    print(holes.to_dict())
""",
    ),
    "tables that share what they hold until it is changed": (
        True,
        """
import pandas as pd

@memoize
def part(frame):
    frame.loc[0, "a"] = 5
    return frame["a"], frame, frame[["a"]], frame.to_numpy()

@memoize
def twice(frame, other):
    frame["b"] = frame["a"]
    other["x"] = frame["a"]
    other.set_index("y", inplace=True)

@memoize
def named(frame):
    frame.set_index("a", drop=False, inplace=True)
    return frame.index

def once():
    frame = pd.DataFrame({"a": [1, 2]})
    series, same, again, array = part(frame)
    print(same is frame)
    frame.loc[1, "a"] = 7
    series.loc[0] = 8
    again.loc[0, "a"] = 9
    print(frame.to_dict(), series.tolist(), again.to_dict())
    frame, other = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"y": [3, 4]})
    twice(frame, other)
    frame.loc[0, "a"] = 5
    other.iloc[1, 0] = 6
    print(frame.to_dict(), other.to_dict())
    frame = pd.DataFrame({"a": [1, 2]})
    index = named(frame)
    frame.iloc[0, 0] = 8
    print(frame.to_dict(), list(index), index is frame.index)
""",
    ),
    "a table that shares its values": (
        False,
        """
import pandas as pd

@memoize
def f(frame):
    frame.loc[0, "a"] = 9

def once():
    frame = pd.DataFrame({"a": [1, 2]})
    part = frame["a"]
    f(frame)
    print(frame.to_dict(), part.tolist())
""",
    ),
    "what is raised leaves what it did": (
        False,
        """
@memoize
def f(x):
    x.append(1)
    raise ValueError(x)

def once():
    x = []
    try:
        f(x)
    except ValueError as error:
        print(error, error.args[0] is x, x)
""",
    ),
    "a global is made, and another removed": (
        False,
        """
old = 1

@memoize
def f():
    global made, old
    made = 2
    del old

def once():
    globals()["old"] = 1
    globals().pop("made", None)
    f()
    print("old" in globals(), made)
""",
    ),
    "a variable of an outer function": (
        False,
        """
def outer():
    n, seen = 0, []
    @memoize
    def f():
        nonlocal n
        n += 1
        seen.append(n)
        return n
    return f, lambda: (n, seen)

def once():
    f, left = outer()
    print(f(), f(), left())
""",
    ),
    "a default that is changed": (
        False,
        """
@memoize
def f(x, seen=[]):
    seen.append(x)
    return len(seen)

def once():
    f.__defaults__ = None
    getattr(f, "__wrapped__", f).__defaults__ = ([],)
    print(f(1), f(1), f(1, [0]))
""",
    ),
    "a class is changed": (
        False,
        """
class Kept:
    total = 0
    seen = []

@memoize
def f(n):
    Kept.total += n
    Kept.seen.append(n)

def once():
    Kept.total = 0
    Kept.seen.clear()
    f(1); f(1)
    print(Kept.total, Kept.seen)
""",
    ),
    "a class's list is an argument": (
        False,
        """
class Kept:
    seen = []

@memoize
def f(kept, x):
    x.append(1)
    return len(kept.seen)

def once():
    Kept.seen.clear()
    print(f(Kept(), []), f(Kept(), Kept.seen), Kept.seen)
    Kept.seen.clear()
    print(f(Kept(), Kept.seen), Kept.seen)
""",
    ),
    "lists of a class of one's own": (
        False,
        """
class Mine(list):
    pass

@memoize
def f(x):
    x.append(1)

def once():
    x = Mine()
    f(x)
    print(x, type(x).__name__)
""",
    ),
    "keys that change": (
        False,
        """
class Key:
    def __init__(self, n):
        self.n = n
    def __hash__(self):
        return hash(self.n)
    def __eq__(self, other):
        return self.n == other.n

@memoize
def f(d):
    for key in d:
        key.n += 1

def once():
    d = {Key(1): 1}
    f(d)
    print(Key(2) in d, [key.n for key in d])
""",
    ),
    "a class that says itself what counts": (
        False,
        """
class Said:
    def __init__(self):
        self.counts, self.hidden = [], []
    def __getfrozenstate__(self):
        return self.counts

@memoize
def f(said):
    said.counts.append(1)
    said.hidden.append(1)

def once():
    said = Said()
    f(said)
    print(said.counts, said.hidden)
""",
    ),
    "a function keeps what it is given": (
        False,
        """
def keeping():
    kept = []
    return kept, lambda: list(kept)

@memoize
def f(x, look):
    x.append(1)
    return look()

def once():
    kept, look = keeping()
    print(f([], look), f(kept, look), kept)
""",
    ),
    "what is held cannot be changed": (
        True,
        """
@memoize
def f(x, b):
    x.append(1)
    b.extend(b"1")

def once():
    x, b = [], bytearray()
    f(x, b)
    print(x, b)
    x, b = [], bytearray()
    with memoryview(b):
        try:
            f(x, b)
        except BufferError as error:
            print(type(error).__name__)
    print(x, b)
""",
    ),
    "nothing is changed": (
        True,
        """
@memoize
def f(x):
    x.append(1)
    x.pop()
    return list(x)

def once():
    x = [1]
    print(f(x) is x, f(x), x)
""",
    ),
    "several threads": (
        True,
        """
@memoize
def f(x, n):
    x.extend([n] * n)
    return x

def once():
    lists = [[] for _ in range(8)]
    threads = [threading.Thread(target=f, args=(x, n // 4)) for n, x in enumerate(lists)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(lists)
""",
    ),
}
