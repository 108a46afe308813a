"""What goes wrong at a location, in words for whoever looks at the job."""

from __future__ import annotations


class LocationError(Exception):
    """What a job was to read or write is missing, refused, taken, or cannot be reached.

    Its text is a sentence for people without secrets; a job ends with it (rest-api B.6).
    """
