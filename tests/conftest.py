"""What Hypothesis draws: the same examples in every `make test`, others each time in `make test-all`."""

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("other", derandomize=False, print_blob=True)
settings.load_profile("same")
