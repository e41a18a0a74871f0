"""Who is signed in, as SQL. Tokens come hashed."""

from dataclasses import asdict

from sqlite_utils import Database

from bot.model import Login


def redeem(db: Database, token_hash: str, at: float) -> bool:
    return db.execute("INSERT INTO redeemed VALUES (?, ?) ON CONFLICT DO NOTHING", (token_hash, at)).rowcount == 1


def open_login(db: Database, token_hash: str, login: Login) -> None:
    db.execute(
        """
        INSERT INTO logins (token_hash, name, role, session, expires_at)
        VALUES (:token_hash, :name, :role, :session, :expires_at)
        ON CONFLICT (token_hash) DO UPDATE SET name = excluded.name, role = excluded.role, session = excluded.session,
            expires_at = excluded.expires_at
        """,
        {"token_hash": token_hash, **asdict(login)},
    )


def login(db: Database, token_hash: str, now: float) -> Login | None:
    """None where it is unknown or its time is over."""
    row = db.execute(
        "SELECT name, role, session, expires_at FROM logins WHERE token_hash = ? AND expires_at > ?", (token_hash, now)
    ).fetchone()
    return None if row is None else Login(**dict(row))


def close_login(db: Database, token_hash: str) -> None:
    db.execute("DELETE FROM logins WHERE token_hash = ?", (token_hash,))


def forget_expired(db: Database, now: float) -> None:
    db.execute("DELETE FROM logins WHERE expires_at <= ?", (now,))
