"""Conversion of a result to objects of Neo, xarray and NWB; ``docs/exports.md`` lists what becomes what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ernsnn.analyse.export.contents import Contents, Final, Series, contents
from ernsnn.analyse.extras import needed
from ernsnn.recording.readings import Readings
from ernsnn.recording.recording import by_neuron

if TYPE_CHECKING:
    import neo
    import xarray
    from pynwb import NWBFile


WRITTEN_BY = "written-by-ernsnn"
"""The mark by which a file is recognised as an export of ernsnn."""


# Neo


def to_neo(result: Readings) -> neo.Block:
    """See ``Result.to_neo``."""
    needed("neo", "ecosystem", "to_neo")
    import neo

    c = contents(result)
    block = neo.Block(name=c.name, **_annotations(c))
    segment = neo.Segment(name="run", index=0)
    block.segments.append(segment)
    for s in c.spikes:
        group = neo.Group(name=s.population)
        for neuron, times in enumerate(by_neuron(s.times_ms, s.neurons, s.size)):
            train = neo.SpikeTrain(
                times,
                units="ms",
                t_start=c.start_ms,
                t_stop=c.stop_ms,
                name=f"{s.population}[{neuron}]",
                population=s.population,
                neuron=neuron,
            )
            segment.spiketrains.append(train)
            group.add(train)
        block.groups.append(group)
    for series in c.series:
        signal, regular = _neo_signal(series, c.dt_ms)
        (segment.analogsignals if regular else segment.irregularlysampledsignals).append(signal)
    segment.events.extend([_neo_event(final, c.stop_ms) for final in c.finals])
    block.check_relationships()
    return block


def _annotations(c: Contents) -> dict[str, Any]:
    times = {"dt_ms": c.dt_ms, "start_ms": c.start_ms, "duration_ms": c.duration_ms}
    return {WRITTEN_BY: c.about, **times, "digest": c.digest}


def _neo_signal(s: Series, dt_ms: float) -> tuple[Any, bool]:
    """A probe as a signal of Neo, regular or irregular."""
    import neo
    import quantities as pq

    common = {"name": s.name, "array_annotations": s.labels, "target": s.target, "variable": s.variable}
    units, gaps = s.unit or "dimensionless", np.diff(s.steps)
    if not len(gaps) or (gaps != gaps[0]).any():
        return neo.IrregularlySampledSignal(s.times_ms * pq.ms, s.values, units=units, **common), False
    first, every = int(s.steps[0]), int(gaps[0])
    axis = {"t_start": first * dt_ms * pq.ms, "sampling_period": every * dt_ms * pq.ms}
    return neo.AnalogSignal(s.values, units=units, **axis, first_step=first, every_steps=every, **common), True


def _neo_event(final: Final, end_ms: float) -> neo.Event:
    import neo
    import quantities as pq

    rows = list(zip(*final.labels.values(), strict=True))
    units = {name: final.units[name] or "dimensionless" for name in final.variables}
    values = {name: pq.Quantity(array, units[name]) for name, array in final.variables.items()}
    return neo.Event(
        np.full(len(rows), end_ms) * pq.ms,
        labels=np.array(["->".join(map(str, row)) for row in rows], dtype="U"),
        name=final.owner,
        array_annotations={**final.labels, **values},
        kind=final.kind,
    )


# xarray


def to_xarray(result: Readings) -> xarray.Dataset:
    """See ``Result.to_xarray``."""
    needed("xarray", "ecosystem", "to_xarray")
    import xarray

    c = contents(result)
    data: dict[str, Any] = {}
    axes: dict[str, Any] = {}
    for s in c.spikes:
        dim = f"spike_{s.population}"
        data[f"spikes_{s.population}"] = ([dim], s.times_ms, {"units": "ms", "neurons": s.size})
        axes[f"neuron_{s.population}"] = ([dim], s.neurons)
    for series in c.series:
        time, column = f"time_{series.name}", f"column_{series.name}"
        data[f"signals_{series.name}"] = ([time, column], series.values, {"units": series.unit})
        axes[time] = ([time], series.times_ms, {"units": "ms"})
        axes |= {f"{label}_{series.name}": ([column], array) for label, array in series.labels.items()}
    for final in c.finals:
        dim = f"{'synapse' if final.kind == 'synapses' else 'cell'}_{final.owner}"
        for name, array in final.variables.items():
            data[f"{final.kind}_{final.owner}.{name}"] = ([dim], array, {"units": final.units[name]})
        if final.kind == "synapses":
            axes |= {f"{label}_{final.owner}": ([dim], array) for label, array in final.labels.items()}
    return xarray.Dataset(data, axes, {"name": c.name, **_annotations(c)})


# NWB


def to_nwb(result: Readings) -> NWBFile:
    """See ``Result.to_nwb``."""
    needed("pynwb", "ecosystem", "to_nwb")
    from pynwb import NWBFile, TimeSeries

    c = contents(result)
    file = NWBFile(
        session_description=f"{c.name}, simulated by ernsnn on {result.meta['backend']}",
        identifier=f"{WRITTEN_BY}-{uuid4()}",
        session_start_time=datetime.now(UTC),
        notes=c.about,
    )
    file.add_unit_column("population", "the population that the neuron belongs to")
    file.add_unit_column("neuron", "its number within the population, from 0")
    whole = [[c.start_ms / 1000.0, c.stop_ms / 1000.0]]
    for s in c.spikes:
        for neuron, times in enumerate(by_neuron(s.times_ms, s.neurons, s.size)):
            file.add_unit(spike_times=times / 1000.0, obs_intervals=whole, population=s.population, neuron=neuron)
    if file.units is not None:
        file.units.resolution = c.dt_ms / 1000.0
    for series in c.series:
        signal = TimeSeries(
            name=series.name,
            data=series.values,
            unit=series.unit or "dimensionless",
            timestamps=series.times_ms / 1000.0,
            description=f"{series.variable} of {series.target}; its columns stand in columns/{series.name}",
        )
        file.add_acquisition(signal)
    columns: list[_Table] = [(s.name, s.labels, {}) for s in c.series]
    learned: list[_Table] = [(f.owner, f.labels | f.variables, f.units) for f in c.finals]
    _add_tables(file, "columns", "what the columns of each signal are", columns)
    _add_tables(file, "learned", "what synapses and neurons had learned by the end", learned)
    return file


_Table = tuple[str, dict[str, np.ndarray], dict[str, str]]
"""(name, columns, units) of a table."""


def _add_tables(file: NWBFile, name: str, purpose: str, tables: list[_Table]) -> None:
    from hdmf.common import DynamicTable, VectorData

    if not tables:
        return
    module = file.create_processing_module(name, purpose)
    for owner, arrays, units in tables:
        parts = [VectorData(name=k, description=units.get(k) or k, data=array) for k, array in arrays.items()]
        module.add(DynamicTable(name=owner, description=f"{purpose}: {owner}", columns=parts))
