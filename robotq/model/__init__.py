"""The words of robotq: frozen records, enums, the transition table, errors, clocks. No I/O."""
