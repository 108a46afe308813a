"""The usual way: FastAPI with dependencies and models, SQLite, one commit for each write."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import apsw
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Response
from pydantic import BaseModel

DATABASE = sys.argv[2]
app = FastAPI()
connection = apsw.Connection(DATABASE)
connection.execute("PRAGMA journal_mode = WAL").fetchall()
connection.execute("PRAGMA synchronous = FULL").fetchall()
connection.execute(
    "CREATE TABLE IF NOT EXISTS twins (id TEXT PRIMARY KEY, etag TEXT, doc TEXT)"
).fetchall()


class Operation(BaseModel):
    op: str
    path: str
    value: Any = None


def version(api_version: Annotated[str, Query(alias="api-version")]) -> str:
    return api_version


def user(authorization: Annotated[str | None, Header()] = None) -> str:
    if authorization is None:
        raise HTTPException(401)
    return authorization


@app.get("/digitaltwins/{twin_id}")
async def get_twin(
    twin_id: str,
    response: Response,
    _version: Annotated[str, Depends(version)],
    _user: Annotated[str, Depends(user)],
) -> dict[str, Any]:
    rows = connection.execute("SELECT etag, doc FROM twins WHERE id = ?", (twin_id,)).fetchall()
    if not rows:
        raise HTTPException(404)
    etag, text = rows[0]
    response.headers["etag"] = str(etag)
    document: dict[str, Any] = json.loads(str(text))
    return document


@app.patch("/digitaltwins/{twin_id}", status_code=204)
async def patch_twin(
    twin_id: str,
    operations: list[Operation],
    response: Response,
    _version: Annotated[str, Depends(version)],
    _user: Annotated[str, Depends(user)],
) -> None:
    rows = connection.execute("SELECT doc FROM twins WHERE id = ?", (twin_id,)).fetchall()
    if not rows:
        raise HTTPException(404)
    document = json.loads(str(rows[0][0]))
    for operation in operations:
        name = operation.path[1:]
        document[name] = operation.value
        document["$metadata"][name] = {"lastUpdateTime": datetime.now(UTC).isoformat()}
    etag = f'W/"{uuid.uuid4()}"'
    with connection:
        connection.execute(
            "UPDATE twins SET etag = ?, doc = ? WHERE id = ?",
            (etag, json.dumps(document), twin_id),
        ).fetchall()
    response.headers["etag"] = etag


@app.put("/load")
async def load(twins: list[dict[str, Any]]) -> int:
    with connection:
        for twin in twins:
            connection.execute(
                "INSERT OR REPLACE INTO twins VALUES (?, ?, ?)",
                (twin["$dtId"], f'W/"{uuid.uuid4()}"', json.dumps(twin)),
            ).fetchall()
    return len(twins)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
