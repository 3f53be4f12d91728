"""The Loihi backends: a graph becomes a network of integers, run by an emulator, Lava's simulator, or the chip."""
