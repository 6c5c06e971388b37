"""Floor 8: trainer loop, optimisers, schedules, guard and checkpoints."""
