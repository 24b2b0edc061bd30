"""Reads a pickle of plain values without `pickle`: a list of allowed operations, nothing imported.

Only what a column can hold is read: None, bool, int, float, str, bytes, Decimal, UUID, dates and
times, and list, tuple, dict and set of them, in the protocols 3 to 5 that Python 3 writes.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NamedTuple

from bt_security.exceptions import Tampered
from bt_security.interop.pickled_types import (
    CONTAINERS,
    MAKERS,
    SCALARS,
    Maker,
    exact_text,
    hashable,
    set_uuid,
)

_STARTS = (b"\x80\x03", b"\x80\x04", b"\x80\x05")
_STOP = b"."
_KINDS = {kind.code.encode("latin-1"): kind for kind in pickletools.opcodes}
_FRAME = "FRAME"  # only says how much follows


class ForeignTypeRefused(Tampered):
    """The signature is right and the content is of a class that this package does not rebuild."""

    reason = "signed rightly, and holds something that a column cannot hold"


class Operation(NamedTuple):
    """One step of a pickle."""

    name: str
    argument: Any


def operations_of(data: bytes) -> list[Operation] | None:
    """Split a pickle into its operations, None when `data` is not exactly one pickle.

    An operation that is not allowed ends the list: nothing behind it is read.

    Source: `pickletools` of the Python library.
    """
    stream = BytesIO(data)
    if stream.read(2) not in _STARTS:
        return None
    found: list[Operation] = []
    while (code := stream.read(1)) != _STOP:
        kind = _KINDS.get(code)
        if kind is None:
            return None
        if kind.name not in _ALLOWED:
            return [*found, Operation(kind.name, None)]
        try:
            argument = _argument(kind, stream)
        except ValueError:
            return None
        found.append(Operation(kind.name, argument))
    return found if stream.tell() == len(data) else None


def _argument(kind: pickletools.OpcodeInfo, stream: BytesIO) -> Any:
    if kind.name == "GLOBAL":  # `pickletools` would take escapes in it for more than they are
        return tuple(stream.readline().decode("ascii").removesuffix("\n") for _ in range(2))
    return kind.arg.reader(stream) if kind.arg else None


def load_plain(operations: Iterable[Operation]) -> object:
    """Build the value that the operations describe; calls nothing that is not in `MAKERS`.

    Raises:
        ForeignTypeRefused: an operation, a class or an argument is not allowed.
    """
    machine = _Machine()
    try:
        for operation in operations:
            machine.take(operation)
        (value,) = machine.stack
    except (ArithmeticError, LookupError, OSError, TypeError, ValueError):
        # OSError: a time zone's name that is a directory of the system's zone files.
        raise ForeignTypeRefused from None
    if not _is_plain(value):
        raise ForeignTypeRefused
    return value


def _is_plain(value: object) -> bool:
    pending: list[Any] = [value]
    seen: set[int] = set()
    while pending:
        found = pending.pop()
        if type(found) in SCALARS or id(found) in seen:
            continue
        if type(found) not in CONTAINERS:
            return False
        seen.add(id(found))
        pending.extend(found)
        pending.extend(found.values() if isinstance(found, dict) else ())
    return True


class _Machine:
    """The stack, the marks on it and the memo of a pickle that is being read."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}

    def take(self, operation: Operation) -> None:
        name, argument = operation
        if name in _ARGUMENTS:
            self.stack.append(argument)
        elif name in _NEW:
            self.stack.append(_NEW[name]())
        elif name != _FRAME:
            _STEPS[name](self, argument)

    def pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        popped = self.stack[start:]
        del self.stack[start:]
        return popped

    def mark(self, _argument: object) -> None:
        self.marks.append(len(self.stack))

    def remember(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def tuple_of(self, count: int) -> None:
        popped = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(popped)))

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def update(self, names_and_values: list[Any]) -> None:
        target = self.stack[-1]
        names, values = names_and_values[::2], names_and_values[1::2]
        if type(target) is not dict:
            raise TypeError
        target.update(zip(hashable(names), values, strict=True))

    def add(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not set:
            raise TypeError
        target.update(hashable(items))

    def find(self, module: object, name: object) -> None:
        self.stack.append(MAKERS[exact_text(module), exact_text(name)])

    def call(self, _argument: object) -> None:
        arguments, maker = self.pop(), self.pop()
        if type(maker) is not Maker or type(arguments) is not tuple:
            raise TypeError
        self.stack.append(maker.make(*arguments))

    def build(self, _argument: object) -> None:
        state = self.pop()
        set_uuid(self.stack[-1], state)


_ARGUMENTS = frozenset(
    {
        "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT",
        "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
        "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    }
)  # fmt: skip
_NEW: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_SET": set,
    "EMPTY_TUPLE": tuple,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.remember,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.update([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.update(machine.pop_to_mark()),
    "ADDITEMS": lambda machine, _: machine.add(machine.pop_to_mark()),
    "FROZENSET": lambda machine, _: machine.stack.append(
        frozenset(hashable(machine.pop_to_mark()))
    ),
    "GLOBAL": lambda machine, names: machine.find(*names),
    "STACK_GLOBAL": lambda machine, _: machine.find(*[machine.pop(), machine.pop()][::-1]),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
}
_ALLOWED = {_FRAME} | _ARGUMENTS | _NEW.keys() | _STEPS.keys()
