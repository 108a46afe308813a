"""Who asks, and what they may do.

`roles` has the permissions of the contract and the roles that grant them; `authenticator` says
what tells callers; `tokens` does, by a file of hashed static tokens.
"""
