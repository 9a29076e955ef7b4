"""A whole site in bad weather, and who judges it: `campaign`."""
