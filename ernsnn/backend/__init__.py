"""Parts from which backends are built: the protocol, capabilities, engines that run step by step, and programs."""
