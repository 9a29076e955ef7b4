"""What commands of the command line share."""
