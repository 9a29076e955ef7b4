"""Programs before and after their run: handed in, summed up, where they stopped."""
