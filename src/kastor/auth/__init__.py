"""Who asks, and what they may do.

`roles` has the permissions of the contract and the roles that grant them; `tokens` keeps and
checks the file of hashed static tokens.
"""
