-- 电子证照: credentials with selective disclosure that were issued to phones, and what terminals asked to be shown.

-- Nothing of what a credential says is kept: its holder has it. `list` and `place`: where its status stands, drawn by
-- lot; a list is left when it is half full.
CREATE SEQUENCE claim_number AS bigint MINVALUE 0;
CREATE TABLE claim (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    device uuid NOT NULL REFERENCES device (actor),
    type text NOT NULL,
    visit uuid NOT NULL REFERENCES visit,
    list integer NOT NULL CHECK (list >= 0),
    place integer NOT NULL CHECK (place BETWEEN 0 AND 131071),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > issued_at),
    revoked_at timestamptz,
    reason text,
    UNIQUE (list, place),
    UNIQUE (visit, type),
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
);
CREATE INDEX claim_of ON claim (holder, issued_at);
CREATE INDEX claim_of_device ON claim (device) WHERE revoked_at IS NULL;
CREATE INDEX claim_revoked ON claim (list) INCLUDE (place) WHERE revoked_at IS NOT NULL;

-- Note a credential that was issued; false where this visit has issued one of this type.
CREATE FUNCTION claim_add(
    p_id uuid, p_holder uuid, p_device uuid, p_type text, p_visit uuid, p_days integer,
    OUT list integer, OUT place integer, OUT issued_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM claim c WHERE c.visit = p_visit AND c.type = p_type) THEN
        RETURN;
    END IF;
    list := nextval('claim_number') / 65536;
    issued_at := date_trunc('second', clock_timestamp());
    LOOP
        place := floor(random() * 131072);
        INSERT INTO claim AS c (id, holder, device, type, visit, list, place, issued_at, expires_at)
            VALUES (p_id, p_holder, p_device, p_type, p_visit, claim_add.list, claim_add.place, claim_add.issued_at,
                    claim_add.issued_at + make_interval(days => p_days)) ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        IF EXISTS (SELECT FROM claim c WHERE c.visit = p_visit AND c.type = p_type) THEN
            list := NULL;
            RETURN;
        END IF;
    END LOOP;
END $$;

-- A credential ends with the phone whose key it is bound to, and with the card.
CREATE FUNCTION claim_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'device' THEN
        UPDATE claim SET revoked_at = clock_timestamp(), reason = 'device_unbound'
            WHERE device = NEW.actor AND revoked_at IS NULL;
    ELSE
        UPDATE claim c SET revoked_at = clock_timestamp(), reason = 'card_cancelled'
            FROM device d WHERE d.actor = c.device AND d.card = NEW.seq AND c.revoked_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER claim_ends_with_device AFTER UPDATE OF unbound_at ON device
    FOR EACH ROW WHEN (OLD.unbound_at IS NULL AND NEW.unbound_at IS NOT NULL) EXECUTE FUNCTION claim_ends();
CREATE TRIGGER claim_ends_with_card AFTER UPDATE OF status ON card
    FOR EACH ROW WHEN (OLD.status <> 'cancelled' AND NEW.status = 'cancelled') EXECUTE FUNCTION claim_ends();

-- What a terminal asks to be shown. `answer` is what was shown, sealed; it is emptied when its time is over.
CREATE TABLE claim_request (
    id uuid PRIMARY KEY,
    terminal uuid NOT NULL,
    agency uuid NOT NULL REFERENCES agency,
    type text NOT NULL,
    claims text[] NOT NULL CHECK (cardinality(claims) > 0),
    purpose text NOT NULL,
    nonce text NOT NULL UNIQUE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    -- The first phone that looks at a request takes it.
    seen_by uuid,
    claim uuid REFERENCES claim,
    answer bytea,
    presented_at timestamptz,
    CHECK ((claim IS NULL) = (presented_at IS NULL))
);
CREATE INDEX claim_request_answered ON claim_request (expires_at) WHERE answer IS NOT NULL;
CREATE INDEX claim_request_of ON claim_request (claim, presented_at) WHERE claim IS NOT NULL;
