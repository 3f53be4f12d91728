"""Kernels of backends: functions on arrays, which Numba compiles once and which are kept on disk as machine code.

Numba is imported where something has to be compiled, and not else: what is kept is loaded by LLVM alone (llvmlite),
which takes milliseconds where Numba takes most of a second to start. A kernel is bound to its arrays beforehand; to
call it then with the numbers that vary takes less than a microsecond, for no type of an argument is looked at again.

Why not ``numba.njit(cache=True)``: Numba would have to be imported before it looks at its cache, in every process; it
refuses to keep functions that are made from text, as those of learning rules are; it keeps them by the time stamp of
one file, so that kernels which call each other across files would be kept too long; and it looks at the type of every
argument of every call, a hundred times a step. The price is that the machine code relies on how Numba passes arguments
(``_words``, ``_kinds``). That is looked at for every kernel that is compiled, and setup.cfg bounds Numba's version.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import CellType, CodeType, FunctionType, MappingProxyType
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from ernsnn.errors import BackendNotAvailable, InvalidModel
from ernsnn.files import write_file

_OPTIONS: Any = {"error_model": "numpy", "nogil": True, "_nrt": False}
_OPTIONS |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Arithmetic is IEEE, in the order written, as NumPy's is; nothing is allocated, and nothing of Python is touched."""

Call = Callable[..., int]

_ONE_AT_A_TIME = threading.Lock()
"""Several threads may be the first to call a kernel, and machine code is loaded once."""


class Kernel:
    """A function of arrays, tuples of them and numbers, of one ``library``.

    ``text`` is all that its meaning depends on beside the library's modules. It returns an int or nothing. It runs
    without Python's lock, beside other threads. An ``inlined`` one becomes part of the kernels that call it.
    """

    def __init__(self, library: Library, function: Callable[..., Any], text: str = "", inlined: bool = False) -> None:
        assert isinstance(function, FunctionType)
        self.library, self.function, self.text, self.inlined = library, function, text, inlined
        self.entries: dict[str, Any] = {}

    def bind(self, *given: Any) -> Call:
        """The kernel with its first parameters given; it is then called with the others, which are ints.

        Arrays are read where they lie when it is bound: write into them, do not replace them.
        """
        form = _form(given)
        if form not in self.entries:
            wanted, noted = Wanted(self, form, given), _NOTED.get()
            if noted is not None and wanted.is_missing():
                noted.setdefault(wanted.name, wanted)
                return _absent()
            with _ONE_AT_A_TIME:
                self.entries[form] = self.entries.get(form) or self._entry(wanted)
        words = np.array(list(_words(given)), np.int64)
        call = functools.partial(self.entries[form], words.ctypes.data)
        vars(call)["kept"] = (words, given)
        vars(call)["address"] = ctypes.cast(self.entries[form], ctypes.c_void_p).value
        return call

    def __call__(self, *given: Any) -> int:
        """Call it once, with all of its parameters."""
        return self.bind(*given)()

    def _entry(self, wanted: Wanted) -> Any:
        """The machine code that is wanted, from the disk if it is there, as a function of ctypes."""
        code = _kept(wanted.path, wanted.name) or wanted.compile()
        address = _loaded(wanted.name, code)
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * wanted.ints)(address)

    @functools.cached_property
    def jitted(self) -> Any:
        """It as Numba's own function, and so the kernels that it calls or is closed over."""
        import dis

        import numba

        code, known = self.function.__code__, self.function.__globals__
        read = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
        names = {name: _jitted(known[name]) for name in read if name in known}
        closed = tuple(CellType(_jitted(cell.cell_contents)) for cell in self.function.__closure__ or ())
        return numba.njit(**_OPTIONS, forceinline=self.inlined)(FunctionType(code, names, code.co_name, None, closed))

    def compile(self, name: str, given: Sequence[Any], ints: int) -> bytes:
        """Machine code of a C function ``name``: it takes the address of the given arguments as words, and the ints.

        Numba's functions take an array as seven or more arguments, all of them words (its data model of arrays).
        """
        import numba

        typeof: Any = numba.typeof
        types = (*(numba.int64 if isinstance(a, int) else typeof(a) for a in given), *[numba.int64] * ints)
        dispatcher = self.jitted
        dispatcher.compile(types)
        result = dispatcher.overloads[types]
        body, inner = result.library.get_llvm_str(), result.fndesc.llvm_func_name
        parameters = [str(p.type) for p in llvm.parse_assembly(body).get_function(inner).arguments]
        expected = ["ptr", "ptr", *(kind for a in given for kind in _kinds(a)), *["i64"] * ints]
        if parameters != expected:
            raise BackendNotAvailable(
                f"{self.library.name}: numba {version('numba')} passes {self.function.__name__} "
                f"{', '.join(parameters)}, where {self.library.name} passes {', '.join(expected)}; install a version "
                "of Numba that setup.cfg allows"
            )
        parameters = parameters[2:]
        module = llvm.parse_assembly(f"{body}\n{_entrance(name, inner, parameters, ints)}")
        # Numba numbers its names in each process anew, and kernels of several processes are loaded into one.
        for symbol in (*module.functions, *module.global_variables):
            if not symbol.is_declaration and symbol.name != name:
                symbol.linkage = llvm.Linkage.internal
        module.verify()
        outside = [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]
        unknown = [symbol for symbol in outside if not hasattr(ctypes.CDLL(None), symbol)]
        assert not unknown, f"{self.function.__name__} calls {', '.join(unknown)}, which are there with Numba alone"
        return bytes(_target_machine().emit_object(module))


