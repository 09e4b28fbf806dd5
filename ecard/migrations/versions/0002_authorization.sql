-- The authorization server: clients, staff, logins, consents, grants, and everything that is redeemed once.
-- What a caller holds (code, handle, secret) is kept as its SHA-256 alone.

ALTER TABLE signing_key DROP CONSTRAINT signing_key_purpose_check;
ALTER TABLE signing_key ADD CHECK (purpose IN ('code', 'assertion', 'anchor', 'token'));

-- The least identifier (UUID version 7) of a time: a primary key finds what is older, without an index of its own.
CREATE FUNCTION first_id(at timestamptz) RETURNS uuid LANGUAGE sql STABLE RETURN
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

CREATE TABLE client (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    agency uuid NOT NULL REFERENCES agency,
    profile text NOT NULL CHECK (profile IN ('fapi2', 'standard')),
    auth_method text NOT NULL
        CHECK (auth_method IN ('private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none')),
    secret_sha256 bytea,
    jwks jsonb,
    jwks_uri text,
    redirect_uris text[] NOT NULL,
    post_logout_redirect_uris text[] NOT NULL,
    backchannel_logout_uri text,
    sector text NOT NULL,
    items text[] NOT NULL,
    grant_types text[] NOT NULL,
    sandbox boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at timestamptz,
    grants_ended_at timestamptz,
    CHECK ((secret_sha256 IS NOT NULL) = (auth_method LIKE 'client_secret_%')),
    CHECK (auth_method <> 'private_key_jwt' OR (jwks IS NULL) <> (jwks_uri IS NULL))
);

