"""The emulator: Loihi's arithmetic as Lava's fixed-point simulator has it, bit for bit, compiled by Numba."""
