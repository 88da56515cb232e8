"""Expressions as mathematics would write them: ``pp``, and the printers that it is made of."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

from agnesi.theano.gof.graph import io_toposort, scratchpad
from agnesi.theano.gof.op import PureOp
from agnesi.theano.scalar.basic import Cast, ScalarOp, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VALID_ASSOC = {"left", "right", "either"}
special = {"middle_dot": "\\dot", "big_sigma": "\\Sigma"}
greek = {name: f"\\{name}" for name in ("alpha", "beta", "gamma", "delta", "epsilon")}


class PrinterState(scratchpad):
    """What printers hand on to each other.

    Attributes:
        pprinter: the printer that was called.
        memo: texts by variable, so that each is written once.
        precedence: how tightly what is around binds.
    """

    def __init__(self, props: Any = None, **more_props: Any) -> None:
        if isinstance(props, scratchpad):
            props = props.__dict__
        self.__dict__.update(props or {})
        self.__dict__.update(more_props)
        self.memo: dict[Any, str] = {}


class _Printer:
    """Writes variables: each once, and from then on the same text."""

    def process(self, output: Any, pstate: Any) -> str:
        """Return the text of a variable."""
        if output not in pstate.memo:
            pstate.memo[output] = self.text(output, pstate)
        return pstate.memo[output]

    def text(self, output: Any, pstate: Any) -> str:
        """Return the text of a variable that has none yet."""
        raise NotImplementedError


def _owner(output: Any, what: str) -> Any:
    """Return the owner of a variable, which a printer needs.

    Raises:
        TypeError: the variable is not computed.
    """
    if output.owner is None:
        raise TypeError(
            f"{what} cannot represent a variable that is not the result of an operation"
        )
    return output.owner


def _within(precedence: float, pstate: Any, variable: Any) -> str:
    """Return the text of a variable in something that binds as tightly as this."""
    before = getattr(pstate, "precedence", None)
    pstate.precedence = precedence
    try:
        return pstate.pprinter.process(variable, pstate)
    finally:
        pstate.precedence = before


class OperatorPrinter(_Printer):
    """Writes ``(a + b)``, always in parentheses.

    Attributes:
        operator: the sign.
        precedence: how tightly it binds.
        assoc: on which side parentheses may be left out: ``left``, ``right`` or ``either``.
    """

    def __init__(self, operator: str, precedence: float, assoc: str = "left") -> None:
        if assoc not in VALID_ASSOC:
            raise AssertionError(f"assoc is one of {sorted(VALID_ASSOC)}, not {assoc!r}")
        self.operator, self.precedence, self.assoc = operator, precedence, assoc

    def text(self, output: Any, pstate: Any) -> str:
        """Return the operands with signs between them; one operand with the sign in front."""
        node = _owner(output, f"operator {self.operator}")
        last = len(node.inputs) - 1
        parts: list[str] = []
        for k, variable in enumerate(node.inputs):
            tighter = (self.assoc == "left" and k != 0) or (self.assoc == "right" and k != last)
            parts.append(_within(self.precedence + 1e-6 * tighter, pstate, variable))
        if len(parts) == 1:
            return f"({self.operator}{parts[0]})"
        return f"({f' {self.operator} '.join(parts)})"


class PatternPrinter(_Printer):
    """Writes by a pattern for each output, such as ``"|%(0)s|"``; numbers stand for inputs.

    A pattern is a text, or a tuple of it and how tightly it binds each input.
    """

    def __init__(self, *patterns: Any) -> None:
        self.patterns = [(p, ()) if isinstance(p, str) else (p[0], tuple(p[1:])) for p in patterns]

    def text(self, output: Any, pstate: Any) -> str:
        """Return the pattern with the inputs in it."""
        node = _owner(output, f"Patterns {self.patterns}")
        pattern, binds = self.patterns[node.outputs.index(output)]
        binds += (1000,) * len(node.inputs)
        pairs = zip(node.inputs, binds, strict=False)
        parts = {str(k): _within(b, pstate, v) for k, (v, b) in enumerate(pairs)}
        return pattern % parts


def _call(name: str, node: Any, pstate: Any) -> str:
    return f"{name}({', '.join(_within(-1000, pstate, v) for v in node.inputs)})"


class FunctionPrinter(_Printer):
    """Writes ``name(a, b)``, with a name for each output."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def text(self, output: Any, pstate: Any) -> str:
        """Return the call."""
        node = _owner(output, f"function {self.names}")
        return _call(self.names[node.outputs.index(output)], node, pstate)


