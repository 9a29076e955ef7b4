"""A third firmware, as small as one can be: it shows what the shared classes ask for, and that they
know neither GRBL nor Marlin."""
