"""The tables, as numbered steps. Each runs in one transaction together with its record, so a crash leaves no half.

A step that was released is never edited; the next change of the schema is the next number.
"""

from sqlite_utils import Database, Migrations

from bot.accounts import name_key
from bot.errors import StoreError

steps = Migrations("floormic")


def migrate(db: Database) -> None:
    """Bring a database to this program's schema. Raises `StoreError` for one that a newer program wrote."""
    known = {step.name for step in steps.pending(db)} | {step.name for step in steps.applied(db)}
    newer = known - {step.name for step in steps._migrations}
    if newer:
        raise StoreError(
            f"this database was written by a newer floormic (it has {', '.join(sorted(newer))}); "
            "update floormic or use another database"
        )
    steps.apply(db)


@steps(name="0001_hall")
def _hall(db: Database) -> None:
    """Everything of a hall: what came in, what was decided, the queue, the ledger, what is to be said, who is in.

    - messages: the inbox. `question` is the group a message is in now, before `merged_into` is followed; `placed` is 1
      once the pipeline decided about it.
    - placements: the decision made when the message arrived; never changed. `founded` is 1 where it founded its group.
    - vectors: little-endian float32, apart from the placements so that reading a decision does not drag them along.
    - questions: `merged_into` always names the final group. `removed` is 1 where undo took the founding back; the row
      stays so that watchers learn of it. `at` is when it was founded. `revision`: see `revisions`.
    - revisions: the newest revision number of each session's queue.
    - actions: the ledger, append-only; an action is undone when another one `undoes` it, at most once.
    """
    db.executescript(
        """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY, title TEXT NOT NULL, series TEXT NOT NULL, speaker TEXT NOT NULL,
            starts_at REAL, ended_at REAL, course TEXT NOT NULL, language TEXT NOT NULL, review INTEGER NOT NULL,
            grouping TEXT NOT NULL, answers TEXT NOT NULL, acknowledgements TEXT NOT NULL
        ) STRICT;

        CREATE TABLE questions (
            id TEXT PRIMARY KEY, session TEXT NOT NULL, title TEXT NOT NULL, original TEXT NOT NULL,
            status TEXT NOT NULL, pinned INTEGER NOT NULL, labels TEXT NOT NULL, merged_into TEXT NOT NULL,
            reason TEXT NOT NULL, answer TEXT, rejected TEXT NOT NULL,
            at REAL NOT NULL, removed INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX questions_by_revision ON questions (session, revision);
        CREATE INDEX questions_by_merge ON questions (merged_into) WHERE merged_into != '';

        CREATE TABLE revisions (session TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT;

        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, source TEXT NOT NULL,
            external_id TEXT NOT NULL, author TEXT NOT NULL, author_name TEXT NOT NULL, text TEXT NOT NULL,
            at REAL NOT NULL, address TEXT, explicit INTEGER NOT NULL,
            question TEXT REFERENCES questions (id), placed INTEGER NOT NULL DEFAULT 0,
            UNIQUE (session, source, external_id)
        ) STRICT;
        CREATE INDEX messages_pending ON messages (session, id) WHERE placed = 0;
        CREATE INDEX messages_by_question ON messages (question) WHERE question IS NOT NULL;
        CREATE INDEX messages_by_author ON messages (session, source, author);

        CREATE TABLE placements (
            message INTEGER PRIMARY KEY REFERENCES messages (id), asking INTEGER NOT NULL, probability REAL NOT NULL,
            reason TEXT NOT NULL, question TEXT, similarity REAL, suggested TEXT, answer TEXT, founded INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX placements_by_suggested ON placements (suggested) WHERE suggested IS NOT NULL;

        CREATE TABLE vectors (
            message INTEGER PRIMARY KEY REFERENCES placements (message), vector BLOB NOT NULL
        ) STRICT;

        CREATE TABLE votes (
            question TEXT NOT NULL REFERENCES questions (id), source TEXT NOT NULL, person TEXT NOT NULL,
            name TEXT NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (question, source, person)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX votes_by_person ON votes (source, person);

        CREATE TABLE actions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, at REAL NOT NULL, who TEXT NOT NULL,
            what TEXT NOT NULL, change TEXT NOT NULL, undoes INTEGER UNIQUE REFERENCES actions (id)
        ) STRICT;
        CREATE INDEX actions_by_session ON actions (session, id);

        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, session TEXT NOT NULL,
            address TEXT NOT NULL, text TEXT NOT NULL, buttons TEXT NOT NULL, not_before REAL NOT NULL,
            state TEXT NOT NULL, attempts INTEGER NOT NULL, sent_id TEXT NOT NULL, error TEXT NOT NULL
        ) STRICT;
        CREATE INDEX deliveries_waiting ON deliveries (id) WHERE state = 'waiting';
        CREATE INDEX deliveries_by_session ON deliveries (session, id);

        CREATE TABLE cursors (source TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
        CREATE TABLE redeemed (token_hash TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
        CREATE TABLE logins (
            token_hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, session TEXT NOT NULL,
            expires_at REAL NOT NULL
        ) STRICT;
        """
    )


