"""Sources, neurons and synapses; spikes as arrays."""

import ernsnn as ern

net = ern.Network(dt_ms=0.1, name="first")
inputs = net.population("inputs", 100, ern.Poisson(rate_hz=20.0))
excited = net.population("excited", 40, ern.LIF(tau_m_ms=20, tau_refrac_ms=2, v_threshold_mV=ern.Normal(-50, 1)))
calming = net.population("calming", 10, ern.LIF(tau_m_ms=10, tau_refrac_ms=1))

net.projection("drive", inputs, excited, ern.FixedProbability(0.5), weight_nA=ern.Uniform(0.1, 0.5))
net.projection("recruit", excited, calming, weight_nA=0.2, delay_ms=1.5)
net.projection("calm", calming, excited, weight_nA=0.2, receptor="inhibitory", delay_ms=1.5)
net.probe(excited[0:3], "v_mV", every_ms=1.0)

result = ern.run(net, duration_ms=500, seed=0, backend="reference")

for name, spikes in result.spike_counts.items():
    print(f"{name:8} {spikes:5} spikes")
times_ms, neurons = result.spikes("excited")
print("the first ten spikes:", [(round(float(t), 1), int(n)) for t, n in zip(times_ms[:10], neurons, strict=False)])
print("neuron 0 alone:", [round(t, 1) for t in result.trains("excited")[0][:5]])
for activity in result.metrics().activity:
    print(f"{activity.population:8} {activity.rate_hz:6.1f} Hz, intervals vary by {activity.cv_isi:.2f} (CV)")
