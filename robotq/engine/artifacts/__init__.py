"""What commands leave behind besides their result: pictures, for example."""
