"""The Technology Compatibility Kit of openCypher, run against Kastor: `python3 dev tck`.

The way of a scenario: `gherkin` reads a feature file, `scenarios` tells what is asked and why one
is left out, `creation` parses what its setup creates, `typed` makes models and twins of that,
`servers` asks, `answers` reads what comes, `comparison` judges it, `ledger` remembers.
The kit's own files stay where they are.
"""
