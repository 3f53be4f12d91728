"""ernsnn: describe a spiking model once, run it on many backends, and prove that they agree."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from ernsnn import starting  # noqa: F401 - before all that takes time
from ernsnn.backend.issues import Issue, Issues
from ernsnn.backend.options import Option
from ernsnn.backend.protocol import Backend, Program
from ernsnn.describe import marks, stdp
from ernsnn.describe.attached import Probe
from ernsnn.describe.connectors import AllToAll, FixedInDegree, FixedProbability, FixedTotalNumber, FromList, OneToOne
from ernsnn.describe.distributions import Exponential, LogNormal, Normal, Uniform
from ernsnn.describe.flows import Latch, Relax
from ernsnn.describe.learning import EPOCH, POST, PRE, LearningRule, Mark, Normalise, Term, Trace
from ernsnn.describe.modulators import CLASSES as MODULATORS
from ernsnn.describe.modulators import Astrocyte, CalciumAstrocyte, Either, Gate, Signal, ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import CLASSES, LIF, AdaptiveLIF, ConductanceLIF, DeltaLIF, Neuron
from ernsnn.describe.poisson_input import PoissonInput
from ernsnn.describe.populations import IntrinsicPlasticity, Population
from ernsnn.describe.products import Factor, Product
from ernsnn.describe.projections import Projection
from ernsnn.describe.short_term import ShortTerm, TsodyksMarkram, TsodyksUzielMarkram
from ernsnn.describe.stdp import pair_stdp, triplet_stdp
from ernsnn.describe.stimuli import CurrentSteps, Poisson, Schedule, SpikeTimes
from ernsnn.describe.timeline import Phase, Timeline, replay
from ernsnn.describe.trials import Trials
from ernsnn.errors import (
    BackendNotAvailable,
    ErnsnnError,
    Interrupted,
    InvalidModel,
    ModelWarning,
    NotFinite,
    NotInstalled,
    ProgramFailed,
    UnsupportedOnBackend,
)
from ernsnn.graph.graph import Graph
from ernsnn.graph.lower import lower
from ernsnn.graph.storage import load_graph, save_graph
from ernsnn.recording.recording import Recording
from ernsnn.result import Result, resume, run
from ernsnn.running.simulate import check, compile  # noqa: A004 - the field's word for it

if TYPE_CHECKING:
    from ernsnn.analyse.compare import Comparison, compare
    from ernsnn.analyse.energy import Energy
    from ernsnn.analyse.metrics import Metrics
    from ernsnn.interchange.from_nir import from_nir
    from ernsnn.interchange.nir_data import from_nir_data, to_nir_data
    from ernsnn.interchange.to_nir import to_nir
    from ernsnn.report import write_report
    from ernsnn.studies import pictures
    from ernsnn.studies.estimates import Estimate
    from ernsnn.studies.experiment import Experiment, Findings, Repeats

__version__ = "0.1.0"

__all__ = [
    "EPOCH",
    "LIF",
    "POST",
    "PRE",
    "AdaptiveLIF",
    "AllToAll",
    "Astrocyte",
    "Backend",
    "BackendNotAvailable",
    "CalciumAstrocyte",
    "Comparison",
    "ConductanceLIF",
    "CurrentSteps",
    "DeltaLIF",
    "Either",
    "Energy",
    "ErnsnnError",
    "Estimate",
    "Experiment",
    "Exponential",
    "Factor",
    "Findings",
    "FixedInDegree",
    "FixedProbability",
    "FixedTotalNumber",
    "FromList",
    "Gate",
    "Graph",
    "Interrupted",
    "IntrinsicPlasticity",
    "InvalidModel",
    "Issue",
    "Issues",
    "Latch",
    "LearningRule",
    "LogNormal",
    "Mark",
    "Metrics",
    "ModelWarning",
    "Network",
    "Neuron",
    "Normal",
    "Normalise",
    "NotFinite",
    "NotInstalled",
    "OneToOne",
    "Option",
    "Phase",
    "Poisson",
    "PoissonInput",
    "Population",
    "Probe",
    "Product",
    "Program",
    "ProgramFailed",
    "Projection",
    "Recording",
    "Relax",
    "Repeats",
    "Result",
    "Schedule",
    "ShortTerm",
    "Signal",
    "SpikeTimes",
    "Term",
    "ThirdFactor",
    "Timeline",
    "Trace",
    "Trials",
    "TsodyksMarkram",
    "TsodyksUzielMarkram",
    "Uniform",
    "UnsupportedOnBackend",
    "check",
    "compare",
    "compile",
    "from_nir",
    "from_nir_data",
    "load_graph",
    "lower",
    "marks",
    "pair_stdp",
    "pictures",
    "replay",
    "resume",
    "run",
    "save_graph",
    "stdp",
    "to_nir",
    "to_nir_data",
    "triplet_stdp",
    "write_report",
]
_KINDS: dict[str, type] = {**CLASSES, **MODULATORS}
__all__ += [name for name in _KINDS if name not in __all__]


_LATER = {
    "Comparison": "ernsnn.analyse.compare:Comparison",
    "Energy": "ernsnn.analyse.energy:Energy",
    "Estimate": "ernsnn.studies.estimates:Estimate",
    "Experiment": "ernsnn.studies.experiment:Experiment",
    "Findings": "ernsnn.studies.experiment:Findings",
    "Metrics": "ernsnn.analyse.metrics:Metrics",
    "Repeats": "ernsnn.studies.experiment:Repeats",
    "compare": "ernsnn.analyse.compare:compare",
    "from_nir": "ernsnn.interchange.from_nir:from_nir",
    "from_nir_data": "ernsnn.interchange.nir_data:from_nir_data",
    "pictures": "ernsnn.studies.pictures",
    "to_nir": "ernsnn.interchange.to_nir:to_nir",
    "to_nir_data": "ernsnn.interchange.nir_data:to_nir_data",
    "write_report": "ernsnn.report:write_report",
}
"""Name -> place of what is imported at its first use only, since most programs do without it."""


def __getattr__(name: str) -> object:
    if name in _KINDS:
        return _KINDS[name]
    if name not in _LATER:
        raise AttributeError(f"module 'ernsnn' has no attribute {name!r}")
    return resolve_name(_LATER[name])
