"""The three methods, the backbone they share, and the coreset: NumPy and PyTorch only."""
