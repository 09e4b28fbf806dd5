-- The ledger: accounts, journals, entries, holds. Amounts are integers: 分 of money, pieces of vouchers, minutes of volunteers' time.
-- One sign everywhere: + is credit (received, owed to the account's owner), − is debit; each journal sums to 0 per unit.

ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('registrar', 'cards', 'security', 'finance'));

-- What one column may hold is said by its type: a CHECK is read and compiled anew by every statement that writes a row,
-- a domain is kept. A CHECK that stays compares two columns.
CREATE DOMAIN ledger_word AS text CHECK (VALUE ~ '^[a-z_]{1,40}$');
CREATE DOMAIN ledger_unit AS text CHECK (VALUE ~ '^(CNY|VHOUR|VOUCHER/[A-Za-z0-9_-]{1,64})$');
CREATE DOMAIN leg_amount AS bigint CHECK (VALUE <> 0);
CREATE DOMAIN leg_place AS bigint CHECK (VALUE > 0);
CREATE DOMAIN amount_held AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN amount_to_hold AS bigint CHECK (VALUE > 0);
CREATE DOMAIN hold_state AS text CHECK (VALUE IN ('open', 'posted', 'voided', 'expired'));

-- What an account is for, and the terms on which one of that book is opened. `floor`: what balance − held may not
-- fall below (none: as far as it goes). `hot`: many post to it at once, so that credits, and debits where there is
-- no floor, are appended without a lock (`hot_leg`) and folded into entries later.
CREATE TABLE book (
    name text PRIMARY KEY,
    normal_side text NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    floor bigint,
    hot boolean NOT NULL
);
INSERT INTO book (name, normal_side, floor, hot) VALUES
    ('bank_clearing', 'debit', NULL, true),        -- what a bank has taken from payers and owes the platform
    ('settlement_clearing', 'debit', NULL, true),  -- what is on its way to banks of payees
    ('merchant_payable', 'credit', 0, true),       -- what is owed to a merchant
    ('fund', 'credit', 0, false),                  -- a programme's money, vouchers or hours
    ('escrow', 'credit', 0, false),                -- set aside for somebody
    ('wallet', 'credit', 0, false),                -- a holder's own units: vouchers, volunteer hours
    ('fee', 'credit', NULL, true),                 -- earned by the platform
    ('subsidy', 'debit', NULL, true),              -- what a city bears for the rides of free groups
    ('receivable', 'debit', NULL, false),          -- what somebody owes, such as for a ride
    ('rounding', 'credit', NULL, true),            -- what splits leave over
    ('suspense', 'debit', NULL, false),            -- differences that are not explained yet
    ('issue', 'debit', NULL, true);                -- where units that are not money come from

CREATE TABLE account (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_kind ledger_word NOT NULL,
    owner text NOT NULL,
    book text NOT NULL REFERENCES book,
    unit ledger_unit NOT NULL,
    normal_side text NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    held amount_held NOT NULL DEFAULT 0,
    floor bigint,
    seq bigint NOT NULL DEFAULT 0,
    hot boolean NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_kind, owner, book, unit),
    CONSTRAINT account_floor CHECK (balance - held >= floor)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE journal (
    id uuid PRIMARY KEY,
    kind ledger_word NOT NULL,
    ref_kind ledger_word NOT NULL,
    ref uuid NOT NULL,
    reverses uuid REFERENCES journal,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE UNIQUE INDEX journal_reversed_once ON journal (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX journal_by_ref ON journal (ref);
CREATE INDEX journal_by_xid ON journal (xid);

-- Legs are numbered over both tables, so that one keeps its number when it is folded.
CREATE SEQUENCE ledger_leg_n;

-- No foreign keys to account: each would lock the account's row, which `hot_leg` is there to avoid. The functions
-- below are the only writers, and `ecard ledger check` looks for legs without account or journal.
CREATE TABLE entry (
    account uuid NOT NULL,
    seq leg_place NOT NULL,
    n bigint NOT NULL DEFAULT nextval('ledger_leg_n'),
    journal uuid NOT NULL,
    amount leg_amount NOT NULL,
    balance_after bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account, seq)
);
CREATE INDEX entry_by_journal ON entry (journal);

CREATE TABLE hot_leg (
    n bigint NOT NULL DEFAULT nextval('ledger_leg_n'),
    account uuid NOT NULL,
    journal uuid NOT NULL,
    amount leg_amount NOT NULL,
    PRIMARY KEY (account, n)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX hot_leg_by_journal ON hot_leg (journal);

CREATE TABLE hold (
    id uuid PRIMARY KEY,
    account uuid NOT NULL REFERENCES account,
    amount amount_to_hold NOT NULL,
    ref_kind ledger_word NOT NULL,
    ref uuid NOT NULL,
    state hold_state NOT NULL DEFAULT 'open',
    journal uuid REFERENCES journal,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    resolved_at timestamptz,
    CHECK ((state = 'posted') = (journal IS NOT NULL)),
    CHECK ((state = 'open') = (resolved_at IS NULL))
);
CREATE INDEX hold_open ON hold (account) WHERE state = 'open';
CREATE INDEX hold_to_expire ON hold (expires_at) WHERE state = 'open';
CREATE INDEX hold_by_ref ON hold (ref);

-- A period of sealed legs: the range [from_xid, to_xid) of transactions, its leaves, and the signed token.
CREATE TABLE ledger_period (
    seq bigint PRIMARY KEY,
    from_xid bigint NOT NULL,
    to_xid bigint NOT NULL CHECK (to_xid > from_xid),
    leaves bytea NOT NULL,
    token text NOT NULL
);

-- Every leg, folded or not; a journal's legs are all here from its commit on.
CREATE VIEW ledger_leg AS
    SELECT n, journal, account, amount, seq FROM entry
    UNION ALL SELECT n, journal, account, amount, NULL FROM hot_leg;

-- What an account holds now, with what is not folded yet. available: what may still go out; NULL without a floor.
CREATE VIEW account_balance AS
    SELECT a.id, a.owner_kind, a.owner, a.book, a.unit, a.normal_side, a.balance + p.pending AS balance, a.held,
           a.balance + p.pending - a.held - a.floor AS available, p.pending
    FROM account a CROSS JOIN LATERAL
         (SELECT coalesce(sum(h.amount), 0)::bigint AS pending FROM hot_leg h WHERE h.account = a.id) p;

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'LG009';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal EXECUTE FUNCTION append_only();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION append_only();
CREATE TRIGGER hot_leg_append_only BEFORE UPDATE OR TRUNCATE ON hot_leg EXECUTE FUNCTION append_only();
CREATE TRIGGER hold_kept BEFORE DELETE OR TRUNCATE ON hold EXECUTE FUNCTION append_only();
CREATE TRIGGER account_kept BEFORE DELETE OR TRUNCATE ON account EXECUTE FUNCTION append_only();
