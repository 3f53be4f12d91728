"""What a run leaves: its recording, and readings of it by names and in milliseconds."""
