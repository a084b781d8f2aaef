"""Run the instructions of a pickle, without running what it says.

A pickle is a program: in Python, its names are imported and called. Here a name stands for what pickle_names says, and
everything that a pickle does to it (call it, make an object of it, give it a state) is a function of that module. All
instructions of protocols 0 to 5 are known, but those for extension registries and out-of-band buffers, which torch.save
does not write. Each is paid for: see pickle_budget.

The instructions: pickletools.py.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from . import pickle_names
from .errors import TorchFileError
from .pickle_budget import GRANT, Budget
from .tensor_file import File

__all__ = ["unpickle"]

_LONGEST_LINE = 2**24
_LONGEST_NUMBER = 255
_ARRAY_IN_MEMO = 64  # how far back in the memo an array is looked for when it gets its state


def unpickle(file: File, stream: BinaryIO, end: int, persistent_load: Callable[[Any], Any]) -> Any:
    """Run the pickle at the stream's position, which ends at the stream's ``end`` or before.

    Args:
        file (File): what the tensors will be read from.
        stream (binary file): is left behind the pickle.
        end (int): position in bytes.
        persistent_load (callable): finds what a persistent id stands for, or fails.

    Raises:
        TorchFileError: If the pickle is damaged, or takes too much memory.
    """
    return _Machine(file, stream, end, persistent_load).run()


class _Machine:
    """The stack, the memo and the marks of a pickle."""

    def __init__(self, file: File, stream: BinaryIO, end: int, persistent_load: Callable[[Any], Any]) -> None:
        self.file = file
        self.stream = stream
        self.end = end
        self.persistent_load = persistent_load
        self.budget = Budget(file)
        self.stack: list[Any] = []
        self.marks: list[int] = []  # lengths of the stack
        self.memo: list[Any] = []
        self.far_memo: dict[int, Any] = {}  # of places that leave a gap
        self.names: dict[tuple[str, str], Any] = {}

    def run(self) -> Any:
        read, budget, instructions = self.stream.read, self.budget, _INSTRUCTIONS
        code = b""
        try:
            while code != b".":
                code = read(1)
                cost, instruction = instructions[code]
                budget.left -= cost
                if budget.left < 0:
                    budget.exceeded()
                instruction(self)
            if self.marks:
                self.file.fail("the pickle is damaged: a mark without an end")
            return self.stack.pop()
        except TorchFileError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            if code not in instructions:
                self.file.fail(f"the pickle has an unknown instruction: {code!r}" if code else "the pickle ends early")
            # No more on the stack, no such place in the memo, a text that is none, wrong arguments of a function.
            raise TorchFileError(f"{self.file.path}: the pickle is damaged ({type(error).__name__})") from error

    def read(self, count: int) -> bytes:
        """An argument of an instruction."""
        if count > 512 and count > self.end - self.stream.tell():  # before count bytes are allocated
            self.file.fail("the pickle ends early")
        data = self.stream.read(count)
        if len(data) != count:
            self.file.fail("the pickle ends early")
        self.budget.left += GRANT * count
        return data

    def number(self, count: int) -> int:
        return int.from_bytes(self.read(count), "little")

    def line(self) -> bytes:
        line = self.stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            self.file.fail("the pickle is damaged: a line without an end")
        self.budget.left += GRANT * len(line)
        return line[:-1]

    def make(self, value: Any) -> None:
        """Push a value that takes memory of its own, which is small beside what was read for it."""
        self.budget.left -= sys.getsizeof(value)
        self.stack.append(value)

    def pop_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def put(self, place: int) -> None:
        if place == 1 and not self.memo:  # Python 2 counts from 1
            self.memo.append(None)
        if place == len(self.memo):
            self.memo.append(self.stack[-1])
        elif 0 <= place < len(self.memo):
            self.memo[place] = self.stack[-1]
        else:
            self.budget.spend(150)
            self.far_memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self.far_memo[place] if place in self.far_memo else self.memo[place])

    def name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            self.file.fail("the pickle is damaged: a name that is none")
        value = self.names.get((module, name))
        if value is None:
            value = self.names[module, name] = pickle_names.resolve(self.budget, module, name)
        self.stack.append(value)


# Functions for the instructions that say more than push, pop or get.


def _byte(it: _Machine) -> None:
    it.stack.append(it.stream.read(1)[0])


def _integer(it: _Machine, size: int) -> None:
    count = it.number(size)
    if count > _LONGEST_NUMBER:
        it.file.fail(f"the pickle has a number of more than {_LONGEST_NUMBER} bytes")
    it.make(int.from_bytes(it.read(count), "little", signed=True))


def _decimal(it: _Machine) -> None:
    line = it.line().removesuffix(b"L")
    if len(line) > 2 * _LONGEST_NUMBER:
        it.file.fail(f"the pickle has a number of more than {_LONGEST_NUMBER} bytes")
    it.make(line == b"01" if line in (b"00", b"01") else int(line))


def _place(it: _Machine) -> int:
    place = int(it.line()[:20])
    return place if place >= 0 else it.file.fail("the pickle is damaged: a negative place in the memo")


def _text(it: _Machine, size: int) -> None:
    it.make(it.read(it.number(size)).decode("utf-8", "surrogatepass"))


def _short_text(it: _Machine) -> None:
    it.make(it.read(it.stream.read(1)[0]).decode("utf-8", "surrogatepass"))


def _python2_text(it: _Machine, size: int) -> None:
    """Python 2's str: text, or bytes."""
    data = it.read(it.number(size))
    try:
        it.make(data.decode("utf-8"))
    except UnicodeDecodeError:
        it.make(data)


