-- Certificates of training. A row is what was true when the second audit passed; it is signed whenever it is shown.
ALTER TABLE signing_key DROP CONSTRAINT signing_key_purpose_check;
ALTER TABLE signing_key ADD CHECK (purpose IN ('code', 'assertion', 'anchor', 'token', 'credential'));

-- `list` and `place`: where the certificate stands in the published status lists, drawn by lot, so that neighbours in a
-- list have nothing to do with each other. A list is left when it is half full: then two draws find a free place.
CREATE SEQUENCE credential_number AS bigint MINVALUE 0;
CREATE TABLE credential (
    id uuid PRIMARY KEY,
    voucher uuid NOT NULL UNIQUE,
    holder uuid NOT NULL,
    programme uuid NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    level text NOT NULL,
    course text NOT NULL,
    institution uuid NOT NULL,
    institution_name text NOT NULL,
    hours integer NOT NULL CHECK (hours >= 0),
    ended_on date NOT NULL,
    list integer NOT NULL CHECK (list >= 0),
    place integer NOT NULL CHECK (place BETWEEN 0 AND 131071),
    issued_at timestamptz NOT NULL DEFAULT date_trunc('second', clock_timestamp()),
    revoked_at timestamptz,
    UNIQUE (list, place)
);
CREATE INDEX credential_by_holder ON credential (holder, issued_at);
CREATE INDEX credential_revoked ON credential (list) INCLUDE (place) WHERE revoked_at IS NOT NULL;

-- A certificate follows its voucher, whoever moves it: there when the audit has passed, revoked when the voucher ends
-- after all. In the transaction of the step, so neither is ever without the other.
CREATE FUNCTION credential_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := ledger_id();
    v_number bigint;
BEGIN
    IF NEW.state <> 'audited' THEN
        UPDATE credential SET revoked_at = clock_timestamp() WHERE voucher = NEW.id AND revoked_at IS NULL
            RETURNING id INTO v_id;
        IF FOUND THEN
            INSERT INTO audit_event (kind, outcome, detail) VALUES ('credential_revoked', NEW.state,
                jsonb_build_object('credential', v_id, 'voucher', NEW.id));
        END IF;
        RETURN NULL;
    END IF;
    v_number := nextval('credential_number');
    LOOP
        INSERT INTO credential (id, voucher, holder, programme, title, content, level, course, institution,
                institution_name, hours, ended_on, list, place)
            SELECT v_id, NEW.id, NEW.holder, p.id, p.name, p.content, p.level, f.course, NEW.institution, a.name,
                   f.hours, f.ended_on, v_number / 65536, floor(random() * 131072)
            FROM voucher_programme p, agency a, credential_facts(NEW.id) f
            WHERE p.id = NEW.programme AND a.id = NEW.institution
            ON CONFLICT (list, place) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    INSERT INTO audit_event (kind, outcome, detail) VALUES ('credential_issued', 'ok',
        jsonb_build_object('credential', v_id, 'voucher', NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER credential_issued AFTER UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.state = 'completed' AND NEW.state = 'audited') EXECUTE FUNCTION credential_follow();
CREATE TRIGGER credential_ended AFTER UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state IN ('reversed', 'cancelled')) EXECUTE FUNCTION credential_follow();