-- A member of an agency's staff is a holder with a role there; what the holder may do is not what the role may.
CREATE TABLE staff (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    agency uuid NOT NULL REFERENCES agency,
    role text NOT NULL CHECK (role <> ''),
    since timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX staff_once ON staff (holder, agency) WHERE ended_at IS NULL;

-- Pushed authorization requests (RFC 9126), and those that came by the browser.
CREATE TABLE pushed_request (
    handle bytea PRIMARY KEY,
    client uuid NOT NULL REFERENCES client,
    request jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX pushed_request_expires ON pushed_request USING brin (expires_at);

-- One request for a holder's confirmation, however it reaches the phone.
--   pending ──▶ scanned ──▶ confirmed | declined | expired
CREATE TABLE login (
    id uuid PRIMARY KEY,
    client uuid NOT NULL REFERENCES client,
    channel text NOT NULL CHECK (channel IN ('page', 'device', 'ciba', 'app')),
    request jsonb NOT NULL,
    poll bytea NOT NULL UNIQUE,
    user_code text UNIQUE,
    terminal uuid REFERENCES terminal (actor),
    jkt text,
    address text NOT NULL DEFAULT '',
    browser text NOT NULL DEFAULT '',
    number smallint NOT NULL CHECK (number BETWEEN 10 AND 99),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'scanned', 'confirmed', 'declined', 'expired')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz NOT NULL,
    qr_n smallint NOT NULL DEFAULT 0,
    qr_at timestamptz,
    card integer REFERENCES card,
    device uuid REFERENCES device (actor),
    scanned_at timestamptz,
    decided_at timestamptz,
    refused_scans integer NOT NULL DEFAULT 0,
    why text,
    remember boolean NOT NULL DEFAULT false,
    consent_grant uuid,  -- no reference: grants outlive logins by a year, and each reference would be looked for
    interval_s smallint NOT NULL DEFAULT 5,
    polled_at timestamptz,
    redeemed_at timestamptz
);
CREATE INDEX login_ends ON login USING brin (ends_at);
CREATE INDEX login_waiting ON login (card) WHERE state IN ('pending', 'scanned');

-- A login's QR codes: each shows for 120 s and is renewed before its end.
CREATE TABLE login_qr (
    handle bytea PRIMARY KEY,
    login uuid NOT NULL REFERENCES login ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_qr_login ON login_qr (login);

-- A page that waits is told by its server's process when its login changes.
CREATE FUNCTION login_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ecard_login', NEW.id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER login_told AFTER UPDATE OF state, refused_scans ON login
    FOR EACH ROW WHEN (NEW.channel = 'page') EXECUTE FUNCTION login_changed();

CREATE TABLE consent (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    client uuid NOT NULL REFERENCES client,
    item text NOT NULL,
    catalogue text NOT NULL,
    fields text[] NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX consent_once ON consent (holder, client, item) WHERE withdrawn_at IS NULL;

-- Whose pairwise `sub` is whose (OpenID Connect Core §8.1), for hints that come back.
CREATE TABLE subject (
    sector text NOT NULL,
    sub text NOT NULL,
    holder uuid NOT NULL REFERENCES holder,
    PRIMARY KEY (sector, sub)
);

-- A browser that a holder chose to stay logged in with.
CREATE TABLE browser_session (
    handle bytea PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    card integer NOT NULL REFERENCES card,
    device uuid NOT NULL REFERENCES device (actor),
    strength text NOT NULL,
    amr text[] NOT NULL,
    auth_time timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX browser_session_device ON browser_session (device) WHERE ended_at IS NULL;

-- One index finds a holder's grants for whatever ended them: each login writes here, few things end.
-- What a holder (or a member of staff) allowed a client once; tokens stand and fall with it.
CREATE TABLE consent_grant (
    id uuid PRIMARY KEY,
    client uuid NOT NULL REFERENCES client,
    holder uuid NOT NULL,
    card integer NOT NULL,
    device uuid,
    staff uuid REFERENCES staff,
    visit uuid,
    browser uuid,
    item text NOT NULL,
    catalogue text NOT NULL,
    fields text[] NOT NULL,
    scope text[] NOT NULL,
    sub text NOT NULL,
    acr text NOT NULL,
    amr text[] NOT NULL,
    auth_time timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    why text
);
CREATE INDEX consent_grant_revoked ON consent_grant (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX consent_grant_holder ON consent_grant (holder, client, item) WHERE revoked_at IS NULL;

CREATE TABLE authorization_code (
    handle bytea PRIMARY KEY,
    consent_grant uuid NOT NULL,
    client uuid NOT NULL,
    redirect_uri text NOT NULL,
    challenge text NOT NULL,
    jkt text,
    nonce text,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_jkt text
);
CREATE INDEX authorization_code_expires ON authorization_code USING brin (expires_at);

-- A used refresh token keeps its answer, sealed, for as long as the same client and key may ask for it again.
CREATE TABLE refresh_token (
    handle bytea PRIMARY KEY,
    consent_grant uuid NOT NULL REFERENCES consent_grant,
    client uuid NOT NULL,
    jkt text,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_jkt text,
    answer bytea
);
CREATE INDEX refresh_token_grant ON refresh_token (consent_grant);
CREATE INDEX refresh_token_answer ON refresh_token (used_at) WHERE answer IS NOT NULL;

CREATE TABLE revoked_token (
    jti uuid PRIMARY KEY,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX revoked_token_at ON revoked_token (revoked_at);

-- Identifiers of client assertions and DPoP proofs: each is accepted once (RFC 7523 §3, RFC 9449 §11.1).
CREATE TABLE used_jti (
    key bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_jti_expires ON used_jti USING brin (expires_at);

-- What must be told to others after the commit: read with FOR UPDATE SKIP LOCKED, tried again until told or given up.
-- `n` grows among rows that were written under one lock, such as those of one order.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    n bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    body jsonb NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    tries smallint NOT NULL DEFAULT 0,
    done_at timestamptz,
    given_up_at timestamptz,
    CHECK (done_at IS NULL OR given_up_at IS NULL)
);
CREATE INDEX outbox_due ON outbox (topic, due_at) WHERE done_at IS NULL AND given_up_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_given_up ON outbox (given_up_at) WHERE given_up_at IS NOT NULL;

-- A login leaves a visit as any evidence does; where no terminal stood, `place` says where.
ALTER TABLE visit ADD COLUMN place text;

-- A lost card, an unbound phone, a disputed use, a withdrawn consent: what came of them ends in the same transaction.
-- What has expired is over: nobody is told of it.
CREATE FUNCTION end_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'card' THEN
            UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'card'
                WHERE holder = NEW.holder AND card = NEW.seq AND revoked_at IS NULL AND expires_at > clock_timestamp();
            UPDATE browser_session SET ended_at = now() WHERE card = NEW.seq AND ended_at IS NULL;
        WHEN 'actor' THEN
            UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'device'
                WHERE holder = (SELECT c.holder FROM device d JOIN card c ON c.seq = d.card WHERE d.actor = NEW.id)
                AND device = NEW.id AND revoked_at IS NULL AND expires_at > clock_timestamp();
            UPDATE browser_session SET ended_at = now() WHERE device = NEW.id AND ended_at IS NULL;
        WHEN 'visit' THEN
            UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'dispute'
                WHERE holder = (SELECT c.holder FROM card c WHERE c.seq = NEW.card)
                AND visit = NEW.id AND revoked_at IS NULL AND expires_at > clock_timestamp();
        WHEN 'consent' THEN
            UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'withdrawn'
                WHERE holder = NEW.holder AND client = NEW.client AND item = NEW.item AND revoked_at IS NULL AND expires_at > clock_timestamp();
        WHEN 'staff' THEN
            UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'staff'
                WHERE holder = NEW.holder AND staff = NEW.id AND revoked_at IS NULL AND expires_at > clock_timestamp();
    END CASE;
    RETURN NULL;
END $$;
CREATE TRIGGER card_ends_grants AFTER UPDATE OF status ON card
    FOR EACH ROW WHEN (OLD.status = 'active' AND NEW.status <> 'active') EXECUTE FUNCTION end_grants();
CREATE TRIGGER device_ends_grants AFTER UPDATE OF revoked_at ON actor
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL AND NEW.kind = 'holder')
    EXECUTE FUNCTION end_grants();
CREATE TRIGGER dispute_ends_grants AFTER UPDATE OF disputed_at ON visit
    FOR EACH ROW WHEN (OLD.disputed_at IS NULL AND NEW.disputed_at IS NOT NULL) EXECUTE FUNCTION end_grants();
CREATE TRIGGER withdrawal_ends_grants AFTER UPDATE OF withdrawn_at ON consent
    FOR EACH ROW WHEN (OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL) EXECUTE FUNCTION end_grants();
CREATE TRIGGER staff_end_ends_grants AFTER UPDATE OF ended_at ON staff
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION end_grants();

-- A grant that ends is told to every process, and to the client that asked to be told (OpenID back-channel logout).
CREATE FUNCTION grant_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (id, topic, body)
        SELECT gen_random_uuid(), 'logout',
               jsonb_build_object('client', NEW.client, 'sub', NEW.sub, 'sid', NEW.id, 'why', NEW.why)
        FROM client c WHERE c.id = NEW.client AND c.backchannel_logout_uri IS NOT NULL AND c.disabled_at IS NULL;
    NOTIFY ecard_status;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_grant_ended AFTER UPDATE OF revoked_at ON consent_grant
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION grant_ended();
CREATE FUNCTION token_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY ecard_status;
    RETURN NULL;
END $$;
CREATE TRIGGER revoked_token_told AFTER INSERT ON revoked_token
    FOR EACH STATEMENT EXECUTE FUNCTION token_revoked();
