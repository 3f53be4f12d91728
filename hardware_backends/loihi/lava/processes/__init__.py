"""Process models of ernsnn. No other file may be added here: Lava executes every file beside a process class."""
