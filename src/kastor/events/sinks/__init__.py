"""Ways to the brokers; each module needs its client library and is imported when it is used."""
