"""A camera that reads codes: pictures by URL or from a file. See docs/drivers/camera.md."""
