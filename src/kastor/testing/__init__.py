"""Kastor for other people's test suites: a real server on a free port with an empty graph.

::

    from kastor.testing import KastorServer

    with KastorServer() as kastor:
        client = DigitalTwinsClient(kastor.url, kastor.credential, ...)

With pytest the fixtures `kastor` (one server for the session) and `kastor_empty` (the same,
emptied before the test) are there without any import. See
`kastor docs how-to/test-your-code`.
"""

from __future__ import annotations

from kastor.testing.credential import AsyncStaticCredential, StaticCredential
from kastor.testing.server import KastorServer, StartError

__all__ = ["AsyncStaticCredential", "KastorServer", "StartError", "StaticCredential"]
