"""``python -m ernsnn``: the command line."""

import sys

from ernsnn.cli import main

sys.exit(main())