def _quoted(it: _Machine) -> None:
    line = it.line()
    if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":
        it.file.fail("the pickle is damaged: a text without quotes")
    it.make(line[1:-1].decode("unicode_escape"))


def _tuple(it: _Machine, count: int) -> None:
    if len(it.stack) < count:
        it.file.fail("the pickle is damaged: a tuple of more than there is")
    it.stack[-count:] = [tuple(it.stack[-count:])]


def _dict(it: _Machine) -> None:
    items = it.pop_mark()
    it.stack.append({})
    pickle_names.update(it.budget, it.stack[-1], items)


def _frozen_set(it: _Machine) -> None:
    items = it.pop_mark()
    it.budget.spend(216 + 70 * len(items))
    it.stack.append(frozenset(map(it.budget.key, items)))


def _append(it: _Machine) -> None:
    value = it.stack.pop()
    pickle_names.extend(it.budget, it.stack[-1], [value])


def _extend(it: _Machine) -> None:
    items = it.pop_mark()
    pickle_names.extend(it.budget, it.stack[-1], items)


def _set_item(it: _Machine) -> None:
    value, key = it.stack.pop(), it.stack.pop()
    pickle_names.update(it.budget, it.stack[-1], [key, value])


def _set_items(it: _Machine) -> None:
    items = it.pop_mark()
    pickle_names.update(it.budget, it.stack[-1], items)


def _reduce(it: _Machine) -> None:
    arguments, function = it.stack.pop(), it.stack.pop()
    it.stack.append(pickle_names.call(it.budget, function, arguments))


def _new_object(it: _Machine) -> None:
    arguments, cls = it.stack.pop(), it.stack.pop()
    it.stack.append(pickle_names.new_object(it.budget, cls, arguments))


def _new_object_with_keywords(it: _Machine) -> None:
    keywords, arguments, cls = it.stack.pop(), it.stack.pop(), it.stack.pop()
    it.stack.append(pickle_names.new_object(it.budget, cls, arguments, keywords))


def _instance(it: _Machine) -> None:
    """Protocol 0's objects: a class by name, called with what is above the mark."""
    it.name(it.line().decode(), it.line().decode())
    cls = it.stack.pop()
    it.stack.append(pickle_names.call(it.budget, cls, tuple(it.pop_mark())))


def _object(it: _Machine) -> None:
    """Protocol 1's objects: the same, with the class right above the mark."""
    cls, *arguments = it.pop_mark()
    it.stack.append(pickle_names.call(it.budget, cls, tuple(arguments)))


def _build(it: _Machine) -> None:
    state, target = it.stack.pop(), it.stack[-1]
    made = pickle_names.build(it.budget, target, state)
    if made is not target:  # an array, which takes the place of its record
        it.stack[-1] = made
        for place in range(len(it.memo) - 1, max(-1, len(it.memo) - 1 - _ARRAY_IN_MEMO), -1):
            if it.memo[place] is target:
                it.memo[place] = made


def _persistent(it: _Machine) -> None:
    it.stack.append(it.persistent_load(it.stack.pop()))


