"""Benchmarks of ``ernsnn bench``, side by side with other simulators where these are installed."""

# The root of the repository is on sys.path under `python -m pytest`: no second copy of the package from there.
if __name__ != "ernsnn.benchmarks":
    raise ImportError(f"this folder is the package ernsnn.benchmarks; import that, not {__name__!r}")
