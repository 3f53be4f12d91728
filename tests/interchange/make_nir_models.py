"""Writes tests/data/nir: small models as snnTorch and Norse export them, with the spikes that they give there.

It needs a Python with torch, and is run by hand: `pip install snntorch==1.0.0 norse==1.1.0 nir==1.0.8`, then
`python tests/interchange/make_nir_models.py`. Each NAME.nir has a NAME.npz beside it: ``input`` (steps, inputs) of 0
and 1, and ``spikes`` (steps, neurons) of the last layer, or ``v`` of a read-out.
"""

from pathlib import Path

import nir
import norse.torch as norse
import numpy as np
import snntorch
import torch
from snntorch import utils
from snntorch.export_nir import export_to_nir

OUT = Path(__file__).parents[1] / "data" / "nir"
STEPS = 120


def raster(n: int, rate: float = 0.25) -> torch.Tensor:
    """(steps, 1, n) of 0 and 1."""
    return (torch.rand(STEPS, 1, n) < rate).float()


def write(name: str, graph: nir.NIRGraph, shown: torch.Tensor, **given: torch.Tensor) -> None:
    """Write a graph, what it is shown and what it gives."""
    nir.write(OUT / f"{name}.nir", graph)
    arrays = {key: value.detach().numpy().reshape(STEPS, -1) for key, value in given.items()}
    shapes = shown.numpy().reshape(STEPS, -1).astype(bool)
    arrays = {key: value.astype(bool if key == "spikes" else np.float32) for key, value in arrays.items()}
    np.savez_compressed(OUT / f"{name}.npz", input=shapes, **arrays)
    print(name, {key: value.shape for key, value in arrays.items()}, int(arrays.get("spikes", np.zeros(0)).sum()))


def of_snntorch(name: str, layers: list[torch.nn.Module], shown: torch.Tensor) -> None:
    """Run and export a sequence of layers of snnTorch, all with hidden states."""
    net = torch.nn.Sequential(*layers)
    graph = export_to_nir(net, shown[0], ignore_dims=[0])
    utils.reset(net)
    with torch.no_grad():
        spikes = torch.stack([net(x) for x in shown])
    write(name, graph, shown, spikes=spikes)


def scaled(layer: torch.nn.Module, by: float) -> torch.nn.Module:
    """A layer with larger weights."""
    with torch.no_grad():
        layer.weight *= by
    return layer


def leaky(n: int, **options: object) -> snntorch.Leaky:
    """Neurons with a beta of their own each."""
    return snntorch.Leaky(beta=0.7 + 0.29 * torch.rand(n), threshold=torch.ones(n), init_hidden=True, **options)


def snntorch_models() -> None:
    """Feed-forward layers with each reset, synaptic currents, a recurrent layer and a convolution."""
    for reset in ("zero", "subtract"):
        for delay in (True, False):
            how = {"reset_mechanism": reset, "reset_delay": delay}
            # Subtracting at once, snnTorch subtracts again a step later where V is still above the threshold, and adds
            # it back where that was no spike: weights are such that V stays below twice the threshold.
            by = 1.1 if reset == "subtract" and not delay else 3.0
            of_snntorch(
                f"snntorch_{reset}{'' if delay else '_at_once'}",
                [
                    scaled(torch.nn.Linear(12, 24), by),
                    leaky(24, **how),
                    scaled(torch.nn.Linear(24, 8), by),
                    leaky(8, **how),
                ],
                raster(12),
            )
    synaptic = snntorch.Synaptic(
        alpha=0.3 + 0.6 * torch.rand(16),
        beta=0.6 + 0.3 * torch.rand(16),
        threshold=torch.full((16,), 1.3),
        init_hidden=True,
        reset_mechanism="zero",
    )
    of_snntorch(
        "snntorch_synaptic",
        [
            scaled(torch.nn.Linear(10, 16), 2.0),
            synaptic,
            scaled(torch.nn.Linear(16, 6), 2.0),
            leaky(6, reset_mechanism="zero"),
        ],
        raster(10),
    )
    recurrent = snntorch.RLeaky(
        beta=torch.full((10,), 0.8),
        threshold=torch.ones(10),
        linear_features=10,
        init_hidden=True,
        reset_mechanism="zero",
    )
    of_snntorch("snntorch_recurrent", [scaled(torch.nn.Linear(8, 10), 3.0), recurrent], raster(8))
    of_snntorch(
        "snntorch_scalar",
        [scaled(torch.nn.Linear(8, 1, bias=False), 4.0), leaky(1, reset_mechanism="zero")],
        raster(8),
    )


def of_norse(name: str, layers: list[torch.nn.Module], shown: torch.Tensor, dt: float, key: str = "spikes") -> None:
    """Run and export a sequence of layers of Norse."""
    net, state, given = norse.SequentialState(*layers), None, []
    graph = norse.to_nir(net, shown[0], dt=dt)
    with torch.no_grad():
        for x in shown:
            y, state = net(x, state)
            given.append(y)
    write(name, graph, shown, **{key: torch.stack(given)})


def boxes(n: int) -> norse.LIFBoxCell:
    """Neurons of Norse without synaptic current, each with a time constant of its own."""
    return norse.LIFBoxCell(
        norse.LIFBoxParameters(
            tau_mem_inv=60 + 200 * torch.rand(n), v_leak=torch.full((n,), 0.05), v_th=torch.full((n,), 0.6)
        )
    )


def norse_models() -> None:
    """Layers of Norse with its time constants as they are (dt=1) and as it writes them by default, and read-outs."""
    for name, dt in (("norse_box", 1.0), ("norse_default", 0.001)):
        layers = [scaled(torch.nn.Linear(12, 20), 15.0), boxes(20), scaled(torch.nn.Linear(20, 6), 25.0), boxes(6)]
        of_norse(name, layers, raster(12), dt)
    cells = norse.LIFCell(
        norse.LIFParameters(
            tau_syn_inv=torch.full((14,), 200.0),
            tau_mem_inv=torch.full((14,), 100.0),
            v_leak=torch.zeros(14),
            v_reset=torch.zeros(14),
            v_th=torch.full((14,), 0.5),
        )
    )
    of_norse("norse_cuba", [scaled(torch.nn.Linear(10, 14), 2.0), cells], raster(10), 1.0)
    integrate = norse.IAFCell(norse.IAFParameters(v_th=torch.full((9,), 1.0)))
    of_norse("norse_if", [scaled(torch.nn.Linear(10, 9), 2.0), integrate], raster(10), 1.0)
    read = norse.LIBoxCell(norse.LIBoxParameters(tau_mem_inv=torch.full((4,), 100.0), v_leak=torch.zeros(4)))
    layers = [scaled(torch.nn.Linear(12, 20), 15.0), boxes(20), torch.nn.Linear(20, 4), read]
    of_norse("norse_readout", layers, raster(12), 1.0, key="v")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20)
    snntorch_models()
    norse_models()
