"""Queries to try on the sample building, from the first `SELECT` to a walk through the graph.

Each is a pair of a title and the text of the query. All have an answer on the graph as it is
loaded, whatever the simulation has done since, except where the title asks about this moment.
"""

from __future__ import annotations

QUERIES: tuple[tuple[str, str], ...] = (
    (
        "How many rooms are there, meeting rooms included?",
        "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:kastor:sample:Room;1')",
    ),
    (
        "Which meeting rooms have a video conference and seats for at least ten?",
        (
            "SELECT T.$dtId, T.name, T.capacity FROM DIGITALTWINS T "
            "WHERE IS_OF_MODEL(T, 'dtmi:kastor:sample:MeetingRoom;1') "
            "AND T.capacity >= 10 AND ARRAY_CONTAINS(T.amenities, 'video conference')"
        ),
    ),
    (
        "In which rooms are people right now, and how many?",
        (
            "SELECT T.$dtId, T.name, T.peopleCount FROM DIGITALTWINS T "
            "WHERE IS_OF_MODEL(T, 'dtmi:kastor:sample:Room;1') AND T.occupied = true"
        ),
    ),
    (
        "Where is it warmer than the thermostat asks for?",
        (
            "SELECT T.$dtId, T.name, T.thermostat.currentTemperature, T.thermostat.setPoint "
            "FROM DIGITALTWINS T WHERE T.thermostat.currentTemperature > T.thermostat.setPoint"
        ),
    ),
    (
        "How warm are the rooms of the second floor?",
        (
            "SELECT room.name, sensor.temperature FROM DIGITALTWINS floor "
            "JOIN room RELATED floor.hasPart JOIN sensor RELATED room.hasSensor "
            "WHERE floor.$dtId = 'floor-2' "
            "AND IS_OF_MODEL(sensor, 'dtmi:kastor:sample:TemperatureSensor;1')"
        ),
    ),
    (
        "Which rooms get their air from unit 1, through which VAV box, and how much?",
        (
            "SELECT box.$dtId AS box, room.$dtId AS room, air.flow "
            "FROM DIGITALTWINS MATCH (unit)-[:feeds]->(box)-[air:feeds]->(room) "
            "WHERE unit.$dtId = 'ahu-1'"
        ),
    ),
    (
        "What is upstream of the boardroom, up to the heat pump and the chiller?",
        (
            "SELECT machine.$dtId, machine.name "
            "FROM DIGITALTWINS MATCH (machine)-[:feeds*..3]->(room) "
            "WHERE room.$dtId = 'room-4-02'"
        ),
    ),
    (
        "Where can you get from the café through two doors?",
        (
            "SELECT goal.$dtId, goal.name "
            "FROM DIGITALTWINS MATCH (cafe)-[a:adjacentTo]-(between)-[b:adjacentTo]-(goal) "
            "WHERE cafe.$dtId = 'room-0-04' AND a.via != 'wall' AND b.via != 'wall'"
        ),
    ),
)
