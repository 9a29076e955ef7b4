"""What goes on by itself: looking after the disk, the clock, the journal's log and what is old."""
