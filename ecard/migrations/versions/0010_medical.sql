-- Medical and work-injury settlement (就医结算): regions and their rules, institutions, encounters with their fees, and
-- settlements in legs. Amounts are integers in 分; times are the database's own.

INSERT INTO book (name, normal_side, floor, hot) VALUES
    ('insurance_fund', 'debit', NULL, true),     -- what a region's fund, or an insurer, bears for its insured
    ('personal_account', 'credit', 0, false),    -- 个人账户: a holder's own part of the insurance
    ('region_clearing', 'credit', NULL, true),   -- what an insured person's region owes the region of the treatment
    ('region_advance', 'debit', NULL, true),     -- what a region has paid its institutions for other regions
    ('patient_share', 'debit', NULL, true),      -- what patients bore in cash …
    ('cash_received', 'credit', NULL, true),     -- … and institutions took of it, at the till or by an order
    ('patient_debt', 'debit', NULL, false),      -- what a patient still owes for what was done while off-line …
    ('debt_claim', 'credit', NULL, true);        -- … and to which institution

-- 统筹地区: a pooling region, and the server of its insurance agency (none: the sandbox's own).
CREATE TABLE medical_region (
    code text PRIMARY KEY CHECK (code ~ '^[0-9]{6}$'),
    name text NOT NULL,
    url text,
    key bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((url IS NULL) = (key IS NULL))
);

-- 待遇政策: what a region's scheme pays for a kind of care, from a day on and until another. Never changed.
CREATE TABLE medical_rule (
    id uuid PRIMARY KEY,
    region text NOT NULL REFERENCES medical_region,
    scheme text NOT NULL,
    care text NOT NULL,
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    body jsonb NOT NULL,
    by uuid,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (region, scheme, care, valid_from)
);

-- 定点医药机构: a merchant that a region lets settle, and its grade, on which deductibles and shares depend.
CREATE TABLE medical_institution (
    agency uuid PRIMARY KEY REFERENCES merchant,
    region text NOT NULL REFERENCES medical_region,
    grade text NOT NULL CHECK (grade IN ('primary', 'secondary', 'tertiary', 'pharmacy')),
    by uuid,
    at timestamptz NOT NULL DEFAULT now()
);

-- 就诊登记: who was treated where, from one visit, and how the person was insured then.
CREATE TABLE medical_encounter (
    id uuid PRIMARY KEY,
    visit uuid NOT NULL UNIQUE,
    evidence_sha256 bytea NOT NULL,
    item text NOT NULL,
    holder uuid NOT NULL,
    card integer NOT NULL REFERENCES card,
    agency uuid NOT NULL REFERENCES medical_institution,
    terminal uuid NOT NULL,
    care text NOT NULL,
    one_stop boolean NOT NULL,
    region_care text NOT NULL,
    grade text NOT NULL,
    region_insured text NOT NULL REFERENCES medical_region,
    scheme text NOT NULL,
    categories text[] NOT NULL,
    began_on date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX medical_encounter_by_holder ON medical_encounter (holder, created_at);

-- 费用明细 of a segment (a long stay is settled in several): sealed, and a MAC by which a change of it is seen.
CREATE TABLE medical_fees (
    encounter uuid NOT NULL REFERENCES medical_encounter,
    segment smallint NOT NULL CHECK (segment BETWEEN 1 AND 99),
    lines bytea NOT NULL,
    mac bytea NOT NULL,
    total fen_asked NOT NULL,
    class_b bigint NOT NULL CHECK (class_b >= 0),
    class_c bigint NOT NULL CHECK (class_c >= 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (encounter, segment),
    CHECK (class_b + class_c <= total)
);

-- 年度累计: what of a person's year has counted so far, by kind of care: deductible, eligible, pooled, borne, serious,
-- aid, commercial. `version` moves with each change, so that a trial of before is seen to be stale.
CREATE TABLE medical_year (
    holder uuid NOT NULL,
    region text NOT NULL,
    scheme text NOT NULL,
    care text NOT NULL,
    year smallint NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    sums bigint[] NOT NULL DEFAULT '{0,0,0,0,0,0,0}' CHECK (cardinality(sums) = 7 AND 0 <= ALL (sums)),
    PRIMARY KEY (holder, region, scheme, care, year)
);

-- A personal account is opened once, with what the insurance says to be on it.
CREATE TABLE medical_account (
    holder uuid PRIMARY KEY,
    region text NOT NULL,
    journal uuid REFERENCES journal,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- 结算. `added` is what it adds to the year's sums. `cash_by`: the order that pays the cash leg, or the institution's
-- till. `cash_back`: what of the order's money is to go back. `paid` is what was taken off-line, `debt` what then lacks.
CREATE TABLE medical_settlement (
    id uuid PRIMARY KEY,
    encounter uuid NOT NULL REFERENCES medical_encounter,
    segment smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('precalc', 'confirming', 'confirmed', 'reversed', 'rejected', 'superseded',
                                         'recorded', 'uploaded', 'debt')),
    total fen_asked NOT NULL,
    reversed bigint NOT NULL DEFAULT 0 CHECK (reversed BETWEEN 0 AND total),
    fees_mac bytea NOT NULL,
    split bytea,
    rule uuid REFERENCES medical_rule,
    year smallint,
    year_version bigint,
    added bigint[] NOT NULL DEFAULT '{0,0,0,0,0,0,0}' CHECK (cardinality(added) = 7),
    cash_by text CHECK (cash_by IN ('order', 'till')),
    order_id uuid REFERENCES pay_order,
    cash_at timestamptz,
    cash_back bigint NOT NULL DEFAULT 0 CHECK (cash_back >= 0),
    hold uuid REFERENCES hold,
    journal uuid REFERENCES journal,
    record_no text,
    agency uuid NOT NULL,
    recorded_on date,
    paid bigint CHECK (paid BETWEEN 0 AND total),
    debt bigint NOT NULL DEFAULT 0 CHECK (debt >= 0),
    debt_journal uuid REFERENCES journal,
    refusal text,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamptz,
    UNIQUE (agency, record_no),
    CHECK ((record_no IS NULL) = (recorded_on IS NULL) AND (record_no IS NULL) = (paid IS NULL)),
    CHECK ((cash_by = 'order') IS NOT DISTINCT FROM (order_id IS NOT NULL) OR cash_by IS NULL),
    CHECK (state NOT IN ('confirmed', 'reversed') OR journal IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX medical_settled_once ON medical_settlement (encounter, segment)
    WHERE state NOT IN ('superseded', 'reversed', 'rejected');
CREATE INDEX medical_settlement_by_order ON medical_settlement (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX medical_settlement_back ON medical_settlement (id) WHERE cash_back > 0;

-- 分项: a settlement's legs, and how much of each has gone back.
CREATE TABLE medical_leg (
    settlement uuid NOT NULL REFERENCES medical_settlement,
    place smallint NOT NULL CHECK (place BETWEEN 1 AND 7),
    kind text NOT NULL,
    amount fen_counted NOT NULL,
    reversed bigint NOT NULL DEFAULT 0 CHECK (reversed BETWEEN 0 AND amount),
    PRIMARY KEY (settlement, place),
    CHECK (kind = (ARRAY['pooled', 'serious', 'civil', 'aid', 'commercial', 'personal', 'cash'])[place])
);

-- 冲正: a part of a settlement, or all of it, mirrored leg by leg; `hold` sets it aside at the institution meanwhile.
CREATE TABLE medical_reversal (
    id uuid PRIMARY KEY,
    settlement uuid NOT NULL REFERENCES medical_settlement,
    out_reversal_no text NOT NULL,
    terminal uuid NOT NULL,
    amount fen_asked NOT NULL,
    parts bigint[] NOT NULL CHECK (cardinality(parts) = 7 AND 0 <= ALL (parts)),
    taken bigint[] NOT NULL CHECK (cardinality(taken) = 7),
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'done', 'refused')),
    hold uuid REFERENCES hold,
    journal uuid REFERENCES journal,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    UNIQUE (settlement, out_reversal_no),
    CHECK ((state = 'done') = (journal IS NOT NULL))
);

-- What a region's agency is asked: committed before it is asked, under a reference that it takes once. `subject` is a
-- settlement or a reversal. `next_check_at` is when to ask what became of it.
CREATE TABLE medical_ask (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL UNIQUE,
    settlement uuid NOT NULL REFERENCES medical_settlement,
    kind text NOT NULL CHECK (kind IN ('settle', 'reverse')),
    region text NOT NULL REFERENCES medical_region,
    outcome text NOT NULL DEFAULT 'sent' CHECK (outcome IN ('sent', 'unknown', 'ok', 'refused')),
    code text,
    checks smallint NOT NULL DEFAULT 0,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz,
    next_check_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX medical_ask_due ON medical_ask (next_check_at) WHERE next_check_at IS NOT NULL;

-- 清算: what two regions owed each other when it was netted; `net` is paid by `a` to `b`, by `b` to `a` where negative.
CREATE TABLE medical_netting (
    id uuid PRIMARY KEY,
    day date NOT NULL,
    a text NOT NULL REFERENCES medical_region,
    b text NOT NULL REFERENCES medical_region,
    owed_by_a bigint NOT NULL,
    owed_by_b bigint NOT NULL,
    net bigint NOT NULL,
    journal uuid NOT NULL REFERENCES journal,
    by uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (a < b AND net = owed_by_a - owed_by_b)
);
CREATE INDEX medical_netting_by_pair ON medical_netting (a, b, day);
