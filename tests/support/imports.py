"""The imports between modules of the package, read from their files, also within functions and for types alone."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "ernsnn": ROOT / "ernsnn",
    "ernsnn.models": ROOT / "models",
    "ernsnn.hardware_backends": ROOT / "hardware_backends",
    "ernsnn.benchmarks": ROOT / "benchmarks",
}


def modules(folders: Mapping[str, Path] = FOLDERS) -> dict[str, Path]:
    """Dotted name -> file of every module as it is installed."""
    paths = {}
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            paths[".".join([package, *parts]).removesuffix(".__init__")] = path
    return paths


def imported(source: str, module: str, is_package: bool) -> Iterator[tuple[str, str]]:
    """(module, name) of every import of ernsnn in the text of ``module``; the name of a whole module is ""."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "ernsnn")
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: is_package - node.level or None] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            if base.split(".")[0] == "ernsnn":
                yield from ((base, alias.name) for alias in node.names)


def arrows(folders: Mapping[str, Path] = FOLDERS) -> dict[str, set[str]]:
    """The modules that each module imports.

    ``from ernsnn.graph import checks`` means the module ``ernsnn.graph.checks``; ``from ernsnn.report import page``,
    what is no module, means ``ernsnn.report``.
    """
    known = modules(folders)
    graph: dict[str, set[str]] = {}
    for module, path in known.items():
        pairs = imported(path.read_text(), module, path.name == "__init__.py")
        named = {f"{base}.{name}" if f"{base}.{name}" in known else base for base, name in pairs}
        graph[module] = (named & known.keys()) - {module}
    return graph


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle, the first of them again at its end; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
