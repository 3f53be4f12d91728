"""Measurements on results: activity, counts, energy, comparisons, pictures and exports."""
