"""The sample building: models, a graph, live values and queries to try.

Everything here is pure and repeats exactly: no file is written, no clock is read. In the order in
which data passes them:

- ``ontology/``: the models, one DTDL 3 interface per file;
- `layout`: what stands where, as a table of rooms and tenants;
- `climate`: weather, people, warmth and air as functions of the time;
- `draft`: collects twins and relationships; `furnishing` adds devices to rooms;
- `building`: puts it all together: `models` and `graph`;
- `incident`: what went wrong in the hours before it was loaded;
- `simulation`: what the sensors read while time goes by;
- `queries`: examples that have an answer on this graph.
"""

from __future__ import annotations

from kastor.sample.building import graph, models
from kastor.sample.draft import SampleGraph
from kastor.sample.queries import QUERIES
from kastor.sample.simulation import SimulatedReading, Simulation

__all__ = ["QUERIES", "SampleGraph", "SimulatedReading", "Simulation", "graph", "models"]
