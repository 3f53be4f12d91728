"""Models, a module or package each with ``build(**params) -> Network``; entry points name them."""

# The root of the repository is on sys.path under `python -m pytest`: no second copy of the package from there.
if __name__ != "ernsnn.models":
    raise ImportError(f"this folder is the package ernsnn.models; import that, not {__name__!r}")

from .ca3_memory import CA3Memory

__all__ = ["CA3Memory"]
