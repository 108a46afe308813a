"""Mixed load for a long time, while servers, brokers and databases die and come back."""
