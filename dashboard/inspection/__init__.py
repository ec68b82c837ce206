"""What the inspect page draws with: new pictures through finished cells."""
