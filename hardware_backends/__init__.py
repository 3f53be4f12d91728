"""Backends, one folder each; found through the entry point group ``ernsnn.backends``."""

# The root of the repository is on sys.path under `python -m pytest`: no second copy of the package from there.
if __name__ != "ernsnn.hardware_backends":
    raise ImportError(f"this folder is the package ernsnn.hardware_backends; import that, not {__name__!r}")
