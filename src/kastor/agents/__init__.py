"""What language models are served: tools over one graph whose every answer is bounded.

In the order in which a call passes them:

- `caller`: who asks, on which graph, with which rights: the one place where rules by twin enter;
- `arguments`: what each tool takes, with its bounds; `catalogue`: the tools, and who sees which;
- `calling`: finds the tool, reads its arguments, keeps to the time, tells what went wrong;
- ``tools/``: the tools, each a read of the same services as REST;
- `shortening`, `fitting`, `plain`: long values, rows that fit, texts in which nothing is hidden;
- `cursors`: where an answer goes on, at the same instant and for the same caller;
- `protocol`: all that as a server of the Model Context Protocol. It alone imports `mcp`, an extra.
"""
