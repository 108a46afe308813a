#!/bin/sh
# Run once by the image of PostgreSQL, when it makes its folder: a role for Kastor that owns its
# database and nothing else. The superuser loses its password, so that it comes in only by the
# socket inside the container.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\set password `printenv POSTGRES_PASSWORD`
CREATE ROLE kastor LOGIN PASSWORD :'password';
CREATE DATABASE kastor OWNER kastor;
REVOKE ALL ON DATABASE kastor FROM PUBLIC;
SELECT format('ALTER ROLE %I PASSWORD NULL', current_user) \gexec
SQL
