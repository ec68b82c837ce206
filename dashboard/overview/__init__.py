"""What the overview page draws with."""
