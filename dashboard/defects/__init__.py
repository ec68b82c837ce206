"""What the defect types page draws with."""
