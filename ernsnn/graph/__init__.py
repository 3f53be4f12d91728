"""What a backend reads: a graph of plain numbers, lowered from a network with all randomness fixed."""
