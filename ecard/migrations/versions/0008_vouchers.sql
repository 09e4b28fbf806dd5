-- Training vouchers: programmes, batches, vouchers and what happened to each. Amounts are integers in 分; times are the
-- database's own. The money of a living voucher is a hold on its batch's escrow: Σ open holds = Σ live face.

ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('registrar', 'cards', 'security', 'finance', 'training'));

-- 培训券项目. `groups`: whom it is for (empty: everybody); `institutions`: where it may be used (empty: every training
-- institution of the region). More days than three months need the local rule that allows them. `once`: who has used
-- one gets no other. `correction_days`: what a rejected completion has at least to be put right.
CREATE TABLE voucher_programme (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    kind text NOT NULL CHECK (kind IN ('general', 'targeted')),
    worth text NOT NULL CHECK (worth IN ('face', 'entitlement', 'attendance')),
    level text NOT NULL CHECK (level IN ('basic', 'advanced')),
    content text NOT NULL CHECK (content <> ''),
    groups text[] NOT NULL DEFAULT '{}',
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    institutions uuid[] NOT NULL DEFAULT '{}',
    validity_days smallint NOT NULL CHECK (validity_days > 0),
    longer_by text CHECK (longer_by <> ''),
    per_person smallint NOT NULL DEFAULT 1 CHECK (per_person BETWEEN 1 AND 20),
    once boolean NOT NULL DEFAULT false,
    min_attendance_percent smallint NOT NULL DEFAULT 80 CHECK (min_attendance_percent BETWEEN 0 AND 100),
    correction_days smallint NOT NULL DEFAULT 7 CHECK (correction_days BETWEEN 0 AND 30),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    CHECK (validity_days <= 92 OR longer_by IS NOT NULL AND validity_days <= 1096)
);

-- 批次. Its whole money lies in escrow accounts before its first voucher exists, one for every hundred vouchers, so
-- that redemptions of one batch do not queue at one row: voucher n is of account n % cardinality(escrows).
-- `issued + skipped` of the `quantity` are decided; a pushed batch skips people who have got a voucher meanwhile.
CREATE TABLE voucher_batch (
    id uuid PRIMARY KEY,
    programme uuid NOT NULL REFERENCES voucher_programme,
    number text NOT NULL CHECK (number <> ''),
    source text NOT NULL CHECK (source ~ '^[a-z][a-z0-9_]{0,31}$'),
    face bigint NOT NULL CHECK (face BETWEEN 0 AND 100000000),
    quantity integer NOT NULL CHECK (quantity BETWEEN 0 AND 1000000),
    pushed boolean NOT NULL,
    people_sha256 bytea,
    issued integer NOT NULL DEFAULT 0 CHECK (issued >= 0),
    skipped integer NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    fund uuid REFERENCES account,
    escrows uuid[] NOT NULL DEFAULT '{}',
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'issuing', 'issued', 'cancelling', 'cancelled')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    UNIQUE (programme, number),
    CHECK (valid_from < valid_until),
    CHECK (issued + skipped <= quantity),
    CHECK (state <> 'issued' OR issued + skipped = quantity),
    CHECK (face = 0 OR state IN ('draft', 'cancelled') OR fund IS NOT NULL)
);
CREATE INDEX voucher_batch_working ON voucher_batch (id) WHERE state IN ('issuing', 'cancelling');

-- Whom a pushed batch names, by line of the file: a holder who is to have voucher `n`, or why not.
CREATE TABLE batch_person (
    batch uuid NOT NULL REFERENCES voucher_batch,
    place integer NOT NULL CHECK (place > 0),
    holder uuid,
    n integer,
    error text,
    PRIMARY KEY (batch, place),
    CHECK (holder IS NOT NULL OR error IS NOT NULL)
);
CREATE UNIQUE INDEX batch_person_once ON batch_person (batch, holder) WHERE error IS NULL;
CREATE UNIQUE INDEX batch_person_n ON batch_person (batch, n) WHERE n IS NOT NULL;

-- What one column may hold is said by its type, as for orders.
CREATE DOMAIN voucher_state AS text CHECK (VALUE IN ('issued', 'claimed', 'bound', 'in_use', 'completed', 'audited',
    'redeemed', 'settled', 'frozen', 'expired', 'cancelled', 'reversed'));
CREATE DOMAIN voucher_deed AS text CHECK (VALUE ~ '^[a-z_]{1,40}$');

