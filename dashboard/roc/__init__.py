"""From finished cells to operating points."""
