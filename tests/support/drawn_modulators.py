"""Third factors of random networks (see strategies.py, whose builder draws them)."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import ernsnn
from ernsnn import ThirdFactor


def modulator(build, name: str, pre, post):
    """A third factor, and whose neurons' values it has ("all", "pre" or "post")."""
    per = build.draw(st.sampled_from(build.options["third_factor_sides"]))
    side = {"pre": pre, "post": post, "all": build.draw(st.sampled_from([pre, post]))}[per]
    kind = build.draw(st.sampled_from(build.options["modulators"]))
    heard = [side, pre] if per == "all" and pre.name != side.name else [side]
    if kind == "calcium":
        made = calcium(build, name, heard, "domain" if per == "all" else "neuron")
    elif kind == "astrocyte":
        thresholds = {}
        if build.draw(st.booleans()):
            thresholds["threshold"] = build.number(0.3, 1.5)
            if build.draw(st.booleans()):
                thresholds["threshold_off"] = build.number(0.1, 0.3)
        weight, bias = build.number(0.2, 0.5), build.draw(st.sampled_from([0.0, build.number(-0.2, 0.2)]))
        made = build.network.astrocyte(
            name,
            heard,
            tau_ms=build.number(2, 15) * build.dt,
            weight=build.draw(st.sampled_from([weight, [weight, -0.3 * weight][: len(heard)]])),
            bias=bias,
            initial=build.draw(st.sampled_from([None, build.number(0, 0.5)])),
            per="domain" if per == "all" else "neuron",
            **thresholds,
        )
    else:
        times = np.array([2, 20, 45, 80]) * build.dt
        values = build.rng.uniform(-0.5, 1.5, (4,) if per == "all" else (4, side.size))
        values[1], values[2] = 0.0, np.abs(values[2])  # what is never above 0 would drive no latch, and be refused
        made = build.network.signal(name, times_ms=times, values=values)
    if build.options["probes"]:
        for variable in ("C", "I", "h", "Gamma_A", "Y") if kind == "calcium" else ():
            build.network.probe(made, variable)
    if kind != "signal" and build.on("agreement"):
        made = gate(build, name, made, pre)
    if build.on("either"):
        times, values = np.array([10, 60]) * build.dt, [build.number(0, 1.0), 0.0]
        other = build.network.signal(f"{name}_other", times_ms=times, values=values)
        made = build.network.either(f"{name}_either", [made, other])
    if build.options["probes"]:
        build.network.probe(made, "value")
    return (made if per == "all" else ThirdFactor(modulator=made, per=per)), per


def gate(build, name: str, first, pre):
    """Open while ``first`` and a second astrocyte agree."""
    tau = build.number(3, 12) * build.dt
    second = build.network.astrocyte(f"{name}_second", [pre], tau_ms=tau, weight=build.number(0.4, 1.2))
    opens = {first: build.number(0.2, 0.5), second: build.number(0.2, 0.5)}
    stays = {made: build.number(0.3, 0.9) * level for made, level in opens.items()}
    return build.network.gate(f"{name}_gate", opens=opens, stays=build.draw(st.sampled_from([None, stays])))


def calcium(build, name: str, heard, per: str):
    """Astrocytes fast enough to do something within STEPS steps, and with little enough transmitter to follow."""
    speed = build.number(10, 30) / build.dt
    given, released = {}, {"release_uM": build.number(1, 3), "tau_transmitter_ms": build.number(2, 8) * build.dt}
    if build.draw(st.booleans()):
        size = 1 if per == "domain" else heard[0].size
        shape = build.draw(st.sampled_from([(3,), (3, size)]))
        given = {"transmitter_uM": ernsnn.Schedule(np.array([5, 30, 60]) * build.dt, build.rng.uniform(0, 9, shape))}
        if build.draw(st.booleans()):
            heard, released = (), {}
    if build.draw(st.booleans()):
        given |= {"threshold": build.number(0.3, 0.6), "threshold_off": build.number(0.1, 0.3)}
    return build.network.calcium_astrocyte(
        name,
        heard,
        per=per,
        integration=build.draw(st.sampled_from(["rk4", "euler"])),
        initial_C_uM=build.number(0.05, 0.5),
        initial_I_uM=build.number(0.1, 0.8),
        initial_Gamma_A=build.number(0, 1),
        I_bias_uM=build.draw(st.sampled_from([0.0, 0.05])),
        Omega_C_per_s=6 * speed,
        Omega_L_per_s=0.1 * speed,
        O_P_uM_per_s=0.9 * speed,
        O_2_per_uM_s=0.2 * speed,
        O_N_per_uM_s=0.1 * speed,
        O_beta_uM_per_s=5 * speed,
        O_3K_uM_per_s=4.5 * speed,
        F_ex_uM_per_s=0.09 * speed,
        **given,
        **released,
    )
