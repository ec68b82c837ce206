"""Starting, watching and ending an evaluation."""
