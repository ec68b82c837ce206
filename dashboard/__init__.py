"""What the pages draw with: cached loaders, panels, the sidebar, texts in two languages."""
