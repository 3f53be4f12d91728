"""Networks of LIF neurons and static synapses alone: compiled kernels of all steps, and of their adjoint.

The same numbers as of the equations, step by step, up to the order of sums; the gradients are those of autograd.
"""
