-- 待遇发放: programmes, batches of a period, lines, and who approved them. Amounts are 分, times the database's own.

-- A programme names the catalogue's item that it pays, the agencies that may hand in batches, and its rules. Where
-- the item discloses no name (A1-26), its payees are pseudonyms.
CREATE TABLE benefit_programme (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    item text NOT NULL,
    agencies uuid[] NOT NULL CHECK (cardinality(agencies) > 0),
    components text[] NOT NULL CHECK (cardinality(components) > 0),
    line_limit bigint NOT NULL CHECK (line_limit BETWEEN 1 AND 999999999999),
    -- 公示: working days.
    notice_days smallint NOT NULL CHECK (notice_days BETWEEN 0 AND 60),
    -- 资格认证: certified under one of these items within so many months; none is asked for where the list is empty.
    certified_by text[] NOT NULL,
    certified_months smallint NOT NULL CHECK (certified_months BETWEEN 1 AND 60),
    pseudonymous boolean NOT NULL,
    fund uuid NOT NULL REFERENCES account,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);

-- Money that a programme was given, by its source.
CREATE TABLE benefit_budget (
    id uuid PRIMARY KEY,
    programme uuid NOT NULL REFERENCES benefit_programme,
    source text NOT NULL CHECK (source ~ '^[a-z_]{1,32}$'),
    amount bigint NOT NULL CHECK (amount > 0),
    journal uuid NOT NULL REFERENCES journal,
    by uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- Who is behind a pseudonym is sealed; the index finds a holder's own, and says nothing to whoever has a copy of this.
CREATE TABLE benefit_pseudonym (
    id uuid PRIMARY KEY,
    programme uuid NOT NULL REFERENCES benefit_programme,
    owner_index bytea NOT NULL UNIQUE,
    holder bytea NOT NULL,
    token_index bytea NOT NULL UNIQUE,
    token bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE DOMAIN benefit_batch_state AS text CHECK (VALUE IN (
    'draft', 'notice', 'level1', 'level2', 'releasing', 'done', 'closed', 'cancelled'));
-- A batch. `round` counts how often it was handed in: what was approved of an earlier round is void. No foreign key
-- from lines: each would lock this row.
CREATE TABLE benefit_batch (
    id uuid PRIMARY KEY,
    programme uuid NOT NULL REFERENCES benefit_programme,
    agency uuid NOT NULL REFERENCES agency,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}(-[0-9A-Z]{1,8})?$'),
    number text NOT NULL CHECK (number <> ''),
    state benefit_batch_state NOT NULL DEFAULT 'draft',
    round smallint NOT NULL DEFAULT 1,
    notice_ends_at timestamptz,
    reason text NOT NULL DEFAULT '',
    escrow uuid REFERENCES account,
    funding uuid REFERENCES journal,
    token text,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_by uuid,
    released_at timestamptz,
    done_at timestamptz,
    UNIQUE (programme, agency, number),
    CHECK (state NOT IN ('releasing', 'done', 'closed') OR (funding IS NOT NULL AND escrow IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX benefit_batch_releasing ON benefit_batch (released_at) WHERE state = 'releasing';
CREATE INDEX benefit_batch_waiting ON benefit_batch (state, id) WHERE state IN ('notice', 'level1', 'level2');

-- What was handed in, round by round: the Merkle root over the lines (RFC 9162 §2.1) and its leaves, 32 bytes each.
CREATE TABLE benefit_manifest (
    batch uuid NOT NULL REFERENCES benefit_batch,
    round smallint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32),
    lines integer NOT NULL CHECK (lines > 0),
    total bigint NOT NULL CHECK (total > 0),
    leaves bytea NOT NULL,
    by uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (batch, round),
    UNIQUE (batch, round, root),
    CHECK (length(leaves) = lines * 32)
);

-- Four eyes, whoever writes this table: a level follows the one below it, names the very manifest that was handed in,
-- and no operator approves twice.
CREATE TABLE benefit_approval (
    batch uuid NOT NULL,
    round smallint NOT NULL,
    level smallint NOT NULL CHECK (level IN (1, 2)),
    root bytea NOT NULL,
    by uuid NOT NULL REFERENCES operator (actor),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    below smallint GENERATED ALWAYS AS (nullif(level - 1, 0)) STORED,
    PRIMARY KEY (batch, round, level),
    CONSTRAINT four_eyes UNIQUE (batch, round, by),
    CONSTRAINT this_manifest FOREIGN KEY (batch, round, root) REFERENCES benefit_manifest (batch, round, root),
    CONSTRAINT level_below FOREIGN KEY (batch, round, below) REFERENCES benefit_approval (batch, round, level)
);
CREATE TRIGGER benefit_approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON benefit_approval
    EXECUTE FUNCTION append_only();
CREATE TRIGGER benefit_manifest_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON benefit_manifest
    EXECUTE FUNCTION append_only();

-- A batch moves as the business does, and nothing is released that two operators have not approved as it stands: whatever
-- is a draft again, and so may have other lines, is another round.
CREATE FUNCTION benefit_batch_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_seen integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.round <> 1 THEN
            RAISE EXCEPTION 'benefit: a batch begins as a draft' USING ERRCODE = 'BN001';
        END IF;
        RETURN NEW;
    ELSIF NEW.round <> OLD.round + (NEW.state = 'draft')::integer THEN
        RAISE EXCEPTION 'benefit: a draft again is another round' USING ERRCODE = 'BN001';
    ELSIF OLD.state || '>' || NEW.state <> ALL (ARRAY['draft>notice', 'notice>level1', 'level1>level2',
        'notice>draft', 'level1>draft', 'level2>draft', 'level2>releasing', 'releasing>done', 'done>releasing',
        'releasing>closed', 'done>closed', 'draft>cancelled', 'notice>cancelled', 'level1>cancelled',
        'level2>cancelled']) THEN
        RAISE EXCEPTION 'benefit: no such move' USING ERRCODE = 'BN001';
    END IF;
    SELECT count(DISTINCT a.by) INTO v_seen FROM benefit_approval a
        JOIN benefit_manifest m ON (m.batch, m.round, m.root) = (a.batch, a.round, a.root)
        WHERE a.batch = NEW.id AND a.round = NEW.round;
    IF v_seen < (CASE NEW.state WHEN 'level1' THEN 1 WHEN 'level2' THEN 2 WHEN 'releasing' THEN 2 ELSE 0 END) THEN
        RAISE EXCEPTION 'benefit: not approved' USING ERRCODE = 'BN002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER benefit_batch_moved BEFORE UPDATE ON benefit_batch FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.round <> NEW.round) EXECUTE FUNCTION benefit_batch_moves();
CREATE TRIGGER benefit_batch_begun BEFORE INSERT ON benefit_batch FOR EACH ROW EXECUTE FUNCTION benefit_batch_moves();

CREATE DOMAIN benefit_state AS text CHECK (VALUE IN ('ready', 'held', 'sent', 'unknown', 'paid', 'returned', 'cancelled'));
CREATE DOMAIN benefit_amount AS bigint CHECK (VALUE BETWEEN 1 AND 999999999999);
-- A line: what a payee is to have. `try` counts pay-outs of one line of the manifest, each a row of its own. `reason`
-- says why it is held, or with which code the bank returned it. `due_at` is when it is looked at next; whoever looks
-- moves it ahead. `account` is where it was sent, sealed.
CREATE TABLE benefit_line (
    id uuid PRIMARY KEY,
    batch uuid NOT NULL,
    n integer NOT NULL CHECK (n > 0),
    try smallint NOT NULL DEFAULT 1 CHECK (try > 0),
    programme uuid NOT NULL,
    period text NOT NULL,
    component text NOT NULL,
    payee uuid NOT NULL,
    amount benefit_amount NOT NULL,
    reference text NOT NULL,
    salt bytea NOT NULL CHECK (length(salt) = 16),
    state benefit_state NOT NULL DEFAULT 'ready',
    reason text NOT NULL DEFAULT '',
    redrive_of uuid UNIQUE REFERENCES benefit_line,
    bank text,
    account bytea,
    account_index bytea,
    due_at timestamptz DEFAULT clock_timestamp(),
    sent_at timestamptz,
    done_at timestamptz,
    UNIQUE (batch, n, try),
    CHECK ((try > 1) = (redrive_of IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
-- 不重复发放: once for a payee, a period and a component of a programme, over all batches and agencies.
CREATE UNIQUE INDEX benefit_line_once ON benefit_line (programme, payee, period, component)
    WHERE state NOT IN ('returned', 'cancelled');
CREATE INDEX benefit_line_open ON benefit_line (batch, due_at) WHERE state IN ('ready', 'held');
CREATE INDEX benefit_line_asked ON benefit_line (batch) WHERE state IN ('sent', 'unknown');
CREATE INDEX benefit_line_returned ON benefit_line (due_at) WHERE state = 'returned' AND due_at IS NOT NULL;
CREATE INDEX benefit_line_of ON benefit_line (payee, id);

-- What a line says never changes; lines come and go while their batch is a draft, and later only as another try.
CREATE FUNCTION benefit_line_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'benefit: a line does not change' USING ERRCODE = 'BN003';
END $$;
CREATE TRIGGER benefit_line_unchanged BEFORE UPDATE ON benefit_line FOR EACH ROW
    WHEN ((OLD.id, OLD.batch, OLD.n, OLD.try, OLD.programme, OLD.period, OLD.component, OLD.payee, OLD.amount,
           OLD.reference, OLD.salt) IS DISTINCT FROM
          (NEW.id, NEW.batch, NEW.n, NEW.try, NEW.programme, NEW.period, NEW.component, NEW.payee, NEW.amount,
           NEW.reference, NEW.salt)) EXECUTE FUNCTION benefit_line_fixed();
CREATE TRIGGER benefit_line_kept BEFORE TRUNCATE ON benefit_line EXECUTE FUNCTION benefit_line_fixed();
CREATE FUNCTION benefit_line_of_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT batch FROM touched WHERE try = 1) t
               LEFT JOIN benefit_batch b ON b.id = t.batch WHERE b.state IS DISTINCT FROM 'draft') THEN
        RAISE EXCEPTION 'benefit: a line of what was handed in' USING ERRCODE = 'BN003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER benefit_line_added AFTER INSERT ON benefit_line REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION benefit_line_of_draft();
CREATE TRIGGER benefit_line_dropped AFTER DELETE ON benefit_line REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION benefit_line_of_draft();

-- Another try is of a line that was returned, and says what it said.
CREATE FUNCTION benefit_line_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM benefit_line x WHERE x.id = NEW.redrive_of AND x.state = 'returned' AND
            (x.batch, x.n, x.try + 1, x.programme, x.period, x.component, x.payee, x.amount, x.reference, x.salt)
            = (NEW.batch, NEW.n, NEW.try, NEW.programme, NEW.period, NEW.component, NEW.payee, NEW.amount, NEW.reference,
               NEW.salt)) THEN
        RAISE EXCEPTION 'benefit: no try of what was returned' USING ERRCODE = 'BN003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER benefit_line_tried BEFORE INSERT ON benefit_line FOR EACH ROW WHEN (NEW.try > 1)
    EXECUTE FUNCTION benefit_line_again();

-- Lines that were handed in and not taken: their place and why, nothing of what they say.
CREATE TABLE benefit_bad_line (
    batch uuid NOT NULL REFERENCES benefit_batch,
    n integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (batch, n)
);

-- 错发追回: what was paid and is to come back. Two operators open it; what came back is booked once for its reference.
CREATE TABLE benefit_clawback (
    line uuid PRIMARY KEY REFERENCES benefit_line,
    amount bigint NOT NULL CHECK (amount > 0),
    recovered bigint NOT NULL DEFAULT 0,
    reason text NOT NULL CHECK (reason <> ''),
    proposed_by uuid NOT NULL REFERENCES operator (actor),
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_by uuid REFERENCES operator (actor),
    confirmed_at timestamptz,
    journal uuid REFERENCES journal,
    CHECK (recovered BETWEEN 0 AND amount),
    CHECK ((confirmed_by IS NULL) = (journal IS NULL)),
    CHECK (recovered = 0 OR journal IS NOT NULL),
    CONSTRAINT four_eyes CHECK (confirmed_by <> proposed_by)
);
CREATE TABLE benefit_recovery (
    bank text NOT NULL REFERENCES bank,
    bank_ref text NOT NULL,
    line uuid NOT NULL REFERENCES benefit_clawback,
    amount bigint NOT NULL CHECK (amount > 0),
    journal uuid NOT NULL REFERENCES journal,
    by uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (bank, bank_ref)
);
