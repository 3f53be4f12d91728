"""PyNN scripts on every backend of ernsnn: ``import ernsnn.pynn as sim`` (PyNN 0.13).

A script builds its network with PyNN's names; ``run`` lowers it and runs it on the backend that ``setup`` names.
``native`` and ``reference`` run step by step, so that weights and parameters can be read and set between runs; other
backends run in one go, once data are asked for, and take changed inputs only, ``brian2`` all but
potentials. ``docs/coming-from-pynn.md`` says what differs from other simulators.
"""

try:
    import pyNN as _pyNN  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("ernsnn.pynn needs PyNN: pip install 'ernsnn[pynn]'", name=error.name) from error

from pyNN import errors, random, space, standardmodels
from pyNN.connectors import (
    AllToAllConnector,
    ArrayConnector,
    CloneConnector,
    CSAConnector,
    DisplacementDependentProbabilityConnector,
    DistanceDependentProbabilityConnector,
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FromFileConnector,
    FromListConnector,
    IndexBasedProbabilityConnector,
)
from pyNN.network import Network
from pyNN.parameters import Sequence
from pyNN.random import GSLRNG
from pyNN.space import Cuboid, Grid2D, Grid3D, Line, RandomStructure, Space, Sphere, distance

from ernsnn.describe import marks

from . import external_devices, extra_models, runs, simulator
from .absent import TYPES as ABSENT
from .astrocytes import Astrocyte
from .cells import (
    CELLS,
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_cond_exp_gsfa_grr,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    Izhikevich,
)
from .composed import (
    LIF,
    AdExp,
    AlphaPSR,
    CondAlphaPostSynapticResponse,
    CondExpPostSynapticResponse,
    CurrExpPostSynapticResponse,
    ExpPSR,
    PointNeuron,
)
from .connectors import FixedTotalNumberConnector, OneToOneConnector, SmallWorldConnector
from .control import (
    check,
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_time_step,
    initialize,
    name,
    num_processes,
    rank,
    reset,
    run,
    run_for,
    run_until,
    set_allow_delay_extensions,
    set_number_of_neurons_per_core,
    set_number_of_synapse_cores,
    setup,
)
from .drawing import NumpyRNG, RandomDistribution
from .electrodes import ACSource, DCSource, NoisyCurrentSource, StepCurrentSource
from .foreign import TYPES as FOREIGN
from .foreign import native_cell_type, native_synapse_type
from .images import Convolution, ConvolutionConnector, KernelConnector, PoolDense, PoolDenseConnector
from .plasticity import (
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    GutigWeightDependence,
    MultiplicativeWeightDependence,
    SpikePairRule,
    Vogels2011Rule,
)
from .populations import Population
from .procedural import connect, create, record, record_gsyn, record_v, set  # noqa: A004, F401 - PyNN's name
from .projections import Projection
from .renewal import SpikeSourceGamma, SpikeSourcePoissonRefractory
from .sources import SpikeSourceArray, SpikeSourcePoisson
from .synapses import MarkedSTDP, StaticSynapse, STDPMechanism, TsodyksMarkramSynapse
from .views import Assembly, PopulationView

__all__ = [
    "GSLRNG",
    "ACSource",
    "AdditivePotentiationMultiplicativeDepression",
    "AdditiveWeightDependence",
    "AllToAllConnector",
    "ArrayConnector",
    "Assembly",
    "Astrocyte",
    "CSAConnector",
    "CloneConnector",
    "Convolution",
    "ConvolutionConnector",
    "Cuboid",
    "DCSource",
    "DisplacementDependentProbabilityConnector",
    "DistanceDependentProbabilityConnector",
    "EIF_cond_alpha_isfa_ista",
    "EIF_cond_exp_isfa_ista",
    "FixedNumberPostConnector",
    "FixedNumberPreConnector",
    "FixedProbabilityConnector",
    "FixedTotalNumberConnector",
    "FromFileConnector",
    "FromListConnector",
    "Grid2D",
    "Grid3D",
    "GutigWeightDependence",
    "HH_cond_exp",
    "IF_cond_alpha",
    "IF_cond_exp",
    "IF_cond_exp_gsfa_grr",
    "IF_curr_alpha",
    "IF_curr_delta",
    "IF_curr_exp",
    "IndexBasedProbabilityConnector",
    "Izhikevich",
    "KernelConnector",
    "Line",
    "MarkedSTDP",
    "MultiplicativeWeightDependence",
    "Network",
    "NoisyCurrentSource",
    "NumpyRNG",
    "OneToOneConnector",
    "PoolDense",
    "PoolDenseConnector",
    "Population",
    "PopulationView",
    "Projection",
    "RandomDistribution",
    "RandomStructure",
    "STDPMechanism",
    "Sequence",
    "SmallWorldConnector",
    "Space",
    "Sphere",
    "SpikePairRule",
    "SpikeSourceArray",
    "SpikeSourceGamma",
    "SpikeSourcePoisson",
    "SpikeSourcePoissonRefractory",
    "StaticSynapse",
    "StepCurrentSource",
    "TsodyksMarkramSynapse",
    "Vogels2011Rule",
    "check",
    "connect",
    "create",
    "distance",
    "end",
    "errors",
    "external_devices",
    "extra_models",
    "get_current_time",
    "get_max_delay",
    "get_min_delay",
    "get_time_step",
    "initialize",
    "list_standard_models",
    "marks",
    "name",
    "num_processes",
    "random",
    "rank",
    "record",
    "record_gsyn",
    "record_v",
    "reset",
    "run",
    "run_for",
    "run_until",
    "set_allow_delay_extensions",
    "set_number_of_neurons_per_core",
    "set_number_of_synapse_cores",
    "setup",
    "space",
]
TYPES = ABSENT | FOREIGN
__all__ += ["native_cell_type", "native_synapse_type"]
__all__ += ["LIF", "AdExp", "AlphaPSR", "ExpPSR", "PointNeuron"]
__all__ += ["CondAlphaPostSynapticResponse", "CondExpPostSynapticResponse", "CurrExpPostSynapticResponse"]
__all__ += list(TYPES)  # a star import has them, too: what cannot run is told by check

simulator.state.begin = runs.begin
SOURCES = (SpikeSourceArray, SpikeSourcePoisson, SpikeSourceGamma, SpikeSourcePoissonRefractory)


def list_standard_models() -> list[str]:
    """The names of PyNN's standard cell types that there are."""
    return [cell.__name__ for cell in (*CELLS, *SOURCES)]


def __getattr__(name: str) -> object:
    if name in TYPES:
        return TYPES[name]
    if hasattr(standardmodels.cells, name) or hasattr(standardmodels.synapses, name):
        raise AttributeError(
            f"ernsnn.pynn has no {name}: there are {', '.join(list_standard_models())}, StaticSynapse, and "
            "STDPMechanism with SpikePairRule or Vogels2011Rule and the weight dependences of PyNN"
        )
    raise AttributeError(f"module 'ernsnn.pynn' has no attribute {name!r}")