class Wanted:
    """The machine code of a kernel for arguments of some ``form``, as those that are ``given`` have it."""

    def __init__(self, kernel: Kernel, form: str, given: Sequence[Any]) -> None:
        self.kernel, self.given = kernel, given
        about = (form, kernel.function.__name__, kernel.text, kernel.library.text, version("numba"), *_machine())
        self.name = "ernsnn_" + hashlib.sha256("\n".join(about).encode()).hexdigest()[:32]
        self.path = kernel.library.kept_in() / f"{self.name}.kernel"
        self.ints = kernel.function.__code__.co_argcount - len(given)

    def is_missing(self) -> bool:
        """Whether none is kept, or it is damaged."""
        return _kept(self.path, self.name) is None

    def can_be_kept(self) -> bool:
        """Whether there is a folder to keep it in."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.access(self.path.parent, os.W_OK)

    def compile(self) -> bytes:
        """Compile it; from now on it is kept."""
        code = self.kernel.compile(self.name, self.given, self.ints)
        with suppress(InvalidModel):  # no cache costs the next run its speed, not this one its result
            write_file(self.path, _seal(self.name, code) + code)
        return code


_NOTED: ContextVar[dict[str, Wanted] | None] = ContextVar("_NOTED", default=None)
"""Where ``bind`` notes what is missing instead of compiling it, by its name."""


@contextmanager
def noting() -> Iterator[list[Wanted]]:
    """Within it kernels whose machine code is missing are noted, each once, and what binding them gives is no kernel.

    The list is there when it ends.
    """
    noted: dict[str, Wanted] = {}
    found: list[Wanted] = []
    token = _NOTED.set(noted)
    try:
        yield found
    finally:
        _NOTED.reset(token)
        found.extend(noted.values())


def _absent() -> Call:
    """In place of a bound kernel that is to be compiled."""

    def call(*numbers: int) -> int:
        raise AssertionError("a kernel that is not compiled yet is not called")

    vars(call)["kept"], vars(call)["address"] = (np.zeros(1, np.int64), ()), 0
    return call


@dataclass(frozen=True, eq=False)
class Library:
    """The kernels of the modules in ``folder``: they are valid until one of these, or of ``others``, changes."""

    name: str
    folder: Path
    others: tuple[Path, ...] = ()
    loaded: dict[str, Mapping[str, Kernel]] = field(default_factory=dict)

    @functools.cached_property
    def text(self) -> str:
        """The text of all modules on which a kernel may depend."""
        paths = [*sorted(self.folder.rglob("*.py")), *self.others, Path(__file__)]
        return "\n".join(path.read_text(encoding="utf-8") for path in paths)

    def kept_in(self) -> Path:
        """The folder in which machine code is kept."""
        base = os.environ.get("ERNSNN_CACHE")
        if base:
            return Path(base) / self.name
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ernsnn" / self.name

    def compiled(self, function: Callable[..., Any]) -> Kernel:
        """``function``, compiled when it is first bound to arguments of some types."""
        return Kernel(self, function)

    def inlined(self, function: Callable[..., Any]) -> Any:
        """``function``, which becomes part of the kernels that call it."""
        return Kernel(self, function, inlined=True)

    def load(self, text: str, known: Mapping[str, Kernel] = MappingProxyType({})) -> Mapping[str, Kernel]:
        """The functions of a module's ``text``, as kernels: the same ones for the same text.

        ``known`` are kernels of this library that they may call, by name.
        """
        if text not in self.loaded:
            functions = dict(_functions(text, known))
            self.loaded[text] = {name: Kernel(self, function, text) for name, function in functions.items()}
            for function in functions.values():  # which so call each other as kernels
                function.__globals__.update(self.loaded[text])
        return self.loaded[text]


class Interpreted:
    """Plain Python where a kernel is asked for: for networks so small that compiling would take longer than they do."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def bind(self, *given: Any) -> Call:
        """See ``Kernel.bind``."""
        return functools.partial(self.function, *given)

    def __call__(self, *given: Any) -> int:
        """See ``Kernel``."""
        return int(self.function(*given) or 0)


