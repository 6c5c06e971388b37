"""Floor 3: accelerators, roofline, memory, and this machine measured."""
