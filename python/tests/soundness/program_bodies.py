"""Bodies of functions for random programs: statements and expressions over integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_graphs import TOP_LEVEL

if TYPE_CHECKING:
    from soundness.program_graphs import Graph


def indented(lines: list[str]) -> list[str]:
    """Lines, one step further in."""
    return [f"    {line}" for line in lines]


class Body:
    """A body under construction, with the variables it may read."""

    def __init__(self, graph: Graph, *variables: str, below: int = TOP_LEVEL) -> None:
        """Begins with no statement; uses things below a level only."""
        self.graph = graph
        self.variables = list(variables)
        self.below = below
        self.level = 0
        self.lines: list[str] = []

    # --- expressions ---

    def variable(self) -> str:
        """One of the variables."""
        return self.variables[self.graph.next() % len(self.variables)]

    def small(self) -> str:
        """An expression without calls."""
        graph = self.graph
        return f"({self.variable()} {graph.operator()} {graph.number()})"

    def use(self, argument: str) -> str:
        """An expression that uses something defined before; an edit may use something else."""
        graph = self.graph
        known = graph.known(below=self.below)
        if not known:
            return f"({argument} {graph.operator()} {graph.number()})"
        thing = known[-1 - graph.index(len(known))]
        form = thing.uses[graph.index(len(thing.uses))]
        self.level = max(self.level, thing.level + 1)
        others = [other for other in known if other.level <= thing.level and other is not thing]
        chosen = form.format(r=graph.refer_within(thing, self.lines), x=argument)
        rest = (
            other.uses[0].format(r=graph.refer_later(other), x=argument) for other in others[-2:]
        )
        return graph.change(chosen, *rest)

    def expression(self) -> str:
        """Any expression, which may evaluate its parts a few times."""
        options = (
            self._binary, self._conditional, self._lambda, self._walrus, self._text, self._lookup, self._list,
            self._set, self._dictionary, self._generator, self._sorted, self._map, self._reduce,
        )  # fmt: skip
        return options[self.graph.index(len(options))](self.variable())

    def _binary(self, v: str) -> str:
        return f"({self.use(v)} {self.graph.operator()} {self.small()})"

    def _conditional(self, v: str) -> str:
        graph = self.graph
        test = graph.change(f"{v} % 2", f"not {v} % 2", f"{v} < 3", f"3 <= {v} != 7", "True")
        return f"({self.use(v)} if {test} else {self.small()})"

    def _lambda(self, v: str) -> str:
        y = self.graph.parameter()
        return (
            f"(lambda {y}, k={self.graph.number()}: {self.use(y)} {self.graph.operator()} k)({v})"
        )

    def _walrus(self, v: str) -> str:
        y = self.graph.local()
        return f"(({y} := {self.small()}) {self.graph.operator()} {self.use(v)})"

    def _text(self, v: str) -> str:
        kind = self.graph.change("d", "x", "05d", "+d")
        return f"(len(f'{{{v}:{kind}}}') + {self.use(v)})"

    def _lookup(self, v: str) -> str:
        n = self.graph.number
        table = self.graph.pick((f"({n()}, {n()}, 7)", f"{{0: {n()}, 1: {n()}, 2: 5}}"))
        return f"({table}[{v} % 3] {self.graph.operator()} {self.use(v)})"

    def _list(self, v: str) -> str:
        i = self.graph.local()
        return f"sum([{self.use(i)} for {i} in range({self.graph.change('3', '2')}) if {i} != {v}])"

    def _set(self, v: str) -> str:
        i = self.graph.local()
        return (
            f"{self.graph.change('sum', 'max', 'len')}({{{self.use(i)} % 5 for {i} in ({v}, 3)}})"
        )

    def _dictionary(self, v: str) -> str:
        i, n = self.graph.local(), self.graph.number()
        return f"{{{i}: {self.use(i)} for {i} in (1, {v} % 3)}}.get({v}, {n})"

    def _generator(self, v: str) -> str:
        i, j = self.graph.local(), self.graph.local()
        return f"sum({self.use(i)} {self.graph.operator()} {j} for {i} in (1, 2) for {j} in ({v},))"

    def _sorted(self, v: str) -> str:
        y, n = self.graph.parameter(), self.graph.number()
        reverse = self.graph.change("", ", reverse=True")
        return f"sorted([{v}, {n}, 4], key=lambda {y}: {self.use(y)} % 7{reverse})[0]"

    def _map(self, v: str) -> str:
        functions = self.graph.known("function", below=self.below)
        if not functions:
            return f"sum(map(abs, [{v}, {self.graph.number()}]))"
        thing = self.graph.pick(functions)
        self.level = max(self.level, thing.level + 1)
        return (
            f"sum(map({self.graph.refer_within(thing, self.lines)}, [{v}, {self.graph.number()}]))"
        )

    def _reduce(self, v: str) -> str:
        functools = self.graph.library("functools")
        return f"{functools}.reduce(lambda one, two: one {self.graph.operator()} {self.use('two')}, [{v}, 2, 3])"

    # --- statements ---

    def block(self, most: int = 2, ending: str = "return {}") -> list[str]:
        """The lines of the whole body, at the end of which a result is put into `ending`."""
        graph = self.graph
        self.lines.append(graph.harmless("", "# A remark.", "pass"))
        options = (self._assign, self._branch, self._loop, self._while, self._try, self._finally, self._match,
            self._function, self._nonlocal, self._yield, self._class, self._unpack, self._with, self._delete)  # fmt: skip
        for _ in range(graph.index(most + 1)):
            options[graph.index(len(options))]()
        result, kept = self.expression(), graph.local()
        whole = graph.choose(2, harmless=True)
        self.lines.append(f"{kept} = {graph.slot(whole, result, f'({result})')}")
        self.lines.append(ending.format(kept))
        return self.lines

    def within(self, *variables: str) -> list[str]:
        """The indented body of a function in this one, which goes on reading one of its variables."""
        inner = Body(self.graph, *variables, *self.variables[:1], below=self.below)
        lines = inner.block(most=1)
        self.level = max(self.level, inner.level)
        return indented(lines)

    def _assign(self) -> None:
        kept = self.graph.local()
        annotation = self.graph.harmless("", ": int", ": 'some text'")
        self.lines.append(f"{kept}{annotation} = {self.expression()}")
        self.variables.append(kept)

    def _branch(self) -> None:
        kept, v = self.graph.local(), self.variable()
        first, second, third = self.expression(), self.small(), self.expression()
        self.lines += [
            f"if {v} {self.graph.change('<', '>=', '==')} {self.graph.number()}:",
            f"    {kept} = {first}",
            f"elif {v} % 3 {self.graph.change('and', 'or')} {v} > 1:",
            f"    {kept} = {second}",
            "else:",
            f"    {kept} = {third}",
        ]
        self.variables.append(kept)

    def _loop(self) -> None:
        kept, i, v = self.graph.local(), self.graph.local(), self.variable()
        step = self.use(i)
        self.lines += [
            f"{kept} = {v}",
            f"for {i} in range({self.graph.change('3', '2', '1')}):",
            f"    if {i} == {v}:",
            f"        {self.graph.change('continue', 'break', 'pass')}",
            f"    {kept} = ({kept} {self.graph.operator()} {step}) % 997",
            "else:",
            f"    {kept} += {self.graph.number()}",
        ]
        self.variables.append(kept)

    def _while(self) -> None:
        kept, i = self.graph.local(), self.graph.local()
        step = self.use(i)
        self.lines += [
            f"{kept} = {i} = 0",
            f"while {i} < {self.graph.change('3', '2')}:",
            f"    {kept} {self.graph.change('+=', '-=', '^=')} {step}",
            f"    {i} += 1",
        ]
        self.variables.append(kept)

    def _try(self) -> None:
        kept, v, n = self.graph.local(), self.variable(), self.graph.number()
        error = self.graph.change("IndexError", "KeyError", "LookupError", "Exception")
        value = self.use(v)
        raising = self.graph.change(f"[1, 2][{v}]", f"{{1: 3}}[{v}]", f"1 // {v}", f"{v} + 0")
        self.lines += [
            "try:",
            f"    {kept} = {raising} + {value}",
            f"except {error} as error:",
            f"    {kept} = {n} + len(error.args)",
            "except ArithmeticError:",
            f"    {kept} = {self.graph.number()}",
            "except LookupError:",
            f"    {kept} = {self.graph.number()}",
            "else:",
            f"    {kept} -= {self.graph.number()}",
        ]
        self.variables.append(kept)

    def _finally(self) -> None:
        kept = self.graph.local()
        self.lines += [
            f"{kept} = []",
            "try:",
            f"    {kept}.append({self.expression()})",
            "finally:",
            f"    {kept}.append({self.small()})",
            f"{kept} = sum({kept})",
        ]
        self.variables.append(kept)

    def _match(self) -> None:
        kept, v, y = self.graph.local(), self.variable(), self.graph.local()
        cases = self.graph.change("0 | 1", "0 | 3", "2", "-1")
        self.lines += [
            f"match {self.graph.pick((v, f'({v}, {v} % 2)', f'{{1: {v}, 2: 3}}', f'[{v}, 1, 2]'))}:",
            f"    case {cases}:",
            f"        {kept} = {self.graph.number()}",
            f"    case {{1: {y}}} | ({y}, {self.graph.change('0', '1', '_')}):",
            f"        {kept} = {y} {self.graph.operator()} {self.graph.number()}",
            f"    case [{y}, *rest_{y}] if {y} % 2:",
            f"        {kept} = {self.use(y)} + len(rest_{y})",
            f"    case {self.graph.change('int()', 'str()', 'bool()')}:",
            f"        {kept} = {self.graph.number()}",
            "    case _:",
            f"        {kept} = {self.small()}",
        ]
        self.variables.append(kept)

    def _function(self) -> None:
        kept, inner, y = self.graph.local(), self.graph.parameter(), self.graph.parameter()
        self.lines += [
            f"def {inner}({y}, k={self.graph.number()}):",
            *self.within("k"),
            f"{kept} = {inner}({self.variable()}) + {inner}(1, k={self.graph.number()})",
        ]
        self.variables.append(kept)

    def _nonlocal(self) -> None:
        kept, inner = self.graph.local(), self.graph.parameter()
        self.lines += [
            f"{kept} = {self.variable()}",
            f"def {inner}(y):",
            f"    nonlocal {kept}",
            f"    {kept} {self.graph.change('+=', '-=', '^=')} {self.use('y')}",
            f"    return {kept} {self.graph.operator()} {self.graph.number()}",
            f"{kept} = {inner}(2) - {inner}({self.variable()}) + {kept}",
        ]
        self.variables.append(kept)

    def _yield(self) -> None:
        kept, inner = self.graph.local(), self.graph.parameter()
        self.lines += [
            f"def {inner}(y):",
            f"    for i in range({self.graph.change('2', '3')}):",
            f"        {self.graph.change('yield', 'yield i if i else')} {self.use('y')} + i",
            f"    yield from ({self.graph.number()}, y)",
            f"{kept} = {self.graph.change('sum', 'max', 'min')}({inner}({self.variable()}))",
        ]
        self.variables.append(kept)

    def _class(self) -> None:
        kept, n = self.graph.local(), self.graph.next()
        self.lines += [
            f"class Local{n}:",
            f"    kept_{n} = {self.use(self.variable())}",
            "    @staticmethod",
            f"    def go(y, d={self.graph.number()}):",
            *indented(self.within("y", "d")),
            f"{kept} = Local{n}.kept_{n} + Local{n}.go({self.variable()})",
        ]
        self.variables.append(kept)

    def _unpack(self) -> None:
        first, rest = self.graph.local(), self.graph.local()
        starred = self.graph.change(f"{first}, *{rest}", f"*{rest}, {first}")
        self.lines += [
            f"{starred} = {self.use(self.variable())}, {self.small()}, {self.graph.number()}",
            f"{first} += sum({rest}[{self.graph.change('1:', ':1', '::-1')}])",
        ]
        self.variables.append(first)

    def _with(self) -> None:
        kept = self.graph.local()
        contextlib = self.graph.library("contextlib")
        error = self.graph.change(
            "ZeroDivisionError", "KeyError, ZeroDivisionError", "ArithmeticError"
        )
        self.lines += [
            f"{kept} = {self.graph.number()}",
            f"with {contextlib}.suppress({error}):",
            f"    {kept} = {self.use(self.variable())}",
            f"    {kept} = 7 // ({self.variable()} {self.graph.change('-', '+')} {self.variable()})",
        ]
        self.variables.append(kept)

    def _delete(self) -> None:
        kept = self.graph.local()
        self.lines += [
            f"{kept} = {{'a': {self.use(self.variable())}, 'b': {self.small()}, 'c': 3}}",
            f"del {kept}[{self.graph.change(repr('a'), repr('b'), repr('c'))}]",
            f"{kept} = sum(n * v for n, v in enumerate({kept}.values(), {self.graph.number()}))",
        ]
        self.variables.append(kept)
