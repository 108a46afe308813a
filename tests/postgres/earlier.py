"""What makes a schema of now one of an earlier Kastor, newest first."""

from __future__ import annotations

BEFORE_PARTS = (
    "DROP TABLE {graph}.part_lost, {graph}.parts_left, {graph}.part_twins, {graph}.part_names",
    "DROP TABLE {graph}.parts",
    "ALTER TABLE {graph}.vector_indexes DROP COLUMN template",
)
BEFORE_VECTORS = (*BEFORE_PARTS, "DROP TABLE {graph}.vectors, {graph}.vector_indexes")
BEFORE_ORIGINS = (*BEFORE_VECTORS, "DROP TABLE {graph}.origins")
BEFORE_PROPOSALS = (*BEFORE_ORIGINS, "DROP TABLE {graph}.proposals")
BEFORE_SAVED = (*BEFORE_PROPOSALS, "DROP TABLE {graph}.saved")
BEFORE_HISTORY = (
    *BEFORE_SAVED,
    "DROP TABLE {graph}.instants, {graph}.setbacks, {graph}.version_blocks, {graph}.telemetry",
    "ALTER TABLE {graph}.meta DROP COLUMN history_from, DROP COLUMN history, DROP COLUMN packed_to",
    "ALTER TABLE {graph}.models DROP COLUMN change, DROP COLUMN ended_by",
    "ALTER TABLE {graph}.changes DROP COLUMN xid",
    "ALTER TABLE {graph}.log_head DROP COLUMN placed, DROP COLUMN newest, DROP COLUMN xid",
    "ALTER TABLE {graph}.twin_versions DROP COLUMN moved",
    "ALTER TABLE {graph}.relationship_versions DROP COLUMN moved",
    "DROP INDEX {graph}.relationship_versions_out, {graph}.relationship_versions_in",
)
BEFORE_JOBS = ("DROP TABLE {graph}.jobs, {graph}.job_lines, {graph}.kept_answers",)
