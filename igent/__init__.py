"""igent runs multi-agent conversations over many records and brings out validated JSON."""
