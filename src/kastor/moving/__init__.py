"""What brings whole graphs and tables in and out, through `kastor.client` alone."""
