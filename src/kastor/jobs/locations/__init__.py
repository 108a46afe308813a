"""Where jobs read and write: files, `exchange/<graph>/`, and stores of objects (decisions 5)."""

from kastor.jobs.locations.allowed import JobLocationError, Root, read_allowed
from kastor.jobs.locations.faults import LocationError
from kastor.jobs.locations.forms import ByteOutput, Location, LogOutput
from kastor.jobs.locations.service import Locations

__all__ = [
    "ByteOutput",
    "JobLocationError",
    "Location",
    "LocationError",
    "Locations",
    "LogOutput",
    "Root",
    "read_allowed",
]
