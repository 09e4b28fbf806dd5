-- Institutions and their classes, who sits in which, who was there, who completed. Amounts are integers in 分.

-- 培训机构: an agency that may hold classes; region by GB/T 2260.
CREATE TABLE institution (
    agency uuid PRIMARY KEY REFERENCES agency,
    kind text NOT NULL CHECK (kind IN ('enterprise', 'college', 'private', 'base', 'studio')),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    registered_by uuid,
    registered_at timestamptz NOT NULL DEFAULT now(),
    suspended_at timestamptz
);

-- 培训班. `taken` is how many sit in it: the seat is taken by one guarded UPDATE. Its place binds phones (a circle,
-- in metres) and terminals (a site); hours are 学时.
CREATE TABLE training_class (
    id uuid PRIMARY KEY,
    institution uuid NOT NULL REFERENCES institution,
    programme uuid NOT NULL REFERENCES voucher_programme,
    name text NOT NULL,
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 10000),
    taken integer NOT NULL DEFAULT 0 CHECK (taken BETWEEN 0 AND capacity),
    fee bigint NOT NULL CHECK (fee BETWEEN 0 AND 999999999999),
    site text,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    radius integer CHECK (radius BETWEEN 20 AND 5000),
    hours smallint NOT NULL CHECK (hours > 0),
    min_hours smallint NOT NULL CHECK (min_hours BETWEEN 1 AND hours),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius IS NULL))
);
CREATE INDEX training_class_of ON training_class (institution, id);
CREATE INDEX training_class_for ON training_class (programme, ends_at);

-- 课次, with the window in which people check in.
CREATE TABLE class_session (
    class uuid NOT NULL REFERENCES training_class,
    n smallint NOT NULL CHECK (n > 0),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    opens_at timestamptz NOT NULL CHECK (opens_at <= starts_at),
    closes_at timestamptz NOT NULL CHECK (closes_at > starts_at AND closes_at <= ends_at),
    hours smallint NOT NULL CHECK (hours BETWEEN 1 AND 12),
    PRIMARY KEY (class, n)
);

-- 报名: a voucher bound to a class, until it is dropped.
CREATE TABLE enrolment (
    id uuid PRIMARY KEY,
    class uuid NOT NULL REFERENCES training_class,
    voucher uuid NOT NULL REFERENCES voucher,
    holder uuid NOT NULL REFERENCES holder,
    card integer NOT NULL REFERENCES card,
    bound_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    dropped_at timestamptz
);
CREATE UNIQUE INDEX enrolment_living ON enrolment (voucher) WHERE dropped_at IS NULL;
CREATE UNIQUE INDEX enrolment_one_seat ON enrolment (class, holder) WHERE dropped_at IS NULL;
CREATE INDEX enrolment_of_holder ON enrolment (holder) WHERE dropped_at IS NULL;

-- 自费部分 (A1-75): one order with two legs. The learner's own goes by the bank now, the voucher's is its open hold,
-- which is spent when it is redeemed.
CREATE TABLE tuition (
    order_id uuid PRIMARY KEY REFERENCES pay_order,
    enrolment uuid NOT NULL REFERENCES enrolment,
    fee bigint NOT NULL,
    own bigint NOT NULL CHECK (own > 0),
    subsidy bigint NOT NULL CHECK (subsidy >= 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'ended')),
    CHECK (fee = own + subsidy)
);
CREATE UNIQUE INDEX tuition_living ON tuition (enrolment) WHERE state IN ('open', 'paid');

-- 签到. One counts for a voucher and session, and one for a code; another terminal's use of the same code is kept
-- beside it, contested. Of a phone's place only the distance from the class is kept.
CREATE TABLE attendance (
    id uuid PRIMARY KEY,
    class uuid NOT NULL,
    session smallint NOT NULL,
    voucher uuid NOT NULL REFERENCES voucher,
    how text NOT NULL CHECK (how IN ('code', 'card', 'class_code', 'offline')),
    terminal uuid,
    visit uuid,
    once bytea,
    metres integer,
    state text NOT NULL DEFAULT 'counted' CHECK (state IN ('counted', 'contested')),
    seen_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    contested_at timestamptz,
    FOREIGN KEY (class, session) REFERENCES class_session,
    UNIQUE (once, terminal),
    CHECK (state = 'contested' OR visit IS NOT NULL)
);
CREATE UNIQUE INDEX attendance_counted ON attendance (class, session, voucher) WHERE state = 'counted';
CREATE UNIQUE INDEX attendance_first ON attendance (once) WHERE state = 'counted' AND once IS NOT NULL;
CREATE INDEX attendance_of_voucher ON attendance (voucher);
CREATE INDEX attendance_told ON attendance (class, contested_at) WHERE contested_at IS NOT NULL;

