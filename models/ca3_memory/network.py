"""The CA3 network: populations, connections, plasticity. Casanueva-Morato et al. 2024 (Neural Networks 178:106474)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from ernsnn.describe import stdp
from ernsnn.describe.connectors import AllToAll, OneToOne
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.modulators import Astrocyte, Gate, Modulator, ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.populations import Population, View
from ernsnn.describe.stimuli import SpikeTimes
from ernsnn.errors import InvalidModel

Times = Sequence[Sequence[float]]
_W = 6.0  # nA: one such spike makes a neuron fire

Side = Literal["pre", "post"]
_SIDES: tuple[dict[str, Side], ...] = ({"gate": "pre", "bit": "post"}, {"gate": "post", "bit": "pre"})
"""The sides of cues and contents in the projections cue_to_content and content_to_cue."""

Gating = Literal["none", "astrocyte", "majority"]

GATE = "gate"
"""The third factor of the gated memories: one gate a cue."""


def build(
    cues: int = 5,
    contents: int = 10,
    cue_times_ms: Times | None = None,
    content_times_ms: Times | None = None,
    gate: Gating = "none",
    lateral_nA: float | None = None,
) -> Network:
    """The memory of ``cues`` one-hot cues and ``contents`` content bits, driven by the given spike times in ms.

    Without times it gets no input. Time step 1 ms, currents averaged over the step as on SpiNNaker; population names
    as in the paper. ``gate="astrocyte"`` is a memory that does not forget by reading: plasticity is open only while
    astrocytes hear a cue and a content learnt together, one gate a cue. ``gate="majority"`` withstands noise as well:
    each content bit has an astrocyte too, and a bit is written only if it was driven in two of the three steps of the
    learn. ``lateral_nA`` is the inhibition of CA3cueContRecall by itself, 6 nA per content bit as published; 36 keeps
    it from outlasting short spacings in large memories.
    """
    if gate not in get_args(Gating):
        raise InvalidModel(f"ca3_memory: gate must be {' or '.join(map(repr, get_args(Gating)))}, got {gate!r}")
    if lateral_nA is not None and not (isinstance(lateral_nA, int | float) and 0 <= lateral_nA < float("inf")):
        raise InvalidModel(f"ca3_memory: lateral_nA must be a current >= 0, got {lateral_nA!r}")
    for name, size in (("cues", cues), ("contents", contents)):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InvalidModel(f"ca3_memory: {name} must be a whole number >= 1, got {size!r}")
    cue_times = [[] for _ in range(cues)] if cue_times_ms is None else list(cue_times_ms)
    content_times = [[] for _ in range(contents)] if content_times_ms is None else list(content_times_ms)
    for name, times, size in (("cue_times_ms", cue_times, cues), ("content_times_ms", content_times, contents)):
        if len(times) != size:
            raise InvalidModel(f"ca3_memory: {name} has {len(times)} lists for {size} neurons")

    net = Network(dt_ms=1.0, current_integration="step_average", name="ca3_memory")
    slow, fast = _cell(cm_nF=0.27, tau_m_ms=3.0), _cell(cm_nF=0.14, tau_m_ms=0.5)
    out = _cell(cm_nF=0.27, tau_m_ms=3.0, v_threshold_mV=-57.5)

    inputs = net.population("IN", cues + contents, SpikeTimes([*cue_times, *content_times]))
    cue_cue = net.population("CA3cueCueRecall", cues, slow)
    cont_cue = net.population("CA3contCueRecall", contents, slow)
    cont_cond = net.population("CA3contCond", contents, fast)
    cond_int = net.population("CA3contCondInt", 1, fast)
    cue_cont = net.population("CA3cueContRecall", cues, fast)
    cont_cont = net.population("CA3contContRecall", contents, slow)
    merge_cue = net.population("CA3mergeCue", cues, slow)
    merge_cont = net.population("CA3mergeCont", contents, slow)
    output = net.population("OUT", cues + contents, out)

    one, everyone, others = OneToOne(), AllToAll(), AllToAll(self_connections=False)
    lateral = _W * contents

    def connect(
        pre: Population | View,
        post: Population | View,
        how: OneToOne | AllToAll,
        weight: float,
        delay: float,
        sign: str = "+",
    ) -> None:
        receptor = "excitatory" if sign == "+" else "inhibitory"
        name = f"{pre.name}-{post.name}".replace("[", "_").replace("]", "").replace(":", "_")
        if name in net.projections:
            name += "_inhibition"
        net.projection(name, pre, post, how, weight_nA=weight, delay_ms=delay, receptor=receptor)

    connect(inputs[:cues], cue_cue, one, _W, 1)
    connect(inputs[cues:], cont_cue, one, _W, 1)
    connect(cue_cue, cue_cont, one, _W, 2)
    connect(cue_cue, cue_cont, others, lateral, 3, "-")
    connect(cue_cont, cue_cont, others, lateral if lateral_nA is None else lateral_nA, 2, "-")
    connect(cue_cue, cont_cond, everyone, _W, 2, "-")
    connect(cont_cue, cont_cond, one, 9.0, 1)
    connect(cont_cue, cond_int, everyone, _W, 1)
    connect(cond_int, cont_cond, everyone, 2.0, 1)
    connect(cont_cond, cont_cont, one, _W, 1)
    connect(cue_cue, merge_cue, one, _W, 3)
    connect(cont_cue, merge_cont, one, _W, 3)
    connect(cue_cont, merge_cue, one, _W, 1)
    connect(cont_cont, merge_cont, one, _W, 1)
    connect(merge_cue, output[:cues], one, _W, 1)
    connect(merge_cont, output[cues:], one, _W, 1)

    learned = [("cue_to_content", cue_cue, cont_cue), ("content_to_cue", cont_cont, cue_cont)]
    if gate == "none":
        rule = stdp.pair(tau_plus_ms=3.0, tau_minus_ms=3.0, A_plus=_W, A_minus=_W, w_max=_W)
        for name, pre, post in learned:
            net.projection(name, pre, post, everyone, weight_nA=0.0, delay_ms=1.0, learning=rule)
        return net

    third: dict[str, Modulator] = {"gate": _gates(net, inputs, cues, slow)}
    rules = _gated_rule(_X | _Y, on_pre="12*y - 6", on_post="12*x"), _gated_rule(_X, on_pre="0", on_post="40*x - 6")
    if gate == "majority":
        third["bit"] = _bits(net, inputs[cues:])
        rules = _majority_rule(cues="pre"), _majority_rule(cues="post")
    for (name, pre, post), gated, sides in zip(learned, rules, _SIDES, strict=True):
        bound: dict[str, ThirdFactor | Modulator] = {
            factor: ThirdFactor(modulator=modulator, per=sides[factor]) for factor, modulator in third.items()
        }
        net.projection(name, pre, post, everyone, weight_nA=0.0, delay_ms=1.0, learning=gated, third_factors=bound)
    return net


def _gates(net: Network, inputs: Population, cues: int, relay_cell: LIF) -> Gate:
    """One gate a cue: its astrocyte has heard two steps of the cue, and another the content, through one relay."""
    relay = net.population("gateContRelay", 1, relay_cell)
    net.projection("IN_content-gateContRelay", inputs[cues:], relay, AllToAll(), weight_nA=_W, delay_ms=1.0)
    cue = net.astrocyte("gateCue", [inputs[:cues]], tau_ms=2.5, per="neuron")
    content = net.astrocyte("gateContent", [relay], tau_ms=2.5)
    return net.gate(GATE, opens={cue: 1.4, content: 0.25}, stays={cue: 0.25, content: 0.25})


def _bits(net: Network, content: View) -> Astrocyte:
    """An astrocyte a content bit: 1 from the second step of drive on, 0 again when the next operation can begin.

    With any two of the three steps of a learn C reaches 1 + exp(-2 ms/2.5 ms) = 1.45 or more, with one of them 1. At
    +6, where the last spike writes, it is still .226 without the last of the three; at +8 it is .205 at most with all.
    """
    return net.astrocyte("gateBit", [content], tau_ms=2.5, per="neuron", threshold=1.4, threshold_off=0.215)


def _majority_rule(*, cues: Side) -> LearningRule:
    """While the gate is open, a spike on the cue's side makes w 6 nA where the bit was driven and else 0.

    A spike on the content's side adds 6 nA where the bit was driven: it is the one that comes if noise inhibits the
    other. Nothing depends on the order of the spikes; what goes with what is up to the astrocytes.
    """
    write, add = {"w": "(12*bit - 6)*gate"}, {"w": "6*bit*gate"}
    return LearningRule.from_equations(
        on_pre=write if cues == "pre" else add,
        on_post=add if cues == "pre" else write,
        bounds={"w": (0.0, _W)},
        third_factors=["gate", "bit"],
    )


_X, _Y = {"x": Trace("pre", tau_ms=1.5)}, {"y": Trace("post", tau_ms=1.5)}


def _gated_rule(traces: dict[str, Trace], *, on_pre: str, on_post: str) -> LearningRule:
    """A pre spike of a learnt cue first wipes its row, before it transmits, so that nothing of the old is shown."""
    return LearningRule.from_equations(
        traces=traces,
        on_pre={"w": f"({on_pre})*gate"},
        on_post={"w": f"({on_post})*gate"},
        bounds={"w": (0.0, _W)},
        third_factors=["gate"],
    )


def _cell(*, cm_nF: float, tau_m_ms: float, v_threshold_mV: float = -57.0) -> LIF:
    return LIF(
        cm_nF=cm_nF,
        tau_m_ms=tau_m_ms,
        tau_refrac_ms=1.0,
        tau_syn_E_ms=0.3,
        tau_syn_I_ms=0.3,
        v_rest_mV=-60.0,
        v_reset_mV=-60.0,
        v_threshold_mV=v_threshold_mV,
    )
