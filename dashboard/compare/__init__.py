"""What the compare page draws with."""
