"""The command line as a process: streams that are closed or full, other encodings, a folder that is gone, Ctrl-C."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ERNSNN = str(Path(sys.executable).with_name("ernsnn"))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MODEL = """
import ernsnn as ern


def build(name="mine"):
    net = ern.Network(name=name)
    net.population("source", 3, ern.Poisson(50.0))
    return net
"""


def started(*words, at=None, env=None, **options):
    return subprocess.run(
        [ERNSNN, *words], cwd=at, env={**os.environ, **(env or {})}, capture_output=not options, timeout=60, **options
    )


def assert_clean(done, code):
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr.decode(errors="replace")
    if code:
        assert done.stderr.startswith(b"ernsnn: ")


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path / "model.py"


def shell(command, at):
    """A command line in which ``ernsnn`` is ours; its own exit code is printed last on stderr."""
    return subprocess.run(
        ["bash", "-c", command.replace("ernsnn", shlex.quote(ERNSNN))],
        cwd=at,
        capture_output=True,
        timeout=60,
        text=True,
    )


@pytest.mark.parametrize("words", ["--help", "models", "experiment --table", "models nosuch", "run", "--version"])
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "</dev/null >/dev/full", ">/dev/full 2>/dev/full"])
def test_streams_that_are_closed_or_full(words, streams, tmp_path):
    done = shell(f"(ernsnn {words} {streams}); echo $? >&2", tmp_path)
    *told, code = done.stderr.splitlines()
    wrong = words in ("models nosuch", "run")
    full = "/dev/full" in streams and words not in ("--help", "--version")  # which argparse prints, or does not
    # What is written at once, and fails there, depends on whether Python buffers.
    codes = {2 if wrong else 1 if full else 0} | ({1, 120} if "/dev/full" in streams else set())
    assert int(code) in codes, (done.stdout, told)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if full and not wrong and "2>" not in streams:
        assert told == ["ernsnn: No space left on device; free some space"]
    assert not (tmp_path / "0").exists()


@pytest.mark.parametrize("words", ["--help", "models --json", "experiment --table", "backends"])
def test_a_reader_that_leaves(words, tmp_path):
    done = shell(f"ernsnn {words} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")


@pytest.mark.parametrize("env", [ASCII, {"PYTHONIOENCODING": "ascii:strict"}], ids=["C", "PYTHONIOENCODING"])
@pytest.mark.parametrize("name", ["é", "脳", b"\xff\xfe"], ids=["latin", "wide", "no text"])
def test_names_that_the_terminal_cannot_print(env, name, model):
    name = os.fsencode(name)
    own = name + b".py"
    Path(os.fsdecode(os.path.join(os.fsencode(model.parent), own))).write_text(MODEL)
    run = ["--backend", "reference", "--duration-ms", "2"]
    assert_clean(started("run", own, *run, "--out", name, at=model.parent, env=env), 0)
    assert_clean(started("metrics", name, at=model.parent, env=env), 0)
    assert_clean(started("report", name, at=model.parent, env=env), 0)
    assert_clean(started("export", name, "--to", name + b".csv", at=model.parent, env=env), 0)
    code = 0 if name != b"\xff\xfe" else 2  # which cannot be the name of a network
    assert_clean(started("run", "model.py", "--set", b"name=" + name, *run, at=model.parent, env=env), code)
    assert_clean(started("run", name, at=model.parent, env=env), 2)
    assert_clean(started("metrics", b"no" + name, at=model.parent, env=env), 2)


@pytest.mark.parametrize("table", [["experiment", "--table"], ["experiment"], ["bench"], ["models", "ca3_memory"]])
def test_tables_in_ascii(table):
    done = started(*table, env=ASCII)
    assert_clean(done, 0)
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("models", 0),
        ("run ca3_memory --demo --backend reference", 0),
        ("run model.py", 2),
        ("run ca3_memory --demo --out here", 2),
        ("metrics here", 2),
        ("resume here", 2),
        ("compile ca3_memory --demo --out here", 2),
        ("experiment retention", 2),
    ],
)
def test_a_current_folder_that_is_gone(words, code, tmp_path):
    done = shell(f"mkdir gone; cd gone; rmdir ../gone; ernsnn {words}; exit $?", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    if code:
        assert "the current folder has been removed" in done.stderr


INTERRUPTING = """
import os, signal, sys


class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} and sys.argv[0] != "-c":
            os.kill(os.getpid(), signal.SIGINT)


sys.meta_path.insert(0, Interrupts())
"""


@pytest.mark.parametrize(
    "module", ["numpy", "numpy.linalg", "ernsnn.describe", "ernsnn.graph.storage", "ernsnn.cli", "ernsnn.cli.commands"]
)
@pytest.mark.parametrize("command", [[ERNSNN], [sys.executable, "-m", "ernsnn"]], ids=["ernsnn", "-m ernsnn"])
def test_ctrl_c_while_it_loads(module, command, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING.format(module=module))
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, "models"], env=env, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"ernsnn: interrupted; nothing was written\n"


def test_ctrl_c_stays_what_it_was_in_a_program_that_imports_ernsnn(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\nimport ernsnn\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
        "except KeyboardInterrupt:\n    print('mine')\n"
    )
    assert subprocess.run([sys.executable, script], capture_output=True, timeout=60).stdout == b"mine\n"


def test_a_command_that_is_told_to_ignore_ctrl_c_does(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING.format(module="ernsnn.cli"))
    done = shell(f"trap '' INT; PYTHONPATH={tmp_path} ernsnn models; exit $?", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