-- 培训券. `slot`: which of the vouchers that one person may have of the programme it is; NULL when it takes no place.
-- `amount`: what the audit found of the face. No foreign keys: each would lock a row that all vouchers share. What
-- columns may say together is held by the trigger below, which is compiled once and not for every statement.
CREATE TABLE voucher (
    id uuid PRIMARY KEY,
    serial text NOT NULL UNIQUE,
    batch uuid NOT NULL,
    n integer NOT NULL,
    programme uuid NOT NULL,
    holder uuid,
    slot smallint,
    face fen_counted NOT NULL,
    state voucher_state NOT NULL,
    frozen_from voucher_state,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    hold uuid,
    class uuid,
    institution uuid,
    amount bigint,
    redeemed_at timestamptz,
    redeemed_by uuid,
    request_id text,
    journal uuid,
    version integer NOT NULL DEFAULT 0,
    UNIQUE (batch, n)
) WITH (fillfactor = 80);
-- One person has no more vouchers of a programme than it gives one person: whoever claims twice at once meets this.
CREATE UNIQUE INDEX voucher_slot ON voucher (programme, holder, slot) WHERE slot IS NOT NULL;
CREATE INDEX voucher_by_holder ON voucher (holder, id) WHERE holder IS NOT NULL;
CREATE INDEX voucher_by_institution ON voucher (institution, id) WHERE institution IS NOT NULL;
CREATE INDEX voucher_unclaimed ON voucher (programme, valid_until, batch, n) WHERE state = 'issued';
CREATE INDEX voucher_due ON voucher (valid_until) WHERE state IN ('issued', 'claimed', 'bound', 'in_use', 'frozen');
CREATE INDEX voucher_unsettled ON voucher (institution, journal) WHERE state = 'redeemed' AND journal IS NOT NULL;

-- A terminal's request redeems one voucher.
CREATE UNIQUE INDEX voucher_redeemed_once ON voucher (redeemed_by, request_id) WHERE request_id IS NOT NULL;

-- What happened to a voucher after it was issued (its batch says by whom and when). `place` and `evidence` are those
-- of a visit or a terminal; `seq` is the voucher's version that it made.
CREATE TABLE voucher_event (
    voucher uuid NOT NULL,
    seq integer NOT NULL,
    kind voucher_deed NOT NULL,
    actor uuid,
    place text,
    evidence text,
    visit uuid,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (voucher, seq)
);
CREATE TRIGGER voucher_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON voucher_event
    EXECUTE FUNCTION append_only();
CREATE TRIGGER voucher_kept BEFORE DELETE OR TRUNCATE ON voucher EXECUTE FUNCTION append_only();

-- The ways that a voucher may go, whoever moves it, and what it must be then; from expired, cancelled and reversed none
-- leads on.
CREATE FUNCTION voucher_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state = 'frozen') <> (NEW.frozen_from IS NOT NULL) OR (NEW.face = 0) <> (NEW.hold IS NULL)
        OR NEW.amount NOT BETWEEN 0 AND NEW.face OR NEW.holder IS NULL AND NEW.slot IS NOT NULL
        OR NEW.holder IS NULL AND NEW.state NOT IN ('frozen', 'issued', 'expired', 'cancelled')
        OR NEW.amount IS NULL AND NEW.state IN ('audited', 'redeemed', 'settled', 'reversed')
        OR (NEW.redeemed_at IS NULL) <> (NEW.state NOT IN ('redeemed', 'settled', 'reversed'))
    THEN
        RAISE EXCEPTION 'voucher: not what % is', NEW.state USING ERRCODE = 'check_violation';
    ELSIF NEW.state = ANY (CASE OLD.state
        WHEN 'issued' THEN '{claimed,frozen,expired,cancelled}'
        WHEN 'claimed' THEN '{bound,frozen,expired,cancelled}'
        WHEN 'bound' THEN '{in_use,claimed,frozen,expired,cancelled}'
        WHEN 'in_use' THEN '{completed,claimed,frozen,expired,cancelled}'
        WHEN 'completed' THEN '{audited,in_use,frozen,cancelled}'
        WHEN 'audited' THEN '{redeemed,frozen,cancelled}'
        WHEN 'redeemed' THEN '{settled,reversed}'
        WHEN 'frozen' THEN ARRAY[OLD.frozen_from, 'cancelled', 'expired']
        ELSE '{}' END::text[])
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'voucher: no way from % to %', OLD.state, NEW.state USING ERRCODE = 'VC001';
END $$;
CREATE TRIGGER voucher_moved BEFORE UPDATE OF state ON voucher
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION voucher_moved();

-- A voucher's number: 18 random digits and two that check them (GB/T 17710-2008, ISO 7064 MOD 97-10). Two plain
-- expressions, which the planner puts in place: a million numbers are made in one statement.
CREATE FUNCTION voucher_random() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || substr(encode(uuid_send(gen_random_uuid()), 'hex'), 1, 12))::bit(48)::bigint % 1000000000 * 1000000000
         + ('x' || substr(encode(uuid_send(gen_random_uuid()), 'hex'), 1, 12))::bit(48)::bigint % 1000000000
$$;
CREATE FUNCTION voucher_serial(p_number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lpad(p_number::text, 18, '0') || lpad((98 - p_number % 97 * 100 % 97)::text, 2, '0')
$$;
