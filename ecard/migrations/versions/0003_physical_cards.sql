-- Physical cards at the counter: bridges, their pairing with a terminal, and reads of cards.

-- A bridge is a registered key, as a terminal is.
ALTER TABLE actor DROP CONSTRAINT actor_kind_check;
ALTER TABLE actor ADD CHECK (kind IN ('holder', 'terminal', 'operator', 'channel', 'bridge'));

-- The card's own number (卡识别码) and the chip's number in its ATR (卡复位信息), by their blind indexes. A card's keys
-- are diversified by the chip's: that is what it proves, and only both together say that the card is this one.
ALTER TABLE card ADD COLUMN card_id_index bytea UNIQUE,
                 ADD COLUMN chip_index bytea,
                 ADD CHECK ((card_id_index IS NULL) = (chip_index IS NULL));

-- `link` names the living connection, and the process that holds it says each second that it lives.
-- `pairing` is a MAC of the digits on the bridge's screen; `scan` what its scanner read last.
CREATE TABLE bridge (
    actor uuid PRIMARY KEY REFERENCES actor,
    agency uuid NOT NULL REFERENCES agency,
    name text NOT NULL CHECK (name <> ''),
    site text NOT NULL,
    terminal uuid UNIQUE REFERENCES terminal (actor),
    paired_at timestamptz,
    pairing bytea UNIQUE,
    pairing_until timestamptz,
    link uuid,
    seen_at timestamptz,
    version text NOT NULL DEFAULT '',
    readers jsonb NOT NULL DEFAULT '[]',
    scan text,
    scanned_at timestamptz
);

-- One read of one card. The challenge is the server's, and so is the comparison; `link` is the connection it
-- goes over, and ends with. Whether it was used stands in `evidence_use` alone.
CREATE TABLE card_session (
    id uuid PRIMARY KEY,
    terminal uuid NOT NULL,
    bridge uuid NOT NULL REFERENCES bridge (actor),
    link uuid NOT NULL,
    item text NOT NULL,
    policy text NOT NULL,
    reader text,
    challenge bytea NOT NULL UNIQUE CHECK (length(challenge) = 16),
    to_write bytea,
    -- A MAC of what is to be written, which stays when that is gone: a record is compared with it.
    write_mac bytea,
    written text CHECK (written IN ('written', 'unchanged')),
    mended text CHECK (mended IN ('finished', 'undone')),
    state text NOT NULL DEFAULT 'opening'
        CHECK (state IN ('opening', 'reading', 'pin', 'proven', 'read', 'failed')),
    taken_at timestamptz,
    why text,
    pin_left smallint,
    version text,
    card integer REFERENCES card,
    strength text,
    amr text[] NOT NULL DEFAULT '{}',
    trips smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    CHECK ((state IN ('proven', 'read')) = (strength IS NOT NULL)),
    CHECK (strength IS NULL OR card IS NOT NULL)
);
CREATE UNIQUE INDEX card_session_one_living ON card_session (bridge) WHERE state IN ('opening', 'reading', 'pin');
CREATE INDEX card_session_ends ON card_session (expires_at);

-- Records of settlements made while off-line (A2-52), each kept once.
CREATE TABLE offline_settlement (
    id uuid PRIMARY KEY,
    bridge uuid NOT NULL REFERENCES bridge (actor),
    agency uuid NOT NULL REFERENCES agency,
    terminal uuid,
    record bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);

-- Whoever follows a session, and whichever process holds its bridge, is told of each step.
CREATE FUNCTION card_session_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ecard_card', NEW.id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER card_session_told AFTER INSERT OR UPDATE OF state ON card_session
    FOR EACH ROW EXECUTE FUNCTION card_session_moved();
CREATE FUNCTION bridge_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ecard_card', NEW.actor::text);
    RETURN NULL;
END $$;
CREATE TRIGGER bridge_told AFTER UPDATE OF terminal, link, scan ON bridge
    FOR EACH ROW WHEN (OLD.terminal IS DISTINCT FROM NEW.terminal OR OLD.link IS DISTINCT FROM NEW.link
                       OR NEW.scan IS NOT NULL) EXECUTE FUNCTION bridge_moved();

-- A read that was not finished ends with the connection that it went over, and with the pairing that it was for.
CREATE FUNCTION link_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE card_session SET state = 'failed', to_write = NULL,
                            why = CASE WHEN link IS DISTINCT FROM NEW.link THEN 'bridge_lost' ELSE 'unpaired' END
        WHERE bridge = NEW.actor AND state IN ('opening', 'reading', 'pin')
          AND (link IS DISTINCT FROM NEW.link OR terminal IS DISTINCT FROM NEW.terminal);
    RETURN NULL;
END $$;
CREATE TRIGGER link_ends_session AFTER UPDATE OF link, terminal ON bridge
    FOR EACH ROW WHEN (OLD.link IS DISTINCT FROM NEW.link OR OLD.terminal IS DISTINCT FROM NEW.terminal)
    EXECUTE FUNCTION link_ended();

-- Pair a terminal with the bridge that shows the digits, once; both sides' former pairings end.
CREATE FUNCTION bridge_pair(p_terminal uuid, p_agency uuid, p_code bytea) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_bridge uuid;
BEGIN
    UPDATE bridge b SET pairing = NULL, pairing_until = NULL
        WHERE b.pairing = p_code AND b.pairing_until > clock_timestamp() AND b.agency = p_agency
          AND b.link IS NOT NULL AND EXISTS (SELECT FROM actor a WHERE a.id = b.actor AND a.revoked_at IS NULL)
        RETURNING b.actor INTO v_bridge;
    IF v_bridge IS NOT NULL THEN
        UPDATE bridge SET terminal = NULL, paired_at = NULL, scan = NULL
            WHERE terminal = p_terminal AND actor <> v_bridge;
        UPDATE bridge SET terminal = p_terminal, paired_at = clock_timestamp(), scan = NULL WHERE actor = v_bridge;
    END IF;
    RETURN v_bridge;
END $$;

-- Open a session at the bridge paired with a terminal; one that still waits there makes way for it.
CREATE FUNCTION card_session_open(
    p_id uuid, p_terminal uuid, p_bridge uuid, p_item text, p_policy text, p_reader text, p_challenge bytea,
    p_to_write bytea, p_write_mac bytea, p_seconds integer, OUT outcome text, OUT expires_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_link uuid;
    v_seen timestamptz;
BEGIN
    outcome := 'ok'; expires_at := clock_timestamp() + make_interval(secs => p_seconds);
    SELECT b.link, b.seen_at INTO v_link, v_seen
        FROM bridge b JOIN actor a ON a.id = b.actor AND a.revoked_at IS NULL
        WHERE b.actor = p_bridge AND b.terminal = p_terminal FOR UPDATE OF b;
    IF NOT FOUND THEN
        outcome := 'unpaired';
    ELSIF v_link IS NULL OR v_seen < clock_timestamp() - interval '6 seconds' THEN
        outcome := 'offline';
    ELSE
        UPDATE card_session s SET state = 'failed', why = 'replaced', to_write = NULL
            WHERE s.bridge = p_bridge AND s.state IN ('opening', 'reading', 'pin');
        INSERT INTO card_session (id, terminal, bridge, link, item, policy, reader, challenge, to_write, write_mac,
                                  expires_at)
            VALUES (p_id, p_terminal, p_bridge, v_link, p_item, p_policy, p_reader, p_challenge, p_to_write, p_write_mac,
                    card_session_open.expires_at);
    END IF;
END $$;
