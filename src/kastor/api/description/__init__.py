"""What describes the API to people and programs: OpenAPI, schemas, the pages below /docs."""