class IgnorePrinter(_Printer):
    """Writes the first input alone."""

    def text(self, output: Any, pstate: Any) -> str:
        """Return the input's text."""
        return pstate.pprinter.process(_owner(output, "this printer").inputs[0], pstate)


class LeafPrinter(_Printer):
    """Writes the variable's name; Greek ones as TeX has them."""

    def text(self, output: Any, pstate: Any) -> str:
        """Return the name."""
        del pstate
        return greek.get(output.name) or str(output)


class DefaultPrinter(_Printer):
    """Writes the op as a function of its inputs."""

    def text(self, output: Any, pstate: Any) -> str:
        """Return the call, or the name of what is not computed."""
        if output.owner is None:
            return leaf_printer.process(output, pstate)
        return _call(str(output.owner.op), output.owner, pstate)


class DimShufflePrinter(_Printer):
    """Writes transposes as ``.T``; new axes in front are left out."""

    def text(self, output: Any, pstate: Any) -> str:
        """Return the operand, transposed or in braces."""
        order = list(_owner(output, "DimShuffle").op.new_order)
        variable = output.owner.inputs[0]
        inner = pstate.pprinter.process(variable)
        while order and order[0] == "x":
            order = order[1:]
        axes = list(range(variable.type.ndim))
        if order == axes:
            return inner
        if order == axes[::-1]:
            return f"{inner}.T"
        return f"DimShuffle{{{', '.join(map(str, order))}}}({inner})"


class SubtensorPrinter(_Printer):
    """Writes ``x[1:3, i]``."""

    def process(self, output: Any, pstate: Any) -> str:
        """Return the text of a variable."""
        return self.text(output, pstate)

    def text(self, output: Any, pstate: Any) -> str:
        """Return the operand with its subscripts."""
        variable, *indices = _owner(output, "Subtensor").inputs
        shown: list[str] = []
        for entry in output.owner.op.idx_list:
            if isinstance(entry, slice):
                shown.append(_slice(entry))
            elif isinstance(entry, int):
                shown.append(str(entry))
            else:
                # The last index is taken first, as Theano has it.
                shown.append(_within(-1000, pstate, indices.pop()))
        return f"{_within(1000, pstate, variable)}[{', '.join(shown)}]"


def _slice(entry: slice) -> str:
    start = "" if entry.start is None or entry.start == 0 else entry.start
    stop = "" if entry.stop is None or entry.stop == sys.maxsize else entry.stop
    step = "" if entry.step is None else f":{entry.step}"
    return f"{start}:{stop}{step}"


class MakeVectorPrinter(_Printer):
    """Writes ``[a, b]``."""

    def process(self, output: Any, pstate: Any) -> str:
        """Return the text of a variable."""
        return self.text(output, pstate)

    def text(self, output: Any, pstate: Any) -> str:
        """Return the elements in brackets."""
        node = _owner(output, "make_vector")
        return f"[{', '.join(pstate.pprinter.process(v) for v in node.inputs)}]"


leaf_printer, default_printer = LeafPrinter(), DefaultPrinter()


_OPERATORS = {
    "add": ("+", -2, "either"),
    "mul": ("*", -1, "either"),
    "sub": ("-", -2, "left"),
    "neg": ("-", 0, "either"),
    "true_div": ("/", -1, "left"),
    "int_div": ("//", -1, "left"),
    "pow": ("**", 1, "right"),
}
# What functions of elements are called where their names are not those of their ops.
_CALLED = {"second": "fill", "scalar_sigmoid": "sigmoid", "scalar_softplus": "softplus"}
_OF_ELEMENTS = {
    **{name: OperatorPrinter(*sign) for name, sign in _OPERATORS.items()},
    "abs": PatternPrinter(("|%(0)s|", -1000)),
    "abs_": PatternPrinter(("|%(0)s|", -1000)),
    "identity": IgnorePrinter(),
}
_OF_CLASSES = {
    "DimShuffle": DimShufflePrinter(),
    "Dot": OperatorPrinter(special["middle_dot"], -1, "left"),
    "dot": OperatorPrinter(special["middle_dot"], -1, "left"),
    "Subtensor": SubtensorPrinter(),
    "MakeVector": MakeVectorPrinter(),
    "Join": FunctionPrinter("join"),
    "Alloc": FunctionPrinter("alloc"),
}


_REMAINDER = OperatorPrinter("%", -1, "left")


