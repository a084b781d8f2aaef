"""Systems that we do not have, made: MindSpore's folder, the report on the processor, and oneDNN's functions."""

from __future__ import annotations

import ctypes
import io
import logging
import platform
from pathlib import Path
from types import SimpleNamespace

import mindspore as ms
import pytest

from mscompat._mindspore import onednn, platforms, switch
from mscompat._mindspore.onednn import State

AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
NO_REPORT = None

# As MindSpore's packages 2.7.0 and 2.10.0 hold them, among their neighbours.
FOLDERS = {
    "Linux": ("lib/libdnnl.so.2", "lib/libdnnl.so.3"),
    "Darwin": ("lib/libdnnl.2.dylib", "lib/libdnnl.3.dylib"),
    "Windows": ("dnnl.dll", "dnnl.dll"),
}
NEIGHBOURS = ("__init__.py", "lib/libnnacl.so", "lib/libnnacl.dylib", "lib/libglog.2.dylib", "mindspore_ops_cpu.dll")


def make_folder(root, *names):
    for name in (*NEIGHBOURS, *names):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"not a library")
    return root


class Libc:
    """The one function of macOS's that is asked; `values` are the kernel's."""

    def __init__(self, **values):
        self.values = {f"hw.optional.{name}".encode(): value for name, value in values.items()}

    def sysctlbyname(self, name, old, size, new, new_size):
        assert (size._obj.value, new, new_size.value) == (4, None, 0)
        if name not in self.values:
            return -1
        old._obj.value = self.values[name]
        return 0


class Kernel32:
    """The one function of Windows's that is asked; `present` are the numbers of the features."""

    def __init__(self, *present):
        self.present = present

    def IsProcessorFeaturePresent(self, number):
        return int(number in self.present)


class OneDnn:
    """oneDNN's functions; `calls` is what set_max_cpu_isa was told."""

    def __init__(self, *version):
        self.calls = []
        self.dnnl_version = Function(SimpleNamespace(contents=onednn._Version(*version)))

    def dnnl_set_max_cpu_isa(self, isa):
        self.calls.append(isa)
        return 0


class Function:
    """Of a library: its restype can be set."""

    def __init__(self, result):
        self.result = result

    def __call__(self):
        return self.result


@pytest.mark.parametrize("which", [0, 1], ids=["2.7", "2.10"])
@pytest.mark.parametrize("system", FOLDERS)
def test_finds_onednn(tmp_path, system, which):
    name = FOLDERS[system][which]
    assert platforms.find_onednn(system, make_folder(tmp_path, name)) == tmp_path / name


@pytest.mark.parametrize("system", [*FOLDERS, "FreeBSD", ""])
def test_takes_no_other_systems_onednn(tmp_path, system):
    others = [names[1] for other, names in FOLDERS.items() if other != system]
    assert platforms.find_onednn(system, make_folder(tmp_path, *others)) is None
    assert platforms.find_onednn(system, tmp_path / "missing") is None


def test_finds_what_this_system_has():
    """A file, of a name that is in the tables above."""
    path = platforms.find_onednn(platform.system(), Path(ms.__file__).parent)
    assert path is not None
    assert path.is_file()
    assert any(str(path).replace("\\", "/").endswith(name) for name in FOLDERS[platform.system()])


@pytest.mark.parametrize(
    ("machine", "features", "found"),
    [
        ("x86_64", AVX512 | {"avx2"}, True),
        ("AMD64", AVX512, True),  # as Windows spells it
        ("x86_64", {"avx2", "avx512f"}, False),
        ("x86_64", set(), False),
        ("x86_64", NO_REPORT, None),
        ("AMD64", NO_REPORT, None),
        ("aarch64", NO_REPORT, False),
        ("arm64", set(), False),
        ("ARM64", NO_REPORT, False),
    ],
)
def test_what_avx512_is(machine, features, found):
    assert platforms.has_avx512(machine, features if features is None else frozenset(features)) is found


@pytest.mark.parametrize(
    ("flags", "found"),
    [("avx2 avx512f avx512dq avx512bw avx512vl", True), ("avx2 avx512f", False), ("avx2", False), ("", False)],
)
def test_linux(flags, found):
    """The first processor's flags count."""
    lines = io.StringIO(f"processor : 0\nflags\t\t: {flags}\nbugs :\nprocessor : 1\nflags\t\t: {' '.join(AVX512)}\n")
    assert platforms.has_avx512("x86_64", platforms.linux_features(lines)) is found


def test_linux_on_arm():
    lines = io.StringIO("processor : 0\nFeatures\t: fp asimd evtstrm aes\n")
    assert platforms.linux_features(lines) == frozenset()


@pytest.mark.parametrize(
    ("libc", "found"),
    [
        (Libc(avx2_0=1, avx512f=1, avx512bw=1, avx512dq=1, avx512vl=1), True),
        (Libc(avx2_0=1, avx512f=1, avx512bw=0, avx512dq=0, avx512vl=0), False),
        (Libc(avx2_0=1, avx512f=0, avx512bw=0, avx512dq=0, avx512vl=0), False),
        (Libc(neon=1), False),
    ],
    ids=["AVX-512", "its first part", "AVX2", "Apple's own"],
)
def test_macos(libc, found):
    assert platforms.has_avx512("x86_64", platforms.macos_features(libc)) is found


