"""Has a listening socket take no new connections, while those of its queue are still accepted.

Whoever is in the queue of a socket that is closed was told that there is a connection, and finds it
reset. Between the last look into the queue and the close there is always a moment. So the system
is first told to drop the beginnings of connections: a client repeats one after a second, and is
refused then.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys

_ATTACH_FILTER = 26
_FLAGS_OFFSET, _SYN = 13, 0x02
_LOAD_BYTE, _JUMP_IF_SET, _RETURN = 0x30, 0x45, 0x06
_PROGRAM = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (_LOAD_BYTE, 0, 0, _FLAGS_OFFSET),
        (_JUMP_IF_SET, 0, 1, _SYN),
        (_RETURN, 0, 0, 0),  # dropped
        (_RETURN, 0, 0, 0xFFFFFFFF),
    )
)
"""A classic BPF filter over the header of TCP; handshakes that have begun come to their end."""


def take_no_more(listener: socket.socket) -> None:
    """Drop what would begin a connection from now on; of all processes that share the socket.

    Where the system cannot do that, the moment stays that there is without it.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_PROGRAM, len(_PROGRAM))
    given = struct.pack("HP", len(_PROGRAM) // 8, ctypes.addressof(program))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, given)
