"""Izhikevich's neuron."""

from ernsnn.describe.neurons.neuron import of_the_library

Izhikevich = of_the_library(
    "Izhikevich",
    """
    dV/dt = 0.04*V**2 + 5*V + 140 - u + i_offset_nA
    du/dt = a*(b*V - u)
    """,
    parameters={"a": 0.02, "b": 0.2, "c_mV": -65.0, "d": 2.0, "v_init_mV": -70.0, "i_offset_nA": 0.0},
    receptors={"E": "V += w", "I": "V -= w"},
    units={"E": "mV", "I": "mV"},
    initial={"u": "b*v_init_mV"},
    threshold="V >= 30.0",
    reset="V = c_mV; u += d",
    method="rk4",
)
Izhikevich.__doc__ = r"""Izhikevich's neuron (2003, IEEE Transactions on Neural Networks 14:1569; PyNN's Izhikevich).

.. math:: dV/dt = 0.04 V^2 + 5 V + 140 - u + I, \qquad du/dt = a (b V - u)

V >= 30 mV is a spike: V becomes c, u grows by d. V is in mV, time in ms; a current of 1 nA moves V by 1 mV/ms, as
through a capacitance of 1 nF. A spike that arrives moves V by its weight, in mV, and is seen by the next step.
Parameters: ``a`` in 1/ms, ``b`` and ``d`` in mV/ms per mV and mV/ms, ``c_mV``. Probes are v_mV and u. By Runge and
Kutta's method of fourth order, a step of dt at a time: choose dt of .5 ms or less.
"""