-- 结业申报, a round for each time that it is submitted, and its audits: two levels by two operators.
CREATE TABLE completion (
    id uuid PRIMARY KEY,
    class uuid NOT NULL REFERENCES training_class,
    voucher uuid NOT NULL REFERENCES voucher,
    round smallint NOT NULL CHECK (round > 0),
    hours smallint NOT NULL,
    needed smallint NOT NULL CHECK (hours >= needed),
    amount bigint NOT NULL CHECK (amount >= 0),
    state text NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted', 'passed', 'rejected')),
    submitted_by uuid NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    UNIQUE (voucher, round),
    CHECK ((state = 'submitted') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX completion_living ON completion (voucher) WHERE state <> 'rejected';
CREATE INDEX completion_in_state ON completion (state, id);

CREATE TABLE completion_audit (
    completion uuid NOT NULL REFERENCES completion,
    level smallint NOT NULL CHECK (level IN (1, 2)),
    actor uuid NOT NULL,
    passed boolean NOT NULL,
    amount bigint CHECK (amount >= 0),
    reason text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (completion, level),
    UNIQUE (completion, actor),
    CHECK (passed = (amount IS NOT NULL)),
    CHECK (passed OR reason IS NOT NULL)
);

-- Four eyes, whoever writes: what is passed was passed by two operators, and what they said stands.
CREATE FUNCTION completion_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT actor) FROM completion_audit WHERE completion = NEW.id AND passed) < 2 THEN
        RAISE EXCEPTION 'a completion is passed by two operators' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER completion_four_eyes BEFORE INSERT OR UPDATE OF state ON completion
    FOR EACH ROW WHEN (NEW.state = 'passed') EXECUTE FUNCTION completion_four_eyes();

-- And no other way makes a voucher due: it is audited, and has its amount, as two operators passed a completion of it.
CREATE FUNCTION voucher_audited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM completion n JOIN completion_audit a ON a.completion = n.id
                   WHERE n.voucher = NEW.id AND n.state = 'passed' HAVING min(a.amount) = NEW.amount) THEN
        RAISE EXCEPTION 'a voucher is worth what two operators passed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER voucher_audited BEFORE UPDATE OF state, amount ON voucher
    FOR EACH ROW WHEN (NEW.amount <> OLD.amount OR OLD.amount IS NULL AND NEW.amount IS NOT NULL
                       OR OLD.state = 'completed' AND NEW.state = 'audited')
    EXECUTE FUNCTION voucher_audited();

CREATE FUNCTION completion_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an audit is not changed' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER completion_audit_kept BEFORE UPDATE OR DELETE ON completion_audit
    FOR EACH ROW EXECUTE FUNCTION completion_audit_kept();

-- Whoever's voucher leaves a class, by dropping out, expiry or cancellation, leaves the seat, in the same transaction.
-- An own share that nobody paid yet is asked for no more; one that was paid is the institution's to give back.
CREATE FUNCTION voucher_left_class() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_class uuid;
    v_enrolment uuid;
BEGIN
    UPDATE enrolment SET dropped_at = clock_timestamp() WHERE voucher = NEW.id AND dropped_at IS NULL
        RETURNING class, id INTO v_class, v_enrolment;
    IF FOUND THEN
        PERFORM pay_close(t.order_id, NULL, NULL) FROM tuition t WHERE t.enrolment = v_enrolment AND t.state = 'open';
        UPDATE training_class SET taken = taken - 1 WHERE id = v_class;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER voucher_left_class AFTER UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.class IS NOT NULL AND NEW.state IN ('claimed', 'expired', 'cancelled'))
    EXECUTE FUNCTION voucher_left_class();

-- What becomes of an order becomes of the own share that it is for.
CREATE FUNCTION tuition_followed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tuition SET state = CASE WHEN NEW.state IN ('paid', 'partially_refunded') THEN 'paid' ELSE 'ended' END
        WHERE order_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER tuition_followed AFTER UPDATE OF state ON pay_order
    FOR EACH ROW WHEN (NEW.item = 'A1-75' AND OLD.state <> NEW.state AND NEW.state IN
                       ('paid', 'partially_refunded', 'refunded', 'failed', 'closed', 'reversed'))
    EXECUTE FUNCTION tuition_followed();
