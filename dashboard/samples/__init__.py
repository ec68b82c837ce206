"""What the samples page draws with: sample sets, picker, gallery, large view."""
