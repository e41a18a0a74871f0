"""The address of a PostgreSQL database: as people may read it, and which part of it is wrong where it leads nowhere."""

import re
from collections.abc import Mapping

import psycopg
from psycopg import conninfo

from bot.errors import StoreError

FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_ESCAPES = "in a user or a password write @ as %40, : as %3A, / as %2F, # as %23 and % as %25"


def is_postgres(address: str) -> bool:
    return address.startswith(("postgresql://", "postgres://"))


def parts(address: str) -> Mapping[str, str]:
    """What psycopg connects with, by libpq's names. Raises `StoreError`, whose text quotes nothing: where an address is
    taken apart wrongly, any part of it may be the password."""
    if not is_postgres(address):
        raise StoreError(f"the database's address cannot be read; it is {FORM}")
    authority, slash, path = re.split("://", address, maxsplit=1)[1].partition("/")
    if authority.count("@") > 1 or (slash and "@" in path.partition("?")[0]):
        raise StoreError(f"the database's address has an @ too many; {_ESCAPES}")
    try:
        found = {key: str(value) for key, value in conninfo.conninfo_to_dict(address).items()}
    except psycopg.ProgrammingError as error:
        if "percent-encoded" in str(error):
            raise StoreError(f"the database's address has a % that is none of {_ESCAPES}") from None
        if "query parameter" in str(error):
            raise StoreError(
                "the database's address has something behind its ? that PostgreSQL does not know"
            ) from None
        raise StoreError(f"the database's address cannot be read; it is {FORM}") from None
    for port in filter(None, found.get("port", "").split(",")):
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise StoreError("the port in the database's address is no number from 1 to 65535; it is in " + FORM)
    return found


def shown(address: str) -> str:
    """An address as logs, errors and a terminal may have it: without its password."""
    try:
        given = parts(address)
    except StoreError:
        return "postgresql://…"
    user = f"{given['user']}@" if given.get("user") else ""
    port = f":{given['port']}" if given.get("port") else ""
    host = given.get("host", "")
    socket = f"?host={host}" if host.startswith("/") else ""
    return f"postgresql://{user}{'' if socket else host}{port}/{given.get('dbname', '')}{socket}"


def refusal(error: Exception, address: str) -> StoreError:
    """Why there is no connection, by the part of the address that must be looked at. Its text holds no password."""
    given, said = parts(address), " ".join(str(error).split())
    host, port = given.get("host") or given.get("hostaddr") or "localhost", given.get("port") or "5432"
    at = f"the socket in {host}" if host.startswith("/") else f"{host}, port {port}"
    user = given.get("user", "")
    name, named = given.get("dbname") or user, f" {user}" if user else ""
    for pattern, text in (
        ("database .* does not exist", f"there is no database {name} on the server; create it: createdb {name}"),
        ("role .* does not exist", f"the server knows no user{named}; look at the user in the address"),
        ("no password supplied", f"the server wants a password of the user{named}; put it into the address"),
        ("password authentication failed", f"the server does not take this password of the user{named}"),
        (
            "(Peer|Ident|authentication) .*failed",
            f"the server does not let the user{named} in; look at its pg_hba.conf",
        ),
        (
            "no pg_hba.conf entry",
            f"the server does not let the user{named} in from this machine; look at its pg_hba.conf",
        ),
        ("permission denied for database", f"the user{named} may not use this database; let the user own it"),
        ("too many clients|connection slots", "PostgreSQL has no connection left; raise its max_connections"),
        ("is starting up|shutting down|recovery", "PostgreSQL is starting or stopping; try again in a moment"),
        ("resolve host|translate host", f"nobody knows a machine {host}; look at the host in the address"),
        ("No such file or directory", f"there is no PostgreSQL at {at}; look at the host in the address"),
        ("Permission denied", f"this user of the machine may not use {at}; look at its permissions"),
        ("refused", f"nothing listens at {at}; start PostgreSQL, or look at host and port in the address"),
        ("SSL negotiation|authentication request", f"what listens at {at} is no PostgreSQL; look at host and port"),
        (
            "does not support SSL",
            "the server speaks no TLS; set sslmode=disable in the address if its network is yours",
        ),
        ("certificate", "the server's certificate is not accepted; look at sslmode and sslrootcert in the address"),
        ("time(d )?out|no answer", f"{at} does not answer; look at host and port in the address, and at firewalls"),
        ("unreachable|No route", f"there is no way to {at}; look at the host in the address, and at the network"),
        ("closed the connection", f"{at} hung up: PostgreSQL is stopping, or it is something else"),
    ):
        if re.search(pattern, said):
            return _told(address, text)
    password = given.get("password")
    said = said.rpartition("FATAL: ")[2].strip()
    return _told(address, said.replace(password, "…") if password else said)


def _told(address: str, why: str) -> StoreError:
    return StoreError(f"the database {shown(address)} cannot be used: {why}")
