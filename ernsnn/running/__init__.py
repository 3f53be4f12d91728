"""Running a graph on a backend: in memory or into a folder, interrupted, resumed and gone on from."""
