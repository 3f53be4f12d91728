"""The Lava backends: an integer network becomes a Lava script, which is run in a process of its own."""
