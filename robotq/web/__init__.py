"""The dashboard: plain ES modules, one page and its styles, sent as they are in these folders."""