# Each with the bytes of memory that it takes, which are more than it grants where they are positive: the instruction
# itself and 8 for the place on the stack; memory of a size that is not known here is paid for when it is made.
_PUSH = 8 - GRANT
_TAKES_NONE = -GRANT
_INSTRUCTIONS: dict[bytes, tuple[int, Callable[[_Machine], Any]]] = {
    b".": (_TAKES_NONE, lambda it: None),
    b"\x80": (_TAKES_NONE, lambda it: it.read(1)),  # PROTO
    b"\x95": (_TAKES_NONE, lambda it: it.read(8)),  # FRAME
    b"N": (_PUSH, lambda it: it.stack.append(None)),
    b"\x88": (_PUSH, lambda it: it.stack.append(True)),
    b"\x89": (_PUSH, lambda it: it.stack.append(False)),
    b"K": (_PUSH - GRANT, _byte),
    b"M": (_PUSH, lambda it: it.make(it.number(2))),
    b"J": (_PUSH, lambda it: it.make(int.from_bytes(it.read(4), "little", signed=True))),
    b"\x8a": (_PUSH, lambda it: _integer(it, 1)),
    b"\x8b": (_PUSH, lambda it: _integer(it, 4)),
    b"I": (_PUSH, _decimal),
    b"L": (_PUSH, _decimal),
    b"G": (_PUSH, lambda it: it.make(struct.unpack(">d", it.read(8))[0])),
    b"F": (_PUSH, lambda it: it.make(float(it.line()))),
    b"U": (_PUSH, lambda it: _python2_text(it, 1)),
    b"T": (_PUSH, lambda it: _python2_text(it, 4)),
    b"S": (_PUSH, _quoted),
    b"V": (_PUSH, lambda it: it.make(it.line().decode("raw_unicode_escape"))),
    b"\x8c": (_PUSH, _short_text),
    b"X": (_PUSH, lambda it: _text(it, 4)),
    b"\x8d": (_PUSH, lambda it: _text(it, 8)),
    b"C": (_PUSH, lambda it: it.make(it.read(it.number(1)))),
    b"B": (_PUSH, lambda it: it.make(it.read(it.number(4)))),
    b"\x8e": (_PUSH, lambda it: it.make(it.read(it.number(8)))),
    b"\x96": (_PUSH, lambda it: it.make(bytearray(it.read(it.number(8))))),
    b"(": (_TAKES_NONE + 40, lambda it: it.marks.append(len(it.stack))),
    b"0": (_TAKES_NONE, lambda it: it.stack.pop()),
    b"1": (_TAKES_NONE, lambda it: it.pop_mark()),
    b"2": (_PUSH, lambda it: it.stack.append(it.stack[-1])),
    b")": (_PUSH, lambda it: it.stack.append(())),
    b"\x85": (_TAKES_NONE + 48, lambda it: _tuple(it, 1)),
    b"\x86": (_TAKES_NONE + 56, lambda it: _tuple(it, 2)),
    b"\x87": (_TAKES_NONE + 64, lambda it: _tuple(it, 3)),
    b"t": (_PUSH, lambda it: it.make(tuple(it.pop_mark()))),
    b"]": (_PUSH + 56, lambda it: it.stack.append([])),
    b"}": (_PUSH + 64, lambda it: it.stack.append({})),
    b"l": (_PUSH, lambda it: it.make(it.pop_mark())),
    b"d": (_PUSH + 64, _dict),
    b"\x8f": (_PUSH + 216, lambda it: it.stack.append(set())),
    b"\x91": (_PUSH, _frozen_set),
    b"a": (_TAKES_NONE, _append),
    b"e": (_TAKES_NONE, _extend),
    b"s": (_TAKES_NONE, _set_item),
    b"u": (_TAKES_NONE, _set_items),
    b"\x90": (_TAKES_NONE, _extend),
    b"q": (_PUSH - GRANT, lambda it: it.put(it.stream.read(1)[0])),
    b"r": (_PUSH, lambda it: it.put(it.number(4))),
    b"p": (_PUSH, lambda it: it.put(_place(it))),
    b"\x94": (_PUSH, lambda it: it.put(len(it.memo) + len(it.far_memo))),
    b"h": (_PUSH - GRANT, lambda it: it.get(it.stream.read(1)[0])),
    b"j": (_PUSH, lambda it: it.get(it.number(4))),
    b"g": (_PUSH, lambda it: it.get(_place(it))),
    b"c": (_PUSH, lambda it: it.name(it.line().decode(), it.line().decode())),
    b"\x93": (_PUSH, lambda it: it.name(*[it.stack.pop(), it.stack.pop()][::-1])),
    b"R": (_PUSH, _reduce),
    b"\x81": (_PUSH, _new_object),
    b"\x92": (_PUSH, _new_object_with_keywords),
    b"i": (_PUSH, _instance),
    b"o": (_PUSH, _object),
    b"b": (_TAKES_NONE, _build),
    b"Q": (_PUSH + 150, _persistent),
    b"P": (_PUSH, lambda it: it.stack.append(it.persistent_load(it.line().decode()))),
}
