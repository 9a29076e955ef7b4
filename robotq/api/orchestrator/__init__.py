"""The orchestrator interface: prompts for workers of a work directory."""