def _known_printer(op: Any) -> Any:
    """Return how an op that is here is written; None for one that has no rule."""
    if isinstance(op, ScalarOp):
        # Of numbers the remainder has a sign, of arrays a name.
        return _REMAINDER if name_of(op) == "mod" else _scalar_printer(op)
    scalar = getattr(op, "scalar_op", None)
    if scalar is None or type(op).__name__ != "Elemwise":
        kind = type(op).__name__
        return _OF_CLASSES.get(op.name if kind == "FunctionOp" else kind)
    return _scalar_printer(scalar)


def _scalar_printer(scalar: Any) -> Any:
    name = name_of(scalar)
    if isinstance(scalar, Cast):
        return FunctionPrinter(scalar.o_type.dtype)
    if name is None:
        return None
    return _OF_ELEMENTS.get(name) or FunctionPrinter(_CALLED.get(name, name))


class PPrinter:
    """Writes expressions by printers that belong to ops, to classes of them, or to conditions.

    Attributes:
        printers: pairs of a condition and a printer; the first that holds is used.
        printers_dict: printers by op or class of ops, which go before conditions.
    """

    def __init__(self) -> None:
        self._leaf: Callable[[Any], bool] | None = None
        self.printers: list[tuple[Callable[[Any, Any], Any], Any]] = []
        self.printers_dict: dict[Any, Any] = {}

    def assign(self, condition: Any, printer: Any) -> None:
        """Have a printer write some variables.

        Args:
            condition: an op, a class of ops, or a function of the state and a variable.
            printer: what has a method ``process``.
        """
        if isinstance(condition, PureOp | type):
            self.printers_dict[condition] = printer
        else:
            self.printers.insert(0, (condition, printer))

    def process(self, r: Any, pstate: Any = None) -> str:
        """Return the text of a variable."""
        if pstate is None or isinstance(pstate, dict):
            pstate = PrinterState(pstate, pprinter=self)
        if self._leaf is not None and self._leaf(r):
            return leaf_printer.process(r, pstate)
        owner = getattr(r, "owner", None)
        if owner is not None:
            for key in (owner.op, type(owner.op)):
                if key in self.printers_dict:
                    return self.printers_dict[key].process(r, pstate)
            known = _known_printer(owner.op)
            if known is not None:
                return known.process(r, pstate)
        return next(p.process(r, pstate) for holds, p in self.printers if holds(pstate, r))

    def clone(self) -> PPrinter:
        """Return a printer that is changed by itself."""
        new = copy.copy(self)
        new.printers, new.printers_dict = list(self.printers), dict(self.printers_dict)
        return new

    def clone_assign(self, condition: Any, printer: Any) -> PPrinter:
        """Return a printer that has one printer more."""
        new = self.clone()
        new.assign(condition, printer)
        return new

    def process_graph(
        self,
        inputs: Any,
        outputs: Any,
        updates: Mapping[Any, Any] | None = None,
        display_inputs: bool = False,
    ) -> str:
        """Return a graph as a program: a line for each variable that has a name.

        Args:
            inputs: variables that are given.
            outputs: variables that are returned.
            updates: new values by shared variable.
            display_inputs: whether a first line says what is given.
        """
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        wanted = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        updates = dict(updates or {})
        current: list[Any] = [None]
        printer = self.clone()
        printer._leaf = lambda r: r.name is not None and r is not current[0]
        lines: list[tuple[int, str]] = []
        if display_inputs:
            lines.append((0, f"inputs: {', '.join(map(str, [*given, *updates]))}"))
        targets = {new: old for old, new in updates.items()}
        count = 1
        for node in io_toposort([*given, *updates], [*wanted, *updates.values()]):
            for output in node.outputs:
                if output in targets:
                    lines.append((count + 1000, f"{targets[output]} <- {printer.process(output)}"))
                    count += 1
                if output.name is None and output not in wanted:
                    continue
                place = wanted.index(output) if output in wanted else None
                name = f"out[{place}]" if output.name is None else output.name
                current[0] = output
                said = "return " if wanted == [output] else f"{name} = "
                at = count if place is None else 2000 + place
                lines.append((at, said + printer.process(output)))
                count += 1
        return "\n".join(text for _, text in sorted(lines))

    def __call__(self, *args: Any) -> str:
        if len(args) == 1 or (len(args) == 2 and isinstance(args[1], PrinterState | dict)):
            return self.process(*args)
        if len(args) > 2:
            return self.process_graph(*args)
        raise TypeError("Not enough arguments to call.")


pprint = pp = PPrinter()
pprint.assign(lambda _, __: True, default_printer)
