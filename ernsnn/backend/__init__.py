"""What a backend is built from: the protocol, capabilities, engines that run step by step, and programs."""
