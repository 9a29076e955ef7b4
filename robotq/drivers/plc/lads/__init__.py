"""Programs of LADS units over OPC UA as commands of a station."""