@steps(name="0002_corrections_and_reasons")
def _corrections_and_reasons(db: Database) -> None:
    """questions: `apart` names those that a person said are other questions. placements: `reasons` as JSON."""
    db.executescript(
        """
        ALTER TABLE questions ADD COLUMN apart TEXT NOT NULL DEFAULT '[]';
        CREATE INDEX questions_kept_apart ON questions (session) WHERE apart != '[]';
        ALTER TABLE placements ADD COLUMN reasons TEXT NOT NULL DEFAULT '{}';
        """
    )


@steps(name="0003_parts")
def _parts(db: Database) -> None:
    """messages: `part` counts from 1 where a message asks several things; later ones add it to `external_id`."""
    db.executescript("ALTER TABLE messages ADD COLUMN part INTEGER NOT NULL DEFAULT 1;")


@steps(name="0004_encoder")
def _encoder(db: Database) -> None:
    """encoder: one row, the fingerprint of what made `vectors`. Without it that is not known."""
    db.executescript("CREATE TABLE encoder (fingerprint TEXT NOT NULL) STRICT;")


@steps(name="0005_one_reason")
def _one_reason(db: Database) -> None:
    """placements: the one line `reason` is gone, `reasons` say it."""
    db.executescript("ALTER TABLE placements DROP COLUMN reason;")


