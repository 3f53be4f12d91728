"""Pictures of a result with matplotlib: one function a picture, each of which takes axes and returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ernsnn.analyse.activity import mean_rate_hz
from ernsnn.analyse.export.contents import weight_unit
from ernsnn.analyse.extras import needed
from ernsnn.describe.names import owner_and_variable, variable_of
from ernsnn.describe.units import first_step, single_time, whole_steps
from ernsnn.errors import InvalidModel, unknown
from ernsnn.recording.readings import Readings
from ernsnn.recording.recording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MOST_LINES = 10
"""The number of lines of a signal that are drawn; the title says how many there are."""

MOST_IN_OVERVIEW = 4
"""The number of signals, and of learned variables, in an overview."""

_VECTORS = 20_000
"""The number of spikes above which they are drawn as pixels, also in a PDF."""


class Plots:
    """The pictures of a result: ``result.plot.raster()``, and all at once ``result.plot()``.

    Without ``ax`` a picture is drawn into a new figure. All raise NotInstalled without matplotlib, and InvalidModel on
    a name that the result does not have.
    """

    def __init__(self, result: Readings, moments: Sequence[tuple[float, str]] = ()) -> None:
        self._result, self._moments = result, moments

    def __call__(self) -> Figure:
        """Draw an overview: spikes, rates, signals, and distributions of learned variables.

        What does not fit on a page is left out, and the title says how much.
        """
        plt = needed("matplotlib.pyplot", "plot", "result.plot")
        result = self._result
        probes, learned = list(result.recording.signals), self._learned()
        drawn, shown = probes[:MOST_IN_OVERVIEW], learned[:MOST_IN_OVERVIEW]
        heights = [3.0, 1.2, *(1.2 for _ in drawn), *([1.8] if shown else [])]
        figure: Figure = plt.figure(figsize=(9.0, 1.3 * sum(heights)), layout="constrained")
        grid = figure.add_gridspec(len(heights), max(len(shown), 1), height_ratios=heights)
        raster = self.raster(figure.add_subplot(grid[0, :]))
        rates = self.rates(figure.add_subplot(grid[1, :], sharex=raster))
        if legend := rates.get_legend():
            legend.remove()  # the raster's labels tell the colours
        for row, key in enumerate(drawn, start=2):
            target, variable = owner_and_variable(key)
            self.signal(target, variable, figure.add_subplot(grid[row, :], sharex=raster))
        for column, (projection, variable) in enumerate(shown):
            self.distribution(projection, variable, figure.add_subplot(grid[-1, column]))
        title = f"{result.graph.name} on {result.meta['backend']}, seed {result.graph.seed}"
        kinds: list[tuple[Sequence[object], str]] = [(probes, "probes"), (learned, "learned variables")]
        left = [(len(kind) - MOST_IN_OVERVIEW, len(kind), name) for kind, name in kinds]
        figure.suptitle("; ".join([title, *(f"left out: {n} of {total} {name}" for n, total, name in left if n > 0)]))
        return figure

    def raster(
        self,
        ax: Axes | None = None,
        *,
        populations: Sequence[str] | None = None,
        start_ms: float | None = None,
        stop_ms: float | None = None,
    ) -> Axes:
        """Every spike from ``start_ms`` to ``stop_ms`` (all by default), with the moments that its model marks.

        Populations stand above one another in the order given, one colour each; for moments see ``Result.moments``.
        """
        ax, result = _axes(ax), self._result
        begin, end = self._span
        start = begin if start_ms is None else single_time(start_ms, "raster: start_ms")
        stop = end if stop_ms is None else single_time(stop_ms, "raster: stop_ms")
        first, last = (first_step(min(max(t, begin), end), result.graph.dt_ms) for t in (start, stop))
        names, base, centres = self._names(populations), 0, []
        sizes = [result.graph.population(name).size for name in names]
        least = -(-sum(sizes) // 25)  # room for the name of a small population
        for name, size in zip(names, sizes, strict=True):
            times, neurons = result.spikes(name)
            steps = result.recording.spikes[name][0]
            inside = (steps >= first) & (steps < last)
            ax.plot(
                times[inside],
                neurons[inside] + base,
                linestyle="none",
                marker="|" if inside.sum() <= _VECTORS else ",",
                markersize=4,
                rasterized=bool(inside.sum() > _VECTORS),
                label=name,
            )
            centres.append(base + (size - 1) / 2)
            base += max(size, least)
            if name != names[-1]:
                ax.axhline(base - 0.5, color="0.8", linewidth=0.5)
        for t, label in self._moments:
            if start <= t < stop:
                ax.axvline(t, color="0.6", linewidth=0.8, linestyle=":")
                ax.annotate(
                    label, (t, 1.0), xycoords=("data", "axes fraction"), rotation=30, fontsize="xx-small", va="bottom"
                )
        ax.set(xlim=(start, stop), ylim=(base - 0.5, -0.5), xlabel="ms", yticks=centres, yticklabels=names)
        return ax

    def rates(
        self, ax: Axes | None = None, *, populations: Sequence[str] | None = None, bin_ms: float | None = None
    ) -> Axes:
        """Spikes per neuron and second of each population in bins of ``bin_ms`` (a hundredth of the run by default)."""
        ax, result = _axes(ax), self._result
        dt, n_steps, first = result.graph.dt_ms, result.recording.n_steps, result.recording.first_step
        width = (
            max(1, -(-n_steps // 100)) if bin_ms is None else whole_steps(single_time(bin_ms, "bin_ms"), dt, "bin_ms")
        )
        if width < 1:
            raise InvalidModel(f"bin_ms: must be at least one step of {dt} ms, got {bin_ms}")
        edges = first + np.append(np.arange(0, n_steps, width), n_steps)
        for name in self._names(populations):
            steps, _ = result.recording.spikes[name]
            spikes = counted(steps, np.zeros_like(steps), edges, 1)[:, 0]
            size, spans_ms = result.graph.population(name).size, np.diff(edges) * dt
            rates = [mean_rate_hz(n, size, span) for n, span in zip(spikes.tolist(), spans_ms.tolist(), strict=True)]
            ax.stairs(rates, edges * dt, label=name)
        ax.set(xlim=self._span, xlabel="ms", ylabel=f"Hz, in {width * dt:g} ms")
        ax.legend(loc="upper right", fontsize="x-small", ncols=1 + len(ax.patches) // 6)
        return ax

    def signal(
        self, target: str, variable: str, ax: Axes | None = None, *, columns: Sequence[int] | None = None
    ) -> Axes:
        """Draw a probe over time: ``columns`` of it, by default the first ten; the title says of how many."""
        ax = _axes(ax)
        times, values = self._result.signal(target, variable)
        width = values.shape[1]
        chosen = range(min(width, MOST_LINES)) if columns is None else columns
        for k in chosen:
            if not 0 <= k < width:
                raise InvalidModel(f"{target}.{variable}: columns are from 0 to {width - 1}, got {k}")
            ax.plot(times, values[:, k], linewidth=0.8, label=str(k))
        more = f" ({len(chosen)} of {width})" if len(chosen) < width else ""
        ax.set(xlim=self._span, xlabel="ms", ylabel=variable)
        ax.set_title(f"{target}.{variable}{more}", fontsize="small")
        return ax

    def weights(self, projection: str, variable: str = "w", ax: Axes | None = None) -> Axes:
        """The final values of a plastic projection as a matrix, pre by post; blank where there is no synapse."""
        ax = _axes(ax)
        matrix = self._result.weights(projection, variable)
        image = ax.imshow(matrix, aspect="auto", interpolation="none")
        p = next(p for p in self._result.graph.projections if p.name == projection)
        ax.set(xlabel=f"{p.post}, from {p.post_start}", ylabel=f"{p.pre}, from {p.pre_start}")
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.colorbar(image, ax=ax, label=self._quantity(projection, variable))
        return ax

    def distribution(self, projection: str, variable: str = "w", ax: Axes | None = None) -> Axes:
        """Draw histograms of a variable of a plastic projection before the run, if it began at step 0, and after it."""
        result = self._result
        if (projection, variable) not in self._learned():
            names = [variable_of(p, v) for p, v in self._learned()]
            raise InvalidModel(unknown("no learned variable", variable_of(projection, variable), names))
        ax = _axes(ax)
        p = next(p for p in result.graph.projections if p.name == projection)
        # A run that goes on from another began with what that one had left.
        known = {} if result.recording.first_step else {"before": p.synapses.variables[variable]}
        known["after"] = result.recording.synapses[projection][variable]
        bins = np.histogram_bin_edges(np.concatenate(list(known.values())), 40)
        for label, values in known.items():
            filled = label == "before"
            ax.stairs(np.histogram(values, bins)[0], bins, fill=filled, alpha=0.4 if filled else 1.0, label=label)
        ax.set(xlabel=self._quantity(projection, variable), ylabel="synapses")
        ax.set_title(projection, fontsize="small")
        ax.legend(fontsize="x-small")
        return ax

    @property
    def _span(self) -> tuple[float, float]:
        """(start, stop) in ms."""
        return self._result.start_ms, self._result.start_ms + self._result.duration_ms

    def _learned(self) -> list[tuple[str, str]]:
        return [
            (name, variable) for name, variables in self._result.recording.synapses.items() for variable in variables
        ]

    def _quantity(self, projection: str, variable: str) -> str:
        graph = self._result.graph
        unit = weight_unit(graph, next(p for p in graph.projections if p.name == projection), variable)
        return f"{variable} ({unit})" if unit else variable

    def _names(self, populations: Sequence[str] | None) -> list[str]:
        known = list(self._result.recording.spikes)
        for name in populations or ():
            if name not in known:
                raise InvalidModel(unknown("no population", name, known))
        return known if populations is None else list(populations)


def _axes(given: Axes | None) -> Axes:
    """``ax``, or the axes of a new figure."""
    if given is not None:
        return given
    axes: Axes = needed("matplotlib.pyplot", "plot", "result.plot").subplots(layout="constrained")[1]
    return axes
