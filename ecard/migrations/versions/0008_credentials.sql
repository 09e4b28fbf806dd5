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

-- What happened on which day is counted over all vouchers: events come in the order of their times.
CREATE INDEX voucher_event_at ON voucher_event USING brin (at);

-- What a certificate says, as it is now: the completion of a voucher with its class, programme and institution.
CREATE FUNCTION credential_facts(p_voucher uuid) RETURNS TABLE (
    holder uuid, programme uuid, title text, content text, level text, course text, institution uuid,
    institution_name text, hours integer, ended_on date
) LANGUAGE sql STABLE AS $$
    SELECT v.holder, p.id, p.name, p.content, p.level, t.name, a.id, a.name, c.hours, (
            SELECT coalesce(max(s.seen_at), c.submitted_at) AT TIME ZONE 'Asia/Shanghai' FROM attendance s
            WHERE s.voucher = v.id AND s.class = t.id AND s.state = 'counted')::date
    FROM voucher v JOIN completion c ON c.voucher = v.id AND c.state = 'passed' JOIN training_class t ON t.id = c.class
        JOIN voucher_programme p ON p.id = v.programme JOIN agency a ON a.id = t.institution
    WHERE v.id = p_voucher
$$;

-- A certificate follows its voucher, whoever moves it: there when a completion has passed its audit, revoked when the
-- voucher ends after all. In the transaction of the step, so neither is ever without the other.
CREATE FUNCTION credential_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
    v_number bigint;
    f record;
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
    SELECT * INTO f FROM credential_facts(NEW.id);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_number := nextval('credential_number');
    LOOP
        INSERT INTO credential (id, voucher, holder, programme, title, content, level, course, institution,
                institution_name, hours, ended_on, list, place)
            VALUES (ledger_id(), NEW.id, f.holder, f.programme, f.title, f.content, f.level, f.course, f.institution,
                f.institution_name, f.hours, f.ended_on, v_number / 65536, floor(random() * 131072))
            ON CONFLICT (list, place) DO NOTHING RETURNING id INTO v_id;
        EXIT WHEN FOUND;
    END LOOP;
    INSERT INTO audit_event (kind, outcome, detail) VALUES ('credential_issued', 'ok',
        jsonb_build_object('credential', v_id, 'voucher', NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER credential_issued AFTER UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.state = 'completed' AND NEW.state = 'audited') EXECUTE FUNCTION credential_follow();
CREATE TRIGGER credential_ended AFTER UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state IN ('reversed', 'cancelled'))
    EXECUTE FUNCTION credential_follow();
