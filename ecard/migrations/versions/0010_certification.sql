-- 待遇资格认证: who was seen to live and to be who is paid, when, by what, and until when that is good.

-- One visit makes one certification, and so does one case (A3-17, A3-19).
CREATE TABLE certification (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    item text NOT NULL,
    how text NOT NULL CHECK (how IN ('face', 'counter', 'case')),
    visit uuid NOT NULL UNIQUE REFERENCES visit,
    case_id uuid UNIQUE,
    agency uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    valid_until timestamptz NOT NULL,
    CHECK (valid_until > at),
    CHECK ((how = 'case') = (case_id IS NOT NULL))
);
CREATE INDEX certification_of ON certification (holder, at);

-- What is held because a certification lapsed is looked at again in the next round, and not in an hour. A pseudonym's
-- lines say nothing of their holder: they wait.
CREATE FUNCTION certification_frees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE benefit_line SET due_at = clock_timestamp()
        WHERE payee = NEW.holder AND state = 'held' AND reason = 'certification_lapsed';
    RETURN NULL;
END $$;
CREATE TRIGGER certification_freed AFTER INSERT ON certification FOR EACH ROW EXECUTE FUNCTION certification_frees();
