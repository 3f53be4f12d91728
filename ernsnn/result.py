"""``Result``, the façade over a finished run: its readings, metrics, energy, pictures and exports.

``run`` and ``resume`` return results. What analyses them is imported when it is first asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Self

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.files import Content
from ernsnn.recording.readings import Readings
from ernsnn.running import simulate

if TYPE_CHECKING:
    import neo
    import pynwb
    import xarray

    from ernsnn.analyse.energy import Energy
    from ernsnn.analyse.metrics import Metrics
    from ernsnn.analyse.plots import Plots
    from ernsnn.analyse.summary import Summary


@checked
class Result(Readings):
    """The graph that was run and the recording that came back."""

    _summary: Summary | None = None

    @checked
    def metrics(self, bin_ms: float | None = None) -> Metrics:
        """Activity, sparsity, operations and memory; ``bin_ms`` is the bin of synchrony and branching (5 steps).

        Raises InvalidModel on a bin that is no whole number of steps.
        """
        from ernsnn.analyse.metrics import metrics

        return metrics(self.graph, self.recording, bin_ms)

    @checked
    def energy(
        self,
        chip: str | Sequence[str] | None = None,
        cores: Mapping[str, np.ndarray] | None = None,
        links: Mapping[str, np.ndarray] | None = None,
    ) -> Energy:
        """The energy of the events of this run on ``chip``: a price set or a chip, or several; all by default.

        ``cores`` says on which core each neuron of each population lies; with it, packets and hops are counted too, as
        Loihi has them. ``links`` says how many links between chips a spike of each neuron crosses; with it, they are
        counted as SpiNNaker has them. A backend's ``placement`` knows both. Raises InvalidModel on an unknown chip.
        """
        from ernsnn.analyse.energy import energy

        return energy(self.graph, self.recording, chip, cores, links)

    @property
    def summary(self) -> Summary | None:
        """The summary that the model made when the run ended; None where it made none."""
        return self._summary

    @property
    def moments(self) -> Sequence[tuple[float, str]]:
        """(time in ms, label) of moments that pictures mark; empty unless a model defines some."""
        return [(mark.t_ms, mark.what) for mark in self.summary.marks] if self.summary else ()

    @property
    def plot(self) -> Plots:
        """Pictures: ``plot.raster()``, ``plot.weights(projection)`` and so on; ``plot()`` is an overview."""
        from ernsnn.analyse.plots import Plots

        return Plots(self, self.moments)

    def _repr_html_(self) -> str:
        from ernsnn.analyse.notebook import notebook

        return notebook(self)

    def to_neo(self) -> neo.Block:
        """A Neo Block with one Segment; needs Neo (extra ``ecosystem``).

        A SpikeTrain a neuron in ms, in a Group a population; an AnalogSignal a probe (an IrregularlySampledSignal where
        its samples are not equally far apart); an Event at the end of the run for every projection and population that
        learned, whose array annotations are the final values. Raises NotInstalled.
        """
        from ernsnn.analyse.export.converters import to_neo

        return to_neo(self)

    def to_xarray(self) -> xarray.Dataset:
        """An xarray Dataset; needs xarray (extra ``ecosystem``).

        ``spikes_P`` (spike times in ms, with ``neuron_P``), ``signals_T.v`` (time, column), ``synapses_P.v`` (final
        values, with ``pre_P`` and ``post_P``) and ``neurons_P.v``. Raises NotInstalled.
        """
        from ernsnn.analyse.export.converters import to_xarray

        return to_xarray(self)

    def to_nwb(self) -> pynwb.NWBFile:
        """An NWB file in memory, its times in s as that format wants; needs PyNWB (extra ``ecosystem``).

        A unit a neuron, a TimeSeries a probe, a table for whatever learned. Raises NotInstalled.
        """
        from ernsnn.analyse.export.converters import to_nwb

        return to_nwb(self)

    @checked
    def export(self, path: str | Path, *, force: bool = False) -> list[Path]:
        """Write everything into a file whose ending says the format: .csv, .npz, .nix (Neo) or .nwb.

        As .csv, ``path`` gets the spikes, and every probe and whatever learned a file of its own beside it. Returns
        the files. Raises InvalidModel on another ending and, without ``force``, where something else than an earlier
        export is in the way; NotInstalled where a library is missing.
        """
        from ernsnn.analyse.export.files import export

        return export(self, path, force=force)

    def to_files(self) -> dict[str, Content]:
        """Every file of a saved result."""
        from ernsnn.analyse.summary import summary_files

        said = {} if self.summary is None else summary_files(self.summary, self.meta)
        return {**super().to_files(), **said}

    @classmethod
    @checked
    def load(cls, folder: str | Path) -> Self:
        """Read what ``save`` wrote. Raises InvalidModel, naming what is missing or damaged."""
        from ernsnn.analyse.summary import read_summary

        result = super().load(folder)
        result._summary = read_summary(Path(folder), result.meta)
        return result


_Arguments = ParamSpec("_Arguments")


def _gives_result(function: Callable[_Arguments, Readings]) -> Callable[_Arguments, Result]:
    """``function``, whose readings are returned as a Result."""

    @functools.wraps(function)
    def call(*args: _Arguments.args, **keywords: _Arguments.kwargs) -> Result:
        return Result.of(function(*args, **keywords))

    call.__annotations__ = {**function.__annotations__, "return": "Result"}
    call.__module__ = __name__
    return call


run = _gives_result(simulate.run)
resume = _gives_result(simulate.resume)
