"""Floor 2: process nodes, wafers, yield, dies, packaging, HBM, capacity and lead times."""
