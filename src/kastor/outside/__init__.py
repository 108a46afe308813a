"""What everything that reaches outside the server keeps to: bounds, secrets, trust, holding."""
