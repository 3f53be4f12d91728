"""Exit codes of the command line; errors of ernsnn carry their own (``ErnsnnError.exit_code``)."""

DONE, OTHER, USAGE, UNSUPPORTED, MISMATCH = 0, 1, 2, 3, 4
