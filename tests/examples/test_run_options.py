"""What the examples say in one line: of a device that is not there, of a package that is not installed."""

from __future__ import annotations

import argparse
import logging
import os
import pathlib
import subprocess
import sys

import mindspore as ms
import pytest
import run_options
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

# Packages that cannot be imported, an example, and its arguments.
RUN = """
import runpy, sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(missing, script, *arguments, cwd):
    """Exit code, stdout and stderr, which has MindSpore's warnings, as a user's has."""
    environment = {name: value for name, value in os.environ.items() if name != "GLOG_v"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, missing, str(EXAMPLES / script), *arguments], cwd=cwd,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLES)])}, capture_output=True, text=True,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(("script", "missing"), [("train_autoencoder.py", "matplotlib"), ("export_onnx.py", "onnx")])
@pytest.mark.parametrize("arguments", [[], ["--help"]], ids=["run", "help"])
def test_without_the_extra(tmp_path, script, missing, arguments):
    expected = f"{script}: error: {missing} is not installed: pip install -e '.[examples]'\n"
    assert run(missing, script, *arguments, cwd=tmp_path) == (1, "", expected)


def test_a_module_of_a_package_is_not_installed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["examples/script.py"])
    monkeypatch.setitem(sys.modules, "no_such.module", None)
    monkeypatch.setitem(sys.modules, "no_such", type(sys)("no_such"))
    with pytest.raises(SystemExit) as stop, run_options.needs_extra():
        import no_such.module  # noqa: F401
    assert stop.value.code == "script.py: error: no_such is not installed: pip install -e '.[examples]'"


@pytest.mark.parametrize("script", ["detect_faces.py", "run_model.py", "train_autoencoder.py"])
def test_a_device_that_is_not_there(tmp_path, script):
    """In the words of `mscompat check`, and without the warnings that MindSpore puts around its own."""
    missing = "GPU" if ms.get_context("device_target") != "GPU" else "Ascend"
    arguments = []
    if script == "train_autoencoder.py":
        for name in ("matplotlib", "sklearn", "tqdm"):
            pytest.importorskip(name)
    else:
        Image.new("RGB", (40, 30)).save(tmp_path / "picture.png")
        arguments += ["--picture", "picture.png"]
    if script == "detect_faces.py":
        for name in ("pnet.pt", "rnet.pt", "onet.pt"):
            (tmp_path / name).touch()
        arguments += ["--weights", "."]
    elif script == "run_model.py":
        arguments += ["unet"]
    expected = f"{script}: error: there is no {missing} that MindSpore can use\n"
    assert run("nothing", script, *arguments, "--device-target", missing, cwd=tmp_path) == (1, "", expected)


def test_a_device_is_asked_for_by_one_option_in_help(capsys):
    parser = argparse.ArgumentParser()
    run_options.add(parser)
    assert [parser.parse_args(arguments).device_target for arguments in (
        [], ["--device-target", "Ascend"], ["--device_target", "GPU"],
    )] == ["CPU", "Ascend", "GPU"]
    parser.print_help()
    output = capsys.readouterr().out
    assert "--device-target {CPU,GPU,Ascend}" in output
    assert "device_target" not in output.replace("DEVICE_TARGET", "")


def test_warnings_are_kept_back_only_while_mindspore_is_asked(monkeypatch):
    """Of a device that is there, what set_device warns of counts."""
    calls = []
    monkeypatch.setattr(ms, "set_device", lambda target: calls.append((target, logging.root.manager.disable)))
    monkeypatch.setattr(ms, "set_context", lambda mode: None)
    monkeypatch.setattr(run_options.mscompat, "launch_blocking", lambda: None)
    parser = argparse.ArgumentParser()
    run_options.add(parser)
    run_options.apply(parser, parser.parse_args(["--device-target", "CPU"]))
    assert calls == [("CPU", logging.NOTSET)]
