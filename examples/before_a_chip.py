"""What a chip would round, and what it could not do: told before anything is built for it."""

import ernsnn as ern

net = ern.Network(name="for a chip")
inputs = net.population("inputs", 20, ern.Poisson(40))
cells = net.population("cells", 10, ern.LIF(tau_m_ms=17, tau_refrac_ms=2, v_threshold_mV=-52))
rule = ern.stdp.pair(A_plus=0.011, A_minus=0.009, w_max=0.4)
net.projection("plastic", inputs, cells, weight_nA=0.2, delay_ms=2, learning=rule)
net.probe(cells, "v_mV")

for backend in ("loihi-emulator", "loihi2", "nest"):
    issues = ern.check(net, backend)
    print(issues)
    print(f"-> {backend} {'cannot run it' if issues.errors else 'can run it'}\n")

# What stands in the way of the chip itself has a remedy; a program is refused until then.
try:
    ern.compile(net, "loihi2", duration_ms=100, out="program")
except ern.UnsupportedOnBackend as error:
    print(str(error).splitlines()[0])
