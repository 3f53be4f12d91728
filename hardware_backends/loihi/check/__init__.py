"""What a network meets on Loihi: features that it has not, numbers that overflow, and the chip's own limits."""
