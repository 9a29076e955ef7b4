"""One request: from the route table to the answer."""
