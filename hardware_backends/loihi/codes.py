"""Every issue code of the Loihi backends, what it means, and how much it matters. The one table of them."""

from __future__ import annotations

from ernsnn.backend.issues import Codes

CODES: Codes = {
    # L1xx: rounded, or done a little differently
    "L101": ("approximate", "a decay of voltages or currents is a whole number of 4096ths"),
    "L102": ("approximate", "a threshold is a whole number"),
    "L103": ("approximate", "an offset current is a mantissa with one exponent for a population"),
    "L104": ("approximate", "weights have 8 bits and an exponent; learning ones all 8 bits for their range"),
    "L105": ("approximate", "a learning coefficient is one or two of m * 2^e, m from -7 to 7, e from -7 to 8"),
    "L106": ("approximate", "a factor of a learning rule is a variable plus a whole number, in 7 to 9 bits"),
    "L107": ("approximate", "a trace has 7 bits: it is rounded at random as it decays, and saturates"),
    "L108": ("approximate", "epochs are 1, 2, 4, ... 512 steps"),
    "L109": ("approximate", "initial weights of plastic synapses, and marks, are whole numbers"),
    "L110": ("approximate", "events of one step are taken in another order, or read other values"),
    "L111": ("approximate", "an astrocyte is a leaky integrator of whole numbers"),
    "L112": ("approximate", "a parameter is too small for its integers: it rounds to 0, or never decays"),
    "L113": ("approximate", "a learning step is smaller than one level: only its mean over many is kept"),
    "L114": ("approximate", "what the rounding does to a potential and to a spike time, predicted"),
    "L115": ("approximate", "a stable mark and its labile tag share one field, and are simplified for it"),
    "L116": ("approximate", "V and I are truncated in every step, and V spikes above its threshold, not at it"),
    # L2xx: not to be had
    "L202": ("unsupported", "intrinsic plasticity"),
    "L203": ("unsupported", "membrane noise"),
    "L204": ("unsupported", "a lowest voltage"),
    "L205": ("unsupported", "a reset or initial voltage other than that of rest"),
    "L206": ("unsupported", "a parameter that differs within a population"),
    "L207": ("unsupported", "two time constants of synaptic currents at one population"),
    "L208": ("unsupported", "injected currents and modulated neurons"),
    "L209": ("unsupported", "phases without learning"),
    "L210": ("unsupported", "leaky astrocytes other than one for all, with one weight above 0 and no resting level"),
    "L211": ("unsupported", "plastic synapses of several delays, or several of one pair of neurons"),
    "L212": ("unsupported", "more traces than there are"),
    "L213": ("unsupported", "more than one mark (or a stable one and its tag), or a mark without bounds"),
    "L214": ("unsupported", "a product of too many factors"),
    "L215": ("unsupported", "a bistable flow (Latch) beside more than its tag, or with a budget"),
    "L216": ("unsupported", "normalisation"),
    "L217": ("unsupported", "transmitting anything but the weight"),
    "L218": ("unsupported", "bounds of a weight that are no range of integers"),
    "L219": ("unsupported", "a trace that a third factor gates"),
    "L220": ("unsupported", "a probe of what the chip does not hold"),
    "L221": ("unsupported", "short-term plasticity"),
    # L3xx: limits of size
    "L301": ("unsupported", "a delay is too long"),
    "L302": ("unsupported", "a threshold or an offset current is out of range"),
    "L303": ("approximate", "what sources send makes the current wrap around, or cuts V off below"),
    "L304": ("unsupported", "a weight matrix is too large to be written out"),
    "L305": ("unsupported", "a refractory time is too long"),
    "L306": ("exact", "which cores of a chip it takes, and what fills them"),
    "L307": ("exact", "more than one chip holds, or than a core can be wired to"),
    "L308": ("exact", "the current could wrap around, or V be cut off, if neurons spiked as often as they can"),
    "L309": ("unsupported", "a number so large or so small that no integers can be chosen for it"),
    "L310": ("unsupported", "more memory than there is"),
    # L4xx: on Lava's simulator, and not, or not quite, on the chip itself (backend "loihi2")
    "L401": ("unsupported", "refractory neurons"),
    "L402": ("unsupported", 'learning before transmitting (order="spinnaker")'),
    "L403": ("approximate", "post spikes are learnt from at once"),
    "L404": ("unsupported", "astrocytes"),
    "L405": ("unsupported", "plastic synapses between some of the neurons of two populations"),
    "L406": ("unsupported", "probes"),
    "L407": ("exact", "what runs beside the chip: the host sends spikes"),
    "L408": ("unsupported", "more than one chip holds"),
    # L5xx: not in Lava's floating-point models (backend "lava-float")
    "L501": ("unsupported", "learning"),
}
