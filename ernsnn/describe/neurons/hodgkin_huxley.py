"""The neuron of Hodgkin and Huxley, with the currents of Traub and Miles."""

from ernsnn.describe.neurons.neuron import of_the_library

HodgkinHuxley = of_the_library(
    "HodgkinHuxley",
    """
    U = V - v_offset_mV
    dV/dt = (g_leak_uS*(e_rev_leak_mV - V) + g_Na_uS*m**3*h*(e_rev_Na_mV - V) + g_K_uS*n**4*(e_rev_K_mV - V)
             + g_E*(e_rev_E_mV - V) + g_I*(e_rev_I_mV - V) + i_offset_nA)/cm_nF
    dm/dt = 1.28/exprel((13 - U)/4)*(1 - m) - 1.4/exprel((U - 40)/5)*m
    dh/dt = 0.128*exp((17 - U)/18)*(1 - h) - 4/(1 + exp((40 - U)/5))*h
    dn/dt = 0.16/exprel((15 - U)/5)*(1 - n) - 0.5*exp((10 - U)/40)*n
    dg_E/dt = -g_E/tau_syn_E_ms
    dg_I/dt = -g_I/tau_syn_I_ms
    """,
    parameters={
        "cm_nF": 0.2,
        "tau_refrac_ms": 2.0,
        "v_offset_mV": -63.0,
        "v_init_mV": "e_rev_leak_mV",
        "m_init": 0.0,
        "h_init": 1.0,
        "n_init": 0.0,
        "g_Na_uS": 20.0,
        "g_K_uS": 6.0,
        "g_leak_uS": 0.01,
        "e_rev_Na_mV": 50.0,
        "e_rev_K_mV": -90.0,
        "e_rev_leak_mV": -65.0,
        "e_rev_E_mV": 0.0,
        "e_rev_I_mV": -80.0,
        "tau_syn_E_ms": 0.2,
        "tau_syn_I_ms": 2.0,
        "i_offset_nA": 0.0,
    },
    positive=("cm_nF", "tau_syn_E_ms", "tau_syn_I_ms"),
    initial={"m": "m_init", "h": "h_init", "n": "n_init"},
    receptors={"E": "g_E += w", "I": "g_I += w"},
    units={"E": "uS", "I": "uS"},
    remember={"V_before": "V"},
    threshold="V >= v_offset_mV + 30 and V < V_before",
    refractory="tau_refrac_ms",
    held=(),
    method="rk4",
    substeps=4,
)
HodgkinHuxley.__doc__ = r"""The neuron of Hodgkin and Huxley with the currents of Traub and Miles (PyNN's HH_cond_exp).

.. math::
    c_m dV/dt = g_{leak} (e_{leak} - V) + g_{Na} m^3 h (e_{Na} - V) + g_K n^4 (e_K - V) + g_E (e_{rev,E} - V)
    + g_I (e_{rev,I} - V) + i_{offset}, \qquad dx/dt = \alpha_x(V) (1 - x) - \beta_x(V) x, \quad x \in \{m, h, n\}

The rates are those of Traub and Miles (1991) as Brette et al. (2007, J. Comput. Neurosci. 23:349) give them, with
``v_offset_mV`` as the origin of V; conductances of synapses decay with tau_syn. Weights are in uS and not negative.
A spike is a maximum of V above v_offset + 30 mV, at least tau_refrac after the last one; nothing is reset. The gates
start at m_init, h_init and n_init, by default at 0, 1 and 0, as in PyNN. Probes are v_mV, m, h, n, g_E_uS and g_I_uS.
By Runge and Kutta's method of fourth order in four parts of a step: choose dt of .1 ms or less. At .1 ms V is within
.5 mV on the upstroke, where it rises by .4 mV in a microsecond, and a sixteenth of that at half the dt.
"""
