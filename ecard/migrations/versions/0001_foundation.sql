-- Agencies, registered keys, holders and cards, visits, audit. Times are the database's own.

CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('code', 'assertion', 'anchor')),
    slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 255),
    suite text NOT NULL CHECK (suite IN ('ES256', 'EdDSA')),
    public bytea NOT NULL,
    private bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    use_from timestamptz,
    verify_until timestamptz,
    revoked_at timestamptz
);

CREATE TABLE agency (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    uscc text NOT NULL UNIQUE CHECK (length(uscc) = 18),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A registered key: a holder's device, a terminal, an operator, a channel's server.
CREATE TABLE actor (
    id uuid PRIMARY KEY,
    seq integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL CHECK (kind IN ('holder', 'terminal', 'operator', 'channel')),
    suite text NOT NULL CHECK (suite IN ('ES256', 'EdDSA')),
    public bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE terminal (
    actor uuid PRIMARY KEY REFERENCES actor,
    agency uuid NOT NULL REFERENCES agency,
    name text NOT NULL,
    setting text NOT NULL CHECK (setting IN ('counter', 'kiosk', 'gate', 'till', 'online')),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    site text NOT NULL
);

CREATE TABLE operator (
    actor uuid PRIMARY KEY REFERENCES actor,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('registrar', 'cards', 'security'))
);

CREATE TABLE channel (
    actor uuid PRIMARY KEY REFERENCES actor,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('hrss', 'government', 'national', 'bank', 'medical', 'social')),
    medium text NOT NULL CHECK (medium IN ('app', 'mini_program', 'official_account', 'life_account')),
    tier smallint NOT NULL CHECK (tier IN (1, 2)),
    parent uuid REFERENCES channel (actor),
    CHECK ((tier = 2) = (parent IS NOT NULL))
);

CREATE TABLE holder (
    id uuid PRIMARY KEY,
    id_index bytea NOT NULL UNIQUE,
    profile bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The physical card and its electronic form in one row: one status by construction.
CREATE TABLE card (
    seq integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    card_no_index bytea NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'lost_temporary', 'lost', 'locked', 'cancelled')),
    level smallint NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 2),
    password text,
    password_tries smallint NOT NULL DEFAULT 0,
    password_tries_since timestamptz,
    password_locked_until timestamptz,
    issued_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((level = 0) = (password IS NULL))
);
CREATE UNIQUE INDEX card_one_living ON card (holder) WHERE status <> 'cancelled';
CREATE INDEX card_dead ON card (seq) WHERE status <> 'active';

CREATE TABLE device (
    actor uuid PRIMARY KEY REFERENCES actor,
    seq integer NOT NULL UNIQUE REFERENCES actor (seq),
    card integer NOT NULL REFERENCES card,
    channel uuid NOT NULL REFERENCES channel (actor),
    sign_no text NOT NULL UNIQUE,
    bound_at timestamptz NOT NULL DEFAULT now(),
    unbound_at timestamptz
);
CREATE UNIQUE INDEX device_one_per_channel ON device (card, channel) WHERE unbound_at IS NULL;

CREATE INDEX device_by_card ON device (card);

CREATE TABLE verification (
    busi_seq uuid PRIMARY KEY,
    card integer NOT NULL REFERENCES card,
    device uuid NOT NULL REFERENCES device (actor),
    at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);

CREATE TABLE relative (
    id uuid PRIMARY KEY,
    principal integer NOT NULL REFERENCES card,
    card integer NOT NULL REFERENCES card,
    relation text NOT NULL CHECK (relation IN ('elder', 'child', 'spouse', 'other')),
    since timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CHECK (principal <> card)
);
CREATE UNIQUE INDEX relative_once ON relative (principal, card) WHERE ended_at IS NULL;

-- Feed of everything that died or came back, for the sets that processes hold in memory.
CREATE TABLE status_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL CHECK (kind IN ('card', 'actor')),
    seq integer NOT NULL,
    dead boolean NOT NULL
);
CREATE INDEX status_change_at ON status_change (at);

CREATE FUNCTION status_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'card' THEN
        INSERT INTO status_change (kind, seq, dead) VALUES ('card', NEW.seq, NEW.status <> 'active');
    ELSE
        INSERT INTO status_change (kind, seq, dead) VALUES ('actor', NEW.seq, NEW.revoked_at IS NOT NULL);
    END IF;
    NOTIFY ecard_status;
    RETURN NULL;
END $$;
CREATE TRIGGER card_status_changed AFTER UPDATE OF status ON card
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION status_changed();
CREATE TRIGGER actor_revoked AFTER UPDATE OF revoked_at ON actor
    FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at) EXECUTE FUNCTION status_changed();

CREATE FUNCTION keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY ecard_status;
    RETURN NULL;
END $$;
CREATE TRIGGER signing_key_changed AFTER INSERT OR UPDATE ON signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION keys_changed();

CREATE TABLE idempotency (
    actor uuid NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    body_mac bytea NOT NULL,
    status smallint,
    response bytea,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_at ON idempotency USING brin (at);

CREATE TABLE audit_event (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    n bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    outcome text NOT NULL,
    actor uuid,
    card integer,
    item text,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (xid, n)
);

CREATE TABLE audit_seal (
    seq bigint PRIMARY KEY,
    from_xid bigint NOT NULL,
    to_xid bigint NOT NULL CHECK (to_xid > from_xid),
    leaves bytea NOT NULL,
    token text NOT NULL
);

-- A type and not a CHECK: that would be compiled anew for every visit.
CREATE DOMAIN card_form AS text CHECK (VALUE IN ('physical', 'electronic'));
CREATE TABLE visit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    terminal uuid NOT NULL,
    agency uuid NOT NULL,
    request_id text NOT NULL,
    body_sha256 bytea NOT NULL,
    item text NOT NULL,
    form card_form NOT NULL,
    evidence text NOT NULL,
    strength text NOT NULL,
    amr text[] NOT NULL,
    fields text[] NOT NULL,
    kid text NOT NULL,
    keys_as_of integer NOT NULL,
    card integer NOT NULL,
    level smallint NOT NULL,
    device integer,
    acting_card integer,
    relation text,
    disputed_at timestamptz,
    UNIQUE (terminal, request_id)
);
CREATE INDEX visit_by_card ON visit (card, at);

-- What may be used once. A dynamic code burns two keys: its own (`solo`), and that of the 19 digits
-- shown beside it, which many codes of one 30 s step share; the digits burn theirs as `solo`.
CREATE TABLE evidence_use (
    key bytea PRIMARY KEY,
    solo boolean NOT NULL,
    visit uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX evidence_use_at ON evidence_use USING brin (at);
