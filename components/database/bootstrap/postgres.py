"""Steps inside PostgreSQL: roles, passwords, databases, extensions, and settings brought into effect.

Statements go to psql by standard input. A password never does: only its SCRAM verifier, computed here, so that neither
the server's log nor ``pg_stat_statements`` can ever hold one in clear.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from components.bootstrap.host import Host
from components.bootstrap.report import Failure

ITERATIONS = 4096  # PostgreSQL's own default (scram_iterations)


def scram_verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """What PostgreSQL stores for a password under SCRAM-SHA-256 (RFC 5803; ``SCRAM-SHA-256$i:salt$stored:server``)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored_key)}:{b64(server_key)}"


def verifier_matches(verifier: str, password: str) -> bool:
    """Whether a stored verifier is one of this password."""
    try:
        scheme, rest, _keys = verifier.split("$")
        iterations, salt = rest.split(":")
        if scheme != "SCRAM-SHA-256":
            return False
        return hmac.compare_digest(scram_verifier(password, base64.b64decode(salt), int(iterations)), verifier)
    except ValueError:
        return False


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def identifier(name: str) -> str:
    """A name quoted for SQL: ``medusa-production`` needs it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def psql(host: Host, statements: str, database: str = "postgres") -> str:
    """Run statements as the superuser over the local socket; returns the rows, one a line, unaligned."""
    return host.run(
        ["runuser", "-u", "postgres", "--", "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database],
        stdin=statements,
        env={"PGOPTIONS": "-c client_min_messages=warning"},
        timeout=120,
        fix="look at `journalctl -t postgres` on the server.",
    ).stdout.strip()


def role(host: Host, name: str, password: str) -> bool:
    """A role that may log in with this password and nothing else; its rights come from owning its database."""
    host.report.begin(f"database role {name}")
    if not password.isascii():
        raise Failure(f"the password of {name} has characters beyond ASCII", "generate one with `secrets generate`.")
    stored = psql(host, f"SELECT coalesce(rolpassword, '-') FROM pg_authid WHERE rolname = {literal(name)};")
    if verifier_matches(stored, password):
        return host.report.ok()
    verifier = scram_verifier(password, secrets.token_bytes(16))
    verb = "ALTER" if stored else "CREATE"
    psql(
        host,
        # Not even the verifier belongs in a log, should the statement fail or be slow.
        "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';\n"
        f"{verb} ROLE {identifier(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION "
        f"PASSWORD {literal(verifier)};",
    )
    return host.report.changed("password changed" if stored else "created")


def database(host: Host, name: str, owner: str) -> bool:
    """A database that its owner alone (and the superuser) may connect to."""
    host.report.begin(f"database {name}")
    found = psql(
        host,
        "SELECT pg_get_userbyid(datdba), "
        "EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0) "
        f"FROM pg_database WHERE datname = {literal(name)};",
    )
    if found == f"{owner}|f":
        return host.report.ok()
    if not found:
        psql(host, f"CREATE DATABASE {identifier(name)} OWNER {identifier(owner)};")
    psql(
        host,
        f"ALTER DATABASE {identifier(name)} OWNER TO {identifier(owner)};\n"
        f"REVOKE ALL ON DATABASE {identifier(name)} FROM PUBLIC;",
    )
    return host.report.changed("owner and rights set" if found else "created")


def extension(host: Host, name: str, database: str) -> bool:
    host.report.begin(f"extension {name} in {database}")
    if psql(host, f"SELECT 1 FROM pg_extension WHERE extname = {literal(name)};", database):
        return host.report.ok()
    psql(host, f"CREATE EXTENSION {identifier(name)};", database)
    return host.report.changed("created")
