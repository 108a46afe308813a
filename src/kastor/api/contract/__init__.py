"""The operations of Azure Digital Twins' data plane."""
