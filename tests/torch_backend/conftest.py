"""One thread of torch: with more, the small products of these tests wait for each other on busy machines."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
