"""What the interfaces are, as OpenAPI documents and a page."""
