"""What the trade-off page draws with."""
