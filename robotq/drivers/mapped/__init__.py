"""What drivers share whose commands an operator has mapped in YAML: a robot behind a bridge, a
server or a PLC, a device that answers a line."""
