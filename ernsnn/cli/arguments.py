"""The commands and what each takes."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from ernsnn.errors import ErnsnnError, InvalidModel, quoted
from ernsnn.files import absolute
from ernsnn.studies.settings import read_setting

EXIT_CODES = """exit codes: 0 done; 2 usage, or an invalid model or input; 3 unsupported on that backend;
4 the results differ; 5 backend not available; 130 interrupted; 1 anything else"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"ernsnn: {ErnsnnError(message)}\n{self.format_usage()}")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from ernsnn import __version__

    top = _Parser(
        prog="ernsnn",
        description="Describe a spiking network once; run it on many backends, and compare what they do.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"ernsnn {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, purpose: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        made.add_argument("--json", action="store_true", help="print JSON")
        return made

    command("backends", "list the backends, and what each that is not available needs")

    models = command("models", "list the models, or show the parameters of one")
    models.add_argument("model", metavar="MODEL", nargs="?", help="a registered name or a Python file with `build`")

    run = command("run", "simulate a model")
    _model(run)
    _seed(run, None, "0, or as --start")
    run.add_argument(
        "--backend",
        metavar="NAME|auto",
        help="see `ernsnn backends`; auto is the fastest that can run it (default: as marked there, or as --start)",
    )
    _duration(run)
    run.add_argument(
        "--start", metavar="DIR", type=_path, help="go on where the run saved in DIR ended, as did its clock"
    )
    run.add_argument("--out", metavar="DIR", type=_path, help="folder for the recording and the graph")
    run.add_argument(
        "--checkpoint-every", metavar="MS", type=float, help="keep the state in DIR so often, for `ernsnn resume`"
    )
    run.add_argument(
        "--weights-at", metavar="MS,MS", type=_times, default=[], help="record all plastic weights and marks then"
    )

    importing = command("import", "write a NIR file as a readable Python file, with its arrays in an .npz beside it")
    importing.add_argument("model", metavar="FILE.nir", help="what `nir.write` wrote")
    importing.add_argument("--out", metavar="FILE.py", type=_path, required=True, help="the file to write")
    _step(importing)
    _settings(
        importing, "an argument of ern.from_nir, as integration or reset; the value is read as JSON, else as text"
    )
    importing.add_argument("--force", action="store_true", help="replace files that no import wrote, too")

    resume = command("resume", "go on with a run that was interrupted or killed, to its end")
    resume.add_argument("folder", metavar="DIR", type=_path, help="what `ernsnn run --out DIR` began to write")
    _model_again(resume)

    check = command("check", "list every limit that a model meets on a backend")
    _model(check)
    _seed(check)
    check.add_argument("--backend", metavar="NAME|all", help="(default: see `ernsnn backends`)")

    compiling = command("compile", "write the program that runs a model on a backend, without ernsnn")
    _model(compiling)
    _seed(compiling)
    _backend(compiling)
    _duration(compiling)
    compiling.add_argument("--out", metavar="DIR", type=_path, required=True, help="folder for the program")

    compare = command("compare", "run a model on several backends; is every spike of the first in the others?")
    _model(compare)
    _seed(compare)
    compare.add_argument(
        "--backends",
        metavar="A,B,...",
        required=True,
        type=_several,
        help="two or more; all are held to the first",
    )
    _duration(compare)
    compare.add_argument(
        "--tolerance-steps", metavar="N", type=_steps, default=0, help="a spike may be so many steps off (default: 0)"
    )

    experiment = command("experiment", "run a study over several seeds; without NAME, list them")
    experiment.add_argument("name", metavar="NAME", nargs="?", help="which")
    experiment.add_argument("--list", action="store_true", help="all of them, with where they come from")
    experiment.add_argument("--table", action="store_true", help="published systems beside what was measured here")
    experiment.add_argument("--backend", metavar="NAME", help="see `ernsnn backends` (default: the experiment's own)")
    experiment.add_argument("--seeds", metavar="N", type=_count, default=3, help="how many seeds (default: 3)")
    experiment.add_argument("--first-seed", metavar="S", type=_steps, default=0, help="the first of them (default: 0)")
    experiment.add_argument("--setting", metavar="NAME", help="settings by name, such as full (default: quick)")
    _settings(experiment, "a setting of the experiment; the value is read as JSON, else as text")
    experiment.add_argument("--out", metavar="DIR", type=_path, help="folder for the figures (default: runs/NAME)")

    bench = command("bench", "measure ernsnn beside other simulators; without CASE, list the cases")
    bench.add_argument("case", metavar="CASE", nargs="?", help="which")
    bench.add_argument("--neurons", metavar="N", type=_count, help="how many (default: the case's own)")
    bench.add_argument(
        "--scale",
        metavar="S",
        type=_share,
        help="neurons as a part of those of the full network, of cases that have one",
    )
    bench.add_argument("--duration-ms", metavar="T", type=_ms, help="how long (default: the case's own)")
    bench.add_argument(
        "--backends", metavar="A,B,...", type=_names, help="ratios are to the first (default: all that are installed)"
    )
    bench.add_argument("--repeats", metavar="R", type=_count, help="how often each runs; medians count (default: 5)")
    bench.add_argument("--threads", metavar="K", type=_count, help="threads of those that can (default: 1)")

    metrics = command("metrics", "activity, sparsity, operations and memory of a saved run")
    metrics.add_argument("folder", metavar="DIR", type=_path, help="what `ernsnn run --out DIR` wrote")
    metrics.add_argument("--bin-ms", metavar="T", type=float, help="bin of synchrony and branching (default: 5 steps)")

    energy = command("energy", "what the events of a saved run would cost on chips, with the origin of every price")
    energy.add_argument("folder", metavar="DIR", type=_path, help="what `ernsnn run --out DIR` wrote")
    energy.add_argument(
        "--placement", metavar="BACKEND", help="count packets and hops, too, between the cores on which it puts neurons"
    )
    energy.add_argument(
        "--chips", metavar="A,B,...", type=_names, help="chips or price sets (default: all; names as it prints them)"
    )

    page = command("report", "write the page of a saved run, which every run with --out has; opens in any browser")
    page.add_argument("folder", metavar="DIR", type=_path, help="what `ernsnn run --out DIR` wrote")
    page.add_argument("--to", metavar="FILE.html", type=_path, help="the file to write (default: DIR/report.html)")
    _model_again(page)
    page.add_argument("--placement", metavar="BACKEND", help="show on which cores it puts the neurons")

    export = command("export", "write spikes, probes and what was learned as .csv, .npz, .nix (Neo) or .nwb")
    export.add_argument("folder", metavar="DIR", type=_path, help="what `ernsnn run --out DIR` wrote")
    export.add_argument(
        "--to", metavar="FILE", type=_path, required=True, help="the file to write; its ending says the format"
    )
    export.add_argument("--force", action="store_true", help="replace a file that is no export, too")
    return top


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a registered name, a Python file with `build`, or a NIR file")
    command.add_argument("--input", metavar="FILE", type=_path, help="the input, in a format that the model reads")
    command.add_argument("--demo", action="store_true", help="play the model's demonstration")
    _step(command)
    _settings(command, "a parameter of the model or an option of the backend; the value is read as JSON, else as text")


def _step(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dt-ms",
        metavar="T",
        dest="settings",
        action="append",
        default=[],
        type=lambda text: ("dt_ms", _ms(text)),
        help="short for --set dt_ms=T: the step in ms, which a NIR file does not know",
    )


def _seed(command: argparse.ArgumentParser, default: int | None = 0, shown: str = "0") -> None:
    command.add_argument(
        "--seed", metavar="N", type=_seed_number, default=default, help=f"fixes everything random (default: {shown})"
    )


def _model_again(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model",
        metavar="MODEL",
        help="the model of the run, to say what it meant: what is saved names no file that is opened",
    )
    command.add_argument("--input", metavar="FILE", type=_path, help="the input of the run, if it had one")


def _backend(command: argparse.ArgumentParser) -> None:
    command.add_argument("--backend", metavar="NAME", help="see `ernsnn backends` (default: as marked there)")


def _duration(command: argparse.ArgumentParser) -> None:
    command.add_argument("--duration-ms", metavar="T", type=float, help="how long (default: the model's own)")


def _settings(command: argparse.ArgumentParser, purpose: str) -> None:
    command.add_argument(
        "--set", metavar="KEY=VALUE", dest="settings", action="append", default=[], type=_setting, help=purpose
    )


def _setting(text: str) -> tuple[str, Any]:
    try:
        # A terminal that knows ASCII only hands on the bytes of other letters as they are.
        return read_setting(os.fsencode(text).decode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"needs names with commas between, got {quoted(text)}")
    return names


def _several(text: str) -> list[str]:
    names = _names(text)
    if len(names) < 2:
        raise argparse.ArgumentTypeError(f"needs two or more names with commas between, got {quoted(text)}")
    return names


def _times(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be times in ms with commas between, got {quoted(text)}") from None


def _path(text: str) -> Path:
    try:
        absolute(text)
    except InvalidModel as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def _count(text: str) -> int:
    return _whole(text, 1)


def _steps(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, lowest: int) -> int:
    if not text.isdecimal() or len(text) > 18 or int(text) < lowest:
        raise argparse.ArgumentTypeError(f"must be a whole number >= {lowest}, got {quoted(text)}")
    return int(text)


def _seed_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {quoted(text)}") from None


def _ms(text: str) -> float:
    return _above_0(text, "a time in ms")


def _share(text: str) -> float:
    return _above_0(text, "a number")


def _above_0(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be {what} > 0, got {quoted(text)}")
    return number