@pytest.mark.parametrize(
    ("kernel32", "found"),
    [(Kernel32(10, 36, 40, 41), True), (Kernel32(10, 36, 40), False), (Kernel32(10, 13), None)],
    ids=["AVX-512", "AVX2", "Windows that does not tell"],
)
def test_windows(kernel32, found):
    assert platforms.has_avx512("AMD64", platforms.windows_features(kernel32)) is found


@pytest.mark.parametrize("system", ["FreeBSD", "CYGWIN_NT-10.0", ""])
def test_unknown_systems_are_not_asked(monkeypatch, system):
    monkeypatch.setattr(ctypes, "CDLL", None)
    monkeypatch.setattr(platforms, "_CPUINFO", None)
    assert platforms.read_features(system) is None


def test_a_system_that_refuses_an_answer(tmp_path, monkeypatch):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(platforms, "_CPUINFO", tmp_path / "missing")
    assert [platforms.read_features(system) for system in FOLDERS] == [None] * 3


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Make of this process one on another system, in which nothing has run."""
    for name in (*onednn._ISA_VARIABLES, switch.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(onednn, "_state", None)
    monkeypatch.setattr(onednn, "_warned", False)

    def become(system, machine, name, version, *, libc=None, kernel32=None, cpuinfo=None):
        """`name` is oneDNN's file in MindSpore's folder; a system without `libc`, say, does not ask it."""
        package = make_folder(tmp_path, name)
        library = OneDnn(*version)
        libraries = {str(package / name): library, None: libc, "kernel32": kernel32}
        monkeypatch.setattr(ctypes, "CDLL", lambda name: libraries[name])
        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(platform, "machine", lambda: machine)
        monkeypatch.setattr(ms, "__file__", str(package / "__init__.py"))
        (tmp_path / "cpuinfo").write_text(cpuinfo or "")
        monkeypatch.setattr(platforms, "_CPUINFO", tmp_path / ("cpuinfo" if cpuinfo else "missing"))
        return library

    return become


LINUX = {"system": "Linux", "machine": "x86_64", "name": "lib/libdnnl.so.3"}
MACOS = {"system": "Darwin", "machine": "x86_64", "name": "lib/libdnnl.3.dylib"}
WINDOWS = {"system": "Windows", "machine": "AMD64", "name": "dnnl.dll"}
WITH = {
    "Linux": {**LINUX, "cpuinfo": f"flags\t: avx2 {' '.join(AVX512)}\n"},
    "macOS": {**MACOS, "libc": Libc(avx512f=1, avx512bw=1, avx512dq=1, avx512vl=1)},
    "Windows": {**WINDOWS, "kernel32": Kernel32(36, 40, 41)},
}
WITHOUT = {
    "Linux": {**LINUX, "cpuinfo": "flags\t: avx2\n"},
    "Linux on ARM": {**LINUX, "machine": "aarch64", "cpuinfo": "Features\t: asimd\n"},
    "macOS": {**MACOS, "libc": Libc(avx512f=0)},
    "macOS on ARM": {**MACOS, "machine": "arm64", "libc": Libc(neon=1)},
    "Windows": {**WINDOWS, "kernel32": Kernel32(36, 40)},
}
SILENT = {
    "FreeBSD": {**LINUX, "system": "FreeBSD", "machine": "amd64"},
    "no name": {**LINUX, "system": ""},
    "Linux without /proc": LINUX,
    "old Windows": {**WINDOWS, "kernel32": Kernel32(13)},
    "oneDNN elsewhere": {**WITH["Windows"], "name": "bin/dnnl.dll"},
}


@pytest.mark.parametrize("system", WITH)
def test_caps_with_avx512(process, caplog, system):
    caplog.set_level(logging.INFO, "mscompat")
    library = process(version=(3, 10, 1), **WITH[system])
    onednn.cap()
    assert onednn.state() is State.CAPPED
    assert onednn.version() == (3, 10, 1)
    assert library.calls == [7]
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("system", WITH)
def test_old_onednn_is_left_alone(process, system):
    library = process(version=(2, 2, 0), **WITH[system])
    onednn.cap()
    assert onednn.state() is State.ABSENT
    assert onednn.version() == (2, 2, 0)
    assert library.calls == []


@pytest.mark.parametrize("system", WITHOUT)
def test_leaves_alone_without_avx512(process, system):
    library = process(version=(3, 10, 1), **WITHOUT[system])
    onednn.cap()
    assert onednn.state() is State.ABSENT
    assert onednn.version() == (3, 10, 1)
    assert library.calls == []


@pytest.mark.parametrize("system", SILENT)
def test_does_nothing_where_it_does_not_know(process, caplog, system):
    """Without a word, an error or a warning, which would be an error here; but the state says so."""
    caplog.set_level(logging.DEBUG, "mscompat")
    library = process(version=(3, 10, 1), **SILENT[system])
    onednn.cap()
    assert onednn.state() is State.UNKNOWN
    assert onednn.state().value.startswith("not known here")
    assert not onednn.is_slow()
    assert library.calls == []
    assert not caplog.records


@pytest.mark.parametrize("system", WITH)
def test_a_library_that_cannot_be_loaded(process, monkeypatch, system):
    """As the made file is, by ctypes itself."""
    load = ctypes.CDLL
    process(version=(3, 10, 1), **WITH[system])
    made = ctypes.CDLL
    monkeypatch.setattr(ctypes, "CDLL", lambda name: load(name) if name and "dnnl" in name else made(name))
    onednn.cap()
    assert onednn.state() is State.UNKNOWN
    assert onednn.version() is None
