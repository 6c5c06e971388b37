"""Floor 1: elements, suppliers, concentration, controls, stocks and shocks."""
