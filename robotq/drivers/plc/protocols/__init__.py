"""What carries the nodes of a station: Modbus, OPC UA, S7."""