def interpreted(text: str, known: Mapping[str, Kernel] = MappingProxyType({})) -> Mapping[str, Interpreted]:
    """The same functions as plain Python."""
    plain = {name: kernel.function for name, kernel in known.items()}
    return {name: Interpreted(function) for name, function in _functions(text, plain)}


def _jitted(value: Any) -> Any:
    return value.jitted if isinstance(value, Kernel) else value


def _functions(text: str, known: Mapping[str, Any]) -> Iterator[tuple[str, FunctionType]]:
    names: dict[str, Any] = {"np": np, **known}
    code: CodeType = compile(text, "<generated kernels>", "exec")
    exec(code, names)
    yield from [(name, f) for name, f in names.items() if isinstance(f, FunctionType) and name not in known]


def _form(value: Any) -> str:
    """What of a value its compiled function depends on."""
    if isinstance(value, np.ndarray):
        f = value.flags
        order = "C" if f.c_contiguous else "F" if f.f_contiguous else "A"
        dtype = value.dtype.descr if value.dtype.names else value.dtype.str
        return f"{dtype}{value.ndim}{order}{f.writeable:d}{f.aligned:d}"
    if isinstance(value, tuple):
        return f"{type(value).__name__}{getattr(value, '_fields', '')}({', '.join(map(_form, value))})"
    return "int" if isinstance(value, int) else type(value).__name__


def _words(value: Any) -> Iterator[int]:
    """A value as Numba passes it: an array as its owner (two words), sizes, address, shape and strides."""
    if isinstance(value, np.ndarray):
        yield from (0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides)
    elif isinstance(value, tuple):
        for part in value:
            yield from _words(part)
    elif isinstance(value, int):
        yield int(value)
    else:
        yield int(np.float64(value).view(np.int64))


def _kinds(value: Any) -> Iterator[str]:
    """The types in LLVM's language of ``_words``."""
    if isinstance(value, np.ndarray):
        yield from ("ptr", "ptr", "i64", "i64", "ptr", *["i64"] * (2 * value.ndim))
    elif isinstance(value, tuple):
        for part in value:
            yield from _kinds(part)
    else:
        yield "i64" if isinstance(value, int) else "double"


def _entrance(name: str, inner: str, parameters: Sequence[str], ints: int) -> str:
    """The C function ``name`` in LLVM's language, around Numba's, whose own first two are a result and a failure."""
    given = parameters[: len(parameters) - ints]
    loads = [
        f"  %p{n} = getelementptr i64, ptr %words, i64 {n}\n  %a{n} = load {kind}, ptr %p{n}"
        for n, kind in enumerate(given)
    ]
    passed = [f"{kind} %a{n}" for n, kind in enumerate(given)] + [f"i64 %i{n}" for n in range(ints)]
    return "\n".join(
        [
            f"define i64 @{name}({', '.join(['ptr %words', *(f'i64 %i{n}' for n in range(ints))])}) {{",
            "  %result = alloca i64\n  %failure = alloca ptr\n  store i64 0, ptr %result",
            *loads,
            f'  %status = call i32 @"{inner}"({", ".join(["ptr %result", "ptr %failure", *passed])})',
            "  %value = load i64, ptr %result\n  ret i64 %value\n}",
        ]
    )


def assembled(names: Sequence[str], text: str) -> Iterator[int]:
    """The addresses of the functions ``names`` of a module in LLVM's language."""
    module = llvm.parse_assembly(text)
    module.verify()
    _linker().add_object_file(llvm.ObjectFileRef.from_data(bytes(_target_machine().emit_object(module))))
    _linker().finalize_object()
    yield from (int(_linker().get_function_address(name)) for name in names)


def _seal(name: str, code: bytes) -> bytes:
    """What stands before machine code that is kept: a digest of it and of what it is called."""
    return hashlib.sha256(name.encode() + code).digest()


def _kept(path: Path, name: str) -> bytes | None:
    """What is kept there, unless it is damaged, or that of another kernel."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:32], content[32:]
    return code if _seal(name, code) == digest else None


@functools.cache
def _machine() -> tuple[str, ...]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, features = llvm.get_default_triple(), llvm.get_host_cpu_features().flatten()
    return triple, llvm.get_host_cpu_name(), features, ".".join(map(str, llvm.llvm_version_info))


def _target_machine() -> Any:
    triple, cpu, features, _ = _machine()
    return llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=3, jit=True)


@functools.cache
def _linker() -> Any:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())


def _loaded(name: str, code: bytes) -> int:
    """The address of the function ``name``."""
    _linker().add_object_file(llvm.ObjectFileRef.from_data(code))
    _linker().finalize_object()
    return int(_linker().get_function_address(name))
