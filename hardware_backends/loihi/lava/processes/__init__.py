"""Process models of ours, and nothing else: Lava executes every file that lies beside a process class."""
