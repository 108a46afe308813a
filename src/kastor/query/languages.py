"""Which language a text is in, where a request says so: else its first word does (decisions 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.errors import BadRequest
from kastor.lang import parse
from kastor.lang.cypher import is_cypher, parse_cypher

if TYPE_CHECKING:
    from kastor.query.settings import QuerySettings

ADT, CYPHER = "adt", "cypher"


def require_language(text: str, language: object, settings: QuerySettings) -> None:
    """Refuse a text of another language than the body's member `language` names.

    No text is one of both languages, so there is nothing else to do about it.

    Raises:
        BadRequest: there is no such language, or it is switched off.
        QueryError: the text is in the other one; the message is that of the language asked for.
    """
    if language not in {ADT, CYPHER}:
        raise BadRequest(f"language must be {ADT!r} or {CYPHER!r}.")
    if language == CYPHER and not settings.cypher:
        raise BadRequest("Cypher is switched off on this server (setting cypher).")
    if len(text) <= settings.max_text and is_cypher(text) is not (language == CYPHER):
        (parse_cypher if language == CYPHER else parse)(text)
        raise BadRequest(f"The text is not one of the language {language}.")
