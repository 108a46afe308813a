"""The explorer: the server's part of the web app, which is files, a page and what it is told.

Only files that exist have an address: a request's path is looked up among their names and never
becomes a path of a file (`files`). Every other path is the page's own (`page`), since the app has
addresses of its own below it.
"""
