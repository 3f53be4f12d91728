"""Networks in the forms of other tools: NIR, the Neuromorphic Intermediate Representation (docs/nir.md)."""