@steps(name="0006_sources")
def _sources(db: Database) -> None:
    """sources: how each one stands. outages: when it did not hear its chat; `ended` is null while that lasts."""
    db.executescript(
        """
        CREATE TABLE sources (
            source TEXT PRIMARY KEY, state TEXT NOT NULL, since REAL NOT NULL, alive_at REAL NOT NULL,
            connects INTEGER NOT NULL, trouble TEXT NOT NULL, chat_minute INTEGER NOT NULL,
            chat_hour INTEGER NOT NULL, minute_limit INTEGER NOT NULL, hour_limit INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE outages (
            source TEXT NOT NULL, began REAL NOT NULL, ended REAL, why TEXT NOT NULL, filled INTEGER NOT NULL,
            PRIMARY KEY (source, began)
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0007_links")
def _links(db: Database) -> None:
    """links: this person is the human `owner`, as they said. link_codes: what they say it with; good once."""
    db.executescript(
        """
        CREATE TABLE links (
            source TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
            owner_source TEXT NOT NULL, owner TEXT NOT NULL,
            PRIMARY KEY (source, person)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX links_by_owner ON links (owner_source, owner);
        CREATE TABLE link_codes (
            code_hash TEXT PRIMARY KEY, owner_source TEXT NOT NULL, owner TEXT NOT NULL, expires_at REAL NOT NULL,
            used_source TEXT, used_by TEXT
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0008_watched_since")
def _watched_since(db: Database) -> None:
    """sources: from when on every outage is known."""
    db.executescript("ALTER TABLE sources ADD COLUMN watched_since REAL NOT NULL DEFAULT 0;")


@steps(name="0009_codes_by_end")
def _codes_by_end(db: Database) -> None:
    """link_codes: those that are over are found without a look at the others."""
    db.executescript("CREATE INDEX link_codes_by_end ON link_codes (expires_at);")


@steps(name="0010_reasons_and_experts")
def _reasons_and_experts(db: Database) -> None:
    """questions: `reason_shown` is 1 where askers may read why it was dismissed, `assigned` names an expert.
    sessions: `ledger` is 1 where everybody may read what was dismissed and why."""
    db.executescript(
        """
        ALTER TABLE questions ADD COLUMN reason_shown INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE questions ADD COLUMN assigned TEXT NOT NULL DEFAULT '';
        ALTER TABLE sessions ADD COLUMN ledger INTEGER NOT NULL DEFAULT 0;
        """
    )


@steps(name="0011_people")
def _people(db: Database) -> None:
    """people: who can sign in; no two have the same `name_key`. roles: one a person and session ('': all), which ends
    at `until`. invitations: one-use links, kept hashed, `grants` as JSON; `person` is '' where they make somebody new.
    logins: each belongs to a person now. deeds: who did what to whom, append-only. Whoever was signed in becomes a
    person whose role ends as their login would have."""
    db.executescript(
        """
        CREATE TABLE people (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
            at REAL NOT NULL
        ) STRICT;
        CREATE TABLE roles (
            person TEXT NOT NULL REFERENCES people (id), session TEXT NOT NULL, role TEXT NOT NULL, since REAL NOT NULL,
            until REAL, PRIMARY KEY (person, session)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE invitations (
            id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, person TEXT NOT NULL, name TEXT NOT NULL,
            grants TEXT NOT NULL, made_by TEXT NOT NULL, made_at REAL NOT NULL, expires_at REAL NOT NULL,
            used_at REAL, revoked_at REAL
        ) STRICT;
        CREATE TABLE deeds (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, who_id TEXT NOT NULL,
            what TEXT NOT NULL, whom TEXT NOT NULL, grants TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER deeds_stay BEFORE UPDATE ON deeds BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER deeds_remain BEFORE DELETE ON deeds BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

        CREATE TABLE logins_of_people (
            token_hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people (id),
            device TEXT NOT NULL, since REAL NOT NULL, used_at REAL NOT NULL, expires_at REAL NOT NULL
        ) STRICT;
        """
    )
    names: set[str] = set()
    for number, old in enumerate(db.query("SELECT token_hash, name, role, session, expires_at FROM logins"), 1):
        id, name = f"login-{number}", old["name"]
        if not name_key(name) or name_key(name) in names:
            name = f"{name} #{number}"
        names.add(name_key(name))
        db.execute("INSERT INTO people VALUES (?, ?, ?, '', 0)", (id, name, name_key(name)))
        db.execute(
            "INSERT INTO roles (person, session, role, since, until) VALUES (?, ?, ?, 0, ?)",
            (id, old["session"], old["role"], old["expires_at"]),
        )
        db.execute(
            "INSERT INTO logins_of_people VALUES (?, ?, ?, '', 0, 0, ?)", (old["token_hash"], id, id, old["expires_at"])
        )
    db.executescript(
        """
        DROP TABLE logins;
        ALTER TABLE logins_of_people RENAME TO logins;
        CREATE INDEX logins_by_person ON logins (person);
        """
    )


@steps(name="0012_sessions")
def _sessions(db: Database) -> None:
    """sessions: `configured` is what the configuration said last, as JSON ("": it never named the session). Before this
    step what it said was what stood."""
    db.executescript(
        """
        ALTER TABLE sessions ADD COLUMN configured TEXT NOT NULL DEFAULT '';
        UPDATE sessions SET configured = json_object('id', id, 'title', title, 'series', series, 'speaker', speaker,
            'starts_at', starts_at, 'course', course, 'language', language, 'review', review, 'ledger', ledger,
            'grouping', grouping, 'answers', answers, 'acknowledgements', acknowledgements);
        """
    )


@steps(name="0012_feeds")
def _feeds(db: Database) -> None:
    """feeds: the session that a person pointed a source at; `said` is what the configuration named then."""
    db.executescript(
        """
        CREATE TABLE feeds (
            source TEXT PRIMARY KEY, session TEXT NOT NULL, said TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0015_modes")
def _modes(db: Database) -> None:
    """placements: what was decided in whatever mode, see `model.Placement`. Of older ones as much as shows: what joined
    or was acknowledged. In `answer`, `sure` is true for what the course would answer by itself; what it did was so."""
    db.executescript(
        """
        ALTER TABLE placements ADD COLUMN same TEXT;
        ALTER TABLE placements ADD COLUMN joins INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE placements ADD COLUMN acknowledges INTEGER NOT NULL DEFAULT 0;
        UPDATE placements SET same = suggested WHERE founded = 1;
        UPDATE placements SET same = question, joins = 1 WHERE founded = 0 AND question IS NOT NULL;
        UPDATE placements SET answer = json_set(answer, '$.sure', json('true'))
            WHERE answer IS NOT NULL AND json_extract(answer, '$.state') = 'sent';
        UPDATE placements SET acknowledges = 1 WHERE message IN (
            SELECT m.id FROM messages m JOIN placements p ON p.message = m.id
            JOIN deliveries d ON d.key = 'ack:' || p.question || ':' || json_extract(m.address, '$.connector') || ':'
                || json_extract(m.address, '$.chat')
        );
        """
    )


@steps(name="0018_stage")
def _stage(db: Database) -> None:
    """questions: `staged_at` is when it last came on stage. stages: how each session's stage is shown."""
    db.executescript(
        """
        ALTER TABLE questions ADD COLUMN staged_at REAL;
        CREATE TABLE stages (
            session TEXT PRIMARY KEY, seconds INTEGER NOT NULL, blank INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0013_polls")
def _polls(db: Database) -> None:
    """polls: `opened_at` and `round` as in `model.PollState`; `removed` is 1 where staff removed it, and may undo that.
    poll_votes: one a poll and person; a new one takes the place and the highest id, so that of one human's votes on
    several chats the last is known. `choices` holds the keys that are counted, `said` how they were written.
    pulse: one row a person and minute. pulse_sessions: where viewers are asked. messages: `vote` is the poll that a
    message was taken as a vote in, or "pulse". deliveries: `poll` is the poll that one asks for votes in."""
    db.executescript(
        """
        CREATE TABLE polls (
            id TEXT PRIMARY KEY, session TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, options TEXT NOT NULL,
            most INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, ends TEXT NOT NULL,
            results TEXT NOT NULL, status TEXT NOT NULL, shown INTEGER NOT NULL, round INTEGER NOT NULL,
            opened_at REAL NOT NULL, muted TEXT NOT NULL, at REAL NOT NULL, removed INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX polls_by_session ON polls (session);
        CREATE TABLE poll_votes (
            id INTEGER PRIMARY KEY, poll TEXT NOT NULL, source TEXT NOT NULL, person TEXT NOT NULL,
            choices TEXT NOT NULL, said TEXT NOT NULL, UNIQUE (poll, source, person)
        ) STRICT;
        CREATE TABLE pulse_sessions (session TEXT PRIMARY KEY) STRICT;
        CREATE TABLE pulse (
            session TEXT NOT NULL, minute INTEGER NOT NULL, source TEXT NOT NULL, person TEXT NOT NULL,
            mood TEXT NOT NULL, PRIMARY KEY (session, minute, source, person)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE messages ADD COLUMN vote TEXT NOT NULL DEFAULT '';
        ALTER TABLE deliveries ADD COLUMN poll TEXT;
        """
    )


@steps(name="0020_memory")
def _memory(db: Database) -> None:
    """sessions: `memory` is the mode of earlier evenings' answers, which were the course's before. placements: what was
    answered on an earlier evening stands in a column of its own beside what the course says."""
    db.executescript(
        """
        ALTER TABLE sessions ADD COLUMN memory TEXT NOT NULL DEFAULT 'auto';
        UPDATE sessions SET memory = answers;
        ALTER TABLE placements ADD COLUMN memory TEXT;
        UPDATE placements SET memory = answer, answer = NULL
            WHERE answer IS NOT NULL AND substr(json_extract(answer, '$.source'), 1, 8) = 'earlier:';
        """
    )


@steps(name="0021_expert")
def _expert(db: Database) -> None:
    """drafts: answers that experts have not sent yet, one a question and person, `sources` as JSON. declined: questions
    that are not for a person, as they said."""
    db.executescript(
        """
        CREATE TABLE drafts (
            question TEXT NOT NULL, person TEXT NOT NULL, text TEXT NOT NULL, sources TEXT NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (question, person)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE declined (
            question TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (question, person)
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0020_recurring")
def _recurring(db: Database) -> None:
    """questions: `again` names those of earlier evenings that a person said ask the same. recurrences: see
    `model.Recurrence`; one a question at most."""
    db.executescript(
        """
        ALTER TABLE questions ADD COLUMN again TEXT NOT NULL DEFAULT '[]';
        CREATE TABLE recurrences (
            question TEXT PRIMARY KEY REFERENCES questions (id), session TEXT NOT NULL, root TEXT NOT NULL,
            score REAL NOT NULL, sure INTEGER NOT NULL, told INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX recurrences_by_root ON recurrences (root);
        CREATE INDEX recurrences_by_session ON recurrences (session);
        """
    )


@steps(name="0025_surveys")
def _surveys(db: Database) -> None:
    """sessions: `survey` is when the survey opens by itself. surveys: one a session, see `model.SurveyState`, `items`
    as JSON; `removed` is 1 where staff removed it, and may undo that; `reminded` counts the reminders since it was
    opened at `reminded_of`. What was answered is in poll_votes, by the ids of the items. optouts: who wants to hear
    nothing that comes by itself."""
    db.executescript(
        """
        ALTER TABLE sessions ADD COLUMN survey TEXT NOT NULL DEFAULT 'off';
        CREATE TABLE surveys (
            session TEXT PRIMARY KEY, title TEXT NOT NULL, items TEXT NOT NULL, days INTEGER NOT NULL,
            reminders INTEGER NOT NULL, status TEXT NOT NULL, opened_at REAL NOT NULL, closes_at REAL NOT NULL,
            reminded INTEGER NOT NULL DEFAULT 0, reminded_of REAL NOT NULL DEFAULT 0, at REAL NOT NULL,
            removed INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE IF NOT EXISTS optouts (
            source TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (source, person)
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0026_rounds")
def _rounds(db: Database) -> None:
    """sessions: the modes of what is told by itself after a talk. duties: how each of that stands, see
    `model.DutyState`; without a row it is open."""
    db.executescript(
        """
        ALTER TABLE sessions ADD COLUMN digest TEXT NOT NULL DEFAULT 'suggest';
        ALTER TABLE sessions ADD COLUMN personal TEXT NOT NULL DEFAULT 'auto';
        ALTER TABLE sessions ADD COLUMN report TEXT NOT NULL DEFAULT 'auto';
        CREATE TABLE duties (
            session TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
            who TEXT NOT NULL, PRIMARY KEY (session, name)
        ) STRICT;
        """
    )


@steps(name="0022_transcript")
def _transcript(db: Database) -> None:
    """transcripts: what was said aloud in a session; `lines` are [start, end, text], `problems` [line or null, what].
    aloud: the passage that answers a question, and `others` that may, each {start, end, text, score}."""
    db.executescript(
        """
        CREATE TABLE transcripts (
            session TEXT PRIMARY KEY, name TEXT NOT NULL, "by" TEXT NOT NULL, at REAL NOT NULL, lines TEXT NOT NULL,
            problems TEXT NOT NULL, zero REAL, dated TEXT NOT NULL, recording TEXT NOT NULL, searched REAL
        ) STRICT;
        CREATE TABLE aloud (
            session TEXT NOT NULL, question TEXT NOT NULL, passage TEXT NOT NULL, others TEXT NOT NULL,
            state TEXT NOT NULL, PRIMARY KEY (session, question)
        ) STRICT, WITHOUT ROWID;
        """
    )


@steps(name="0020_promoting")
def _promoting(db: Database) -> None:
    """sessions: `promoting` is the mode of writing experts' answers into the FAQ. promotions: see
    `promoting.Promotion`; one a question."""
    db.executescript(
        """
        ALTER TABLE sessions ADD COLUMN promoting TEXT NOT NULL DEFAULT 'suggest';
        CREATE TABLE promotions (
            question TEXT PRIMARY KEY REFERENCES questions (id), session TEXT NOT NULL, stage TEXT NOT NULL,
            entry TEXT NOT NULL, answered_at REAL NOT NULL, at REAL NOT NULL, by TEXT NOT NULL, written TEXT NOT NULL,
            decided_at REAL, decided_by TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX promotions_by_session ON promotions (session, at);
        """
    )


@steps(name="0023_reports")
def _reports(db: Database) -> None:
    """sessions: `names` is 0 where reports name nobody."""
    db.executescript("ALTER TABLE sessions ADD COLUMN names INTEGER NOT NULL DEFAULT 1;")


@steps(name="0027_ledger")
def _ledger(db: Database) -> None:
    """actions: no row goes, and none says another act, time or session than it did. Forgetting somebody takes their
    name and words out of a row (`who`, `change`), and nothing else may."""
    db.executescript(
        """
        CREATE TRIGGER actions_stay BEFORE UPDATE OF id, session, at, what, undoes ON actions
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER actions_remain BEFORE DELETE ON actions
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        """
    )


@steps(name="0029_fair")
def _fair(db: Database) -> None:
    """messages: what waits is read source by source. sessions: `slow` is how many seconds of slow mode, 0 without."""
    db.executescript(
        """
        DROP INDEX messages_pending;
        CREATE INDEX messages_pending ON messages (session, source, id) WHERE placed = 0;
        ALTER TABLE sessions ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;
        """
    )


@steps(name="0030_heard")
def _heard(db: Database) -> None:
    """deliveries: `heard` stands for the words that the chat was told last ("": not known), `due_at` is when those of
    now were to be said at first: `not_before` moves with every try."""
    db.executescript(
        """
        ALTER TABLE deliveries ADD COLUMN heard TEXT NOT NULL DEFAULT '';
        ALTER TABLE deliveries ADD COLUMN due_at REAL NOT NULL DEFAULT 0;
        UPDATE deliveries SET due_at = not_before;
        """
    )


@steps(name="0031_persons")
def _persons(db: Database) -> None:
    """messages: what one person said is found in whatever session."""
    db.executescript("CREATE INDEX messages_by_person ON messages (source, author);")


@steps(name="0032_forgetting")
def _forgetting(db: Database) -> None:
    """forgetting: one row, see `model.LastLook`."""
    db.executescript("CREATE TABLE forgetting (at REAL NOT NULL, held REAL) STRICT;")


@steps(name="0033_confirmed")
def _confirmed(db: Database) -> None:
    """questions: `confirmed` are the numbers of the messages that a person said do ask it."""
    db.executescript("ALTER TABLE questions ADD COLUMN confirmed TEXT NOT NULL DEFAULT '[]';")
