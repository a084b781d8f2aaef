"""torch.nn.Module as a MindSpore cell: the user writes forward, MindSpore calls construct."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mindspore import Parameter, Tensor, nn

from .._mindspore.cells import inner_cells, own_parameters
from .._mindspore.compile_time import is_in_graph
from ..parameters import assign
from ..weights.state_dict import IncompatibleKeys, load_into, slots
from ._naming import are_alike, modes_inside, named_cells, once
from .parameter import Buffer

__all__ = ["Module"]


class Module(nn.Cell):
    """A cell that is written as a torch.nn.Module: with ``forward``, and in training mode from the start.

    It is a mindspore.nn.Cell: Graph mode, mindspore.jit, value_and_grad, TrainOneStepCell, Model and amp take it, and
    cells with ``construct`` and modules with ``forward`` may hold each other. Names are torch's: of a parameter, the
    attributes that lead to it. Buffers (``register_buffer``) are Parameters that are not trained: other tensors are
    constants of a graph.

    Differences from torch:
        Gradients are not kept in parameters: see mindspore.value_and_grad. MindSpore's own cells start in evaluation
        mode, in a module too; ``train()`` reaches them. Where the outermost cell is not a module (TrainOneStepCell,
        a function under mindspore.jit), a graph that was compiled before an inner module alone changed its mode keeps
        the former one, as those of MindSpore's cells do (MS-78).

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.conv = nn.Conv2d(1, 2, 3)
        ...
        ...     def forward(self, x):
        ...         return self.conv(x)
        >>> net = Net()
        >>> [name for name, _ in net.named_parameters()]
        ['conv.weight', 'conv.bias']
        >>> net.training, net.eval().training
        (True, False)
        >>> net(ms.ops.zeros((1, 1, 5, 7))).shape
        (1, 2, 3, 5)
    """

    def __init__(self) -> None:
        super().__init__()
        # What the names of the parameters begin with, in the cells around.
        self._name_prefix = ""
        # {name: whether a state dict has it}
        self._own_buffers: dict[str, bool] = {}
        # What is directly inside, as attributes that graphs know.
        self._inner_names: tuple[str, ...] = ()
        self._inner_cells: tuple[nn.Cell, ...] = ()
        self.add_flags(training=True)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes. Every subclass has its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        """What MindSpore calls: forward."""
        return self.forward(*args, **kwargs)

    # Training and evaluation

    def train(self, mode: bool = True) -> Module:
        """Set training mode, or evaluation mode, here and in all cells inside. Returns the module."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.phase = "train" if mode else "predict"  # part of what Graph mode knows compiled graphs by
        self.add_flags(training=mode)
        for cell in inner_cells(self).values():
            cell.set_train(mode)
        return self

    def eval(self) -> Module:
        """Set evaluation mode, here and in all cells inside. Returns the module."""
        return self.train(False)

    def set_train(self, mode: bool = True) -> Module:
        """MindSpore's name of :meth:`train`, which Model and cells around call."""
        return self.train(mode)

    def add_flags_recursive(self, **flags: Any) -> Module:
        """MindSpore's: the flag 'training' goes the way of :meth:`train`, which a subclass may have overridden."""
        mode = flags.pop("training", None)
        if flags:
            super().add_flags_recursive(**flags)
        return self if mode is None else self.train(mode)

    @property
    def phase(self) -> str:
        """MindSpore's: what it knows compiled graphs by. The modes of the cells inside are in it, where they differ."""
        phase, modes = super().phase, modes_inside(self)
        return phase if modes.count(modes[0]) == len(modes) else f"{phase}.{modes}"

    @phase.setter
    def phase(self, value: str) -> None:
        nn.Cell.phase.fset(self, value)

    # What is inside

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Cell]]:
        """Names and cells: the module itself, and all inside, MindSpore's too."""
        yield from named_cells(self, set() if memo is None else memo, prefix, remove_duplicate)

    def modules(self) -> Iterator[nn.Cell]:
        """The module itself, and all cells inside, each once."""
        for _, cell in self.named_modules():
            yield cell

    def named_children(self) -> Iterable[tuple[str, nn.Cell]]:
        """Names and cells directly inside, each once (in a graph, a shared one under each of its names)."""
        named = tuple(zip(self._inner_names, self._inner_cells))  # noqa: B905  a graph knows no strict
        return named if is_in_graph() else once(named)

    def children(self) -> Iterable[nn.Cell]:
        """The cells directly inside, each once (in a graph, a shared one as often as it is there)."""
        return self._inner_cells if is_in_graph() else iter(dict.fromkeys(self._inner_cells))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Names, as in a state dict, and parameters. Buffers are none."""
        named = self._named(prefix, recurse, buffers=False)
        return once(named) if remove_duplicate else named

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once: what an optimiser is given. Buffers are none."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Names and buffers: running statistics, and what register_buffer was given."""
        named = self._named(prefix, recurse, buffers=True)
        return once(named) if remove_duplicate else named

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named(self, prefix: str, recurse: bool, *, buffers: bool) -> Iterator[tuple[str, Any]]:
        for name, slot in slots(self):
            if slot.is_buffer == buffers and (recurse or slot.cell is self):
                yield f"{prefix}.{name}" if prefix else name, slot.value

    def get_submodule(self, target: str) -> nn.Cell:
        """The cell of a name with dots; the module itself for an empty one.

        Raises:
            AttributeError: If there is none.
        """
        cell: nn.Cell = self
        for name in target.split(".") if target else ():
            if not hasattr(cell, name):
                raise AttributeError(f"{type(cell).__name__} has no attribute `{name}`")
            cell = getattr(cell, name)
            if not isinstance(cell, nn.Cell):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return cell

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a name with dots. Raises AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        cell = self.get_submodule(path)
        if not hasattr(cell, name):
            raise AttributeError(f"{type(cell).__name__} has no attribute `{name}`")
        value = getattr(cell, name)
        if not isinstance(value, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return value

    # What is put inside

    def add_module(self, name: str, module: nn.Cell | None) -> None:
        """Put a cell inside under a name, which needs not be an identifier.

        Raises:
            TypeError, KeyError: As torch does: no cell; a name that is empty, has a dot, or is taken.
        """
        if not isinstance(module, nn.Cell) and module is not None:
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, inner_cells(self), f", got: {name}")
        self.insert_child_to_cell(name, module)
        if module is not None:
            module.update_parameters_name(f"{self._name_prefix}{name}.")

    def register_module(self, name: str, module: nn.Cell | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Put a Parameter inside under a name; None stands for one that is not there.

        Raises:
            TypeError, KeyError: As torch does.
        """
        self._check_name("parameter", name, own_parameters(self))
        if param is not None and not isinstance(param, Parameter):
            kind = type(param).__name__
            raise TypeError(
                f"cannot assign '{kind}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is None:
            super().__setattr__(name, None)  # insert_param_to_cell(name, None) breaks graphs (MS-73)
        else:
            self.insert_param_to_cell(name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Put a tensor inside that is not trained: a Parameter of its values, since graphs keep other tensors for good.

        Args:
            name (str): of the attribute.
            tensor (Tensor or None): None stands for a buffer that is not there.
            persistent (bool): whether a state dict has it.

        Raises:
            TypeError, KeyError: As torch does.
        """
        self._check_name("buffer", name, self._own_buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._own_buffers[name] = persistent
        if tensor is None:
            super().__setattr__(name, None)
        else:
            self.insert_param_to_cell(name, Parameter(tensor, name=f"{self._name_prefix}{name}", requires_grad=False))

    def _check_name(self, kind: str, name: Any, taken: Any, tail: str = "") -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if hasattr(self, name) and name not in taken:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f"{kind} name can't contain \".\"{tail}")
        if name == "":
            raise KeyError(f"{kind} name can't be empty string \"\"")

    def __setattr__(self, name: str, value: Any) -> None:
        buffers = self.__dict__.get("_own_buffers", {})
        if isinstance(value, Buffer) and not isinstance(value, Parameter) and name not in own_parameters(self):
            self.__dict__.pop(name, None)
            self.register_buffer(name, value, value.persistent)
            getattr(self, name).is_buffer = True
            return
        if name in buffers and not isinstance(value, Parameter):
            if value is not None and not isinstance(value, Tensor):
                kind = type(value).__name__
                raise TypeError(f"cannot assign '{kind}' as buffer '{name}' (torch.Tensor or None expected)")
            present = own_parameters(self).get(name)
            if present is not None and value is not None and are_alike(present, value):
                assign(present, value)
                return
            persistent = buffers[name]
            delattr(self, name)
            self.register_buffer(name, value, persistent)
            return
        super().__setattr__(name, value)
        if isinstance(value, nn.Cell) and self._name_prefix:
            value.update_parameters_name(f"{self._name_prefix}{name}.")

    def insert_child_to_cell(self, child_name: str, child_cell: nn.Cell | None) -> None:
        """MindSpore's: puts a cell inside. All that puts one there calls it."""
        super().insert_child_to_cell(child_name, child_cell)
        self._inner_cells_changed()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._own_buffers.pop(name, None)
        self._inner_cells_changed()

    def _inner_cells_changed(self) -> None:
        cells = inner_cells(self)
        self._inner_names = tuple(cells)
        self._inner_cells = tuple(cells.values())

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """MindSpore's: called when the module is put into another. What is put inside later gets the prefix too."""
        super().update_parameters_name(prefix, recurse)
        for name, cell in self.named_modules(remove_duplicate=False):
            if isinstance(cell, Module):
                cell._name_prefix = f"{prefix}{name}." if name else prefix

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Have the parameters trained, or not. Returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    # State dicts

    def state_dict(self, *, prefix: str = "") -> OrderedDict[str, Tensor]:
        """torch's names and the parameters and buffers themselves, not copies.

        Returns:
            OrderedDict, which :meth:`load_state_dict` and torch's take, and, as a list of {"name": ..., "data": ...},
            mindspore.save_checkpoint. :func:`mscompat.torch_state_dict` gives NumPy arrays.
        """
        return OrderedDict((f"{prefix}{name}", slot.torch_value()) for name, slot in slots(self) if slot.is_saved)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Load values by torch's names: in place, so that a training under way goes on from them.

        Args:
            state_dict (mapping): names and MindSpore or torch tensors or NumPy arrays.
            strict (bool): whether missing and unexpected names raise.

        Returns:
            A named tuple of missing_keys and unexpected_keys, lists of str.

        Raises:
            RuntimeError: With torch's sentences, all of them at once, and the module unchanged.
            TypeError: If state_dict is no mapping.

        Differences from torch:
            torch loads what fits before it raises. :func:`mscompat.load_torch_state_dict` reads files, and takes
            prefixes off.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        return load_into(self, dict(state_dict), strict=strict, convert_dtype=True)

    # Printed form

    def extra_repr(self) -> str:
        """What stands between the brackets, in a subclass."""
        return ""

    def extend_repr(self) -> str:
        """MindSpore's name of :meth:`extra_repr`."""
        return self.extra_repr()
