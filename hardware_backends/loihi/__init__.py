"""The Loihi backends: a graph becomes a network of integers, run by an emulator, by Lava's simulator, or on the
chip."""
