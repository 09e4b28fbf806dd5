-- Merchants, orders, refunds, and what banks are asked for. Amounts are integers in 分; times are the database's own.

-- 商户: a registered agency that may take money, for the items that it may charge.
CREATE TABLE merchant (
    agency uuid PRIMARY KEY REFERENCES agency,
    name text NOT NULL,
    category text NOT NULL CHECK (category ~ '^[0-9]{4}$'),
    bank text NOT NULL,
    bank_account bytea NOT NULL,
    items text[] NOT NULL CHECK (cardinality(items) > 0),
    order_limit bigint NOT NULL CHECK (order_limit BETWEEN 1 AND 999999999999),
    small_free_limit bigint NOT NULL CHECK (small_free_limit BETWEEN 0 AND order_limit),
    payable uuid NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    suspended_at timestamptz
);

-- What one column may hold is said by its type, as in the ledger (0004_ledger.sql).
CREATE DOMAIN fen_counted AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN fen_asked AS bigint CHECK (VALUE > 0);
CREATE DOMAIN order_amount AS bigint CHECK (VALUE BETWEEN 1 AND 999999999999);
CREATE DOMAIN times_counted AS smallint CHECK (VALUE >= 0);
CREATE DOMAIN order_kind AS text CHECK (VALUE IN ('code', 'app', 'order_code', 'static_code', 'bill', 'ride',
    'medical'));
CREATE DOMAIN order_state AS text CHECK (VALUE IN ('created', 'user_confirming', 'processing', 'unknown', 'reversing',
    'paid', 'partially_refunded', 'refunded', 'failed', 'reversed', 'closed', 'suspended'));
CREATE DOMAIN evidence_class AS text CHECK (VALUE IN ('A', 'B', 'C', 'D'));
CREATE DOMAIN attempt_kind AS text CHECK (VALUE IN ('pay', 'refund', 'payout'));
CREATE DOMAIN attempt_outcome AS text CHECK (VALUE IN ('sent', 'ok', 'failed', 'unknown', 'reversed'));

-- 付款人: the bank of a card's account, what its holder agreed to, and what the day has used up, by class of
-- evidence (银发〔2017〕296号). `bank` is bound at the first payment, and again when the registry changed.
CREATE TABLE payer (
    card integer PRIMARY KEY REFERENCES card,
    bank text,
    agreed fen_counted NOT NULL DEFAULT 0,
    free_each fen_counted NOT NULL DEFAULT 0,
    free_times times_counted NOT NULL DEFAULT 0,
    day date NOT NULL DEFAULT '-infinity',
    spent_a fen_counted NOT NULL DEFAULT 0,
    spent_b fen_counted NOT NULL DEFAULT 0,
    spent_c fen_counted NOT NULL DEFAULT 0,
    spent_d fen_counted NOT NULL DEFAULT 0,
    free_used times_counted NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE FUNCTION payer_unbound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payer p SET bank = NULL FROM card c WHERE c.holder = NEW.id AND p.card = c.seq AND p.bank IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER profile_changed AFTER UPDATE OF profile ON holder
    FOR EACH ROW WHEN (OLD.profile <> NEW.profile) EXECUTE FUNCTION payer_unbound();

-- 订单. A paid one has the id of its visit, by which a holder's orders are found. `counted_on`: the day whose limit it
-- counts in. `refunded` counts what is refunded or about to be. No foreign key to the merchant: each would lock the
-- one row of a busy merchant (rows are never deleted, and `pay_charge` and `pay_open` read it).
CREATE TABLE pay_order (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    out_trade_no text NOT NULL,
    terminal uuid,
    request_id text NOT NULL,
    body_sha256 bytea NOT NULL,
    item text NOT NULL,
    amount order_amount NOT NULL,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    subject text NOT NULL,
    kind order_kind NOT NULL,
    state order_state NOT NULL,
    payer integer,
    bank text,
    class evidence_class,
    free boolean NOT NULL DEFAULT false,
    counted_on date,
    confirmed_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    paid_at timestamptz,
    UNIQUE (merchant, out_trade_no),
    CHECK (state IN ('created', 'closed') OR (payer IS NOT NULL AND bank IS NOT NULL AND class IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX pay_order_waiting ON pay_order (expires_at) WHERE state IN ('created', 'user_confirming');

-- 退款: never more than was taken, in all.
CREATE TABLE refund (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES pay_order,
    out_refund_no text NOT NULL,
    terminal uuid NOT NULL,
    request_id text NOT NULL,
    body_sha256 bytea NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    hold uuid NOT NULL,
    state text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'unknown', 'done', 'failed', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    UNIQUE (order_id, out_refund_no),
    UNIQUE (terminal, request_id)
);

-- What a bank is asked: committed before it is asked, under a reference that the subject's id gives. `subject` is
-- the order, the refund or the pay-out; at most one attempt of a subject lives. `next_check_at` is when to ask again.
CREATE TABLE bank_attempt (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    seq smallint NOT NULL DEFAULT 1,
    kind attempt_kind NOT NULL,
    order_id uuid CHECK ((order_id IS NULL) = (kind = 'payout')),
    bank text NOT NULL,
    bank_ref text NOT NULL UNIQUE,
    amount fen_asked NOT NULL,
    outcome attempt_outcome NOT NULL DEFAULT 'sent',
    raw_code text,
    reversing boolean NOT NULL DEFAULT false,
    checks smallint NOT NULL DEFAULT 0,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz,
    next_check_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX bank_attempt_one_living ON bank_attempt (subject) WHERE outcome IN ('sent', 'unknown', 'ok');
CREATE INDEX bank_attempt_due ON bank_attempt (next_check_at) WHERE next_check_at IS NOT NULL;

-- The reference under which a bank books something once: the same for the same subject and try.
CREATE FUNCTION bank_reference(p_subject uuid, p_seq smallint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN 'E' || replace(p_subject::text, '-', '') || lpad(p_seq::text, 2, '0');

-- The day that limits are counted by: China's.
CREATE FUNCTION pay_day() RETURNS date LANGUAGE sql STABLE
    RETURN (statement_timestamp() AT TIME ZONE 'Asia/Shanghai')::date;

-- Count an amount (negative: give it back, if its day is still counted) in its class; false, and nothing counted,
-- where the day's limit is less. A statement that waited past midnight counts in the day that others have begun.
CREATE FUNCTION pay_count(p_card integer, p_class text, p_free boolean, p_amount bigint, p_day date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payer p SET
        day = greatest(p.day, p_day),
        spent_a = CASE WHEN p.day >= p_day THEN p.spent_a ELSE 0 END + CASE WHEN p_class = 'A' THEN p_amount ELSE 0 END,
        spent_b = CASE WHEN p.day >= p_day THEN p.spent_b ELSE 0 END + CASE WHEN p_class = 'B' THEN p_amount ELSE 0 END,
        spent_c = CASE WHEN p.day >= p_day THEN p.spent_c ELSE 0 END + CASE WHEN p_class = 'C' THEN p_amount ELSE 0 END,
        spent_d = CASE WHEN p.day >= p_day THEN p.spent_d ELSE 0 END + CASE WHEN p_class = 'D' THEN p_amount ELSE 0 END,
        free_used = CASE WHEN p.day >= p_day THEN p.free_used ELSE 0 END
                    + CASE WHEN p_free THEN sign(p_amount)::smallint ELSE 0 END
    WHERE p.card = p_card AND CASE WHEN p_amount < 0 THEN p.day = p_day ELSE
        p_amount + CASE WHEN p.day >= p_day THEN
            CASE p_class WHEN 'A' THEN p.spent_a WHEN 'B' THEN p.spent_b WHEN 'C' THEN p.spent_c ELSE p.spent_d END
        ELSE 0 END <= CASE p_class WHEN 'A' THEN p.agreed WHEN 'B' THEN 500000 WHEN 'C' THEN 100000 ELSE 50000 END
        AND (NOT p_free OR p.day < p_day OR p.free_used < p.free_times) END;
    RETURN FOUND;
END $$;

-- What a merchant is to be told of an order or of one of its refunds.
CREATE FUNCTION pay_tell(p_order pay_order, p_event text, p_refund uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_body jsonb := jsonb_build_object(
        'merchant', p_order.merchant, 'event', p_event, 'order', p_order.id, 'out_trade_no', p_order.out_trade_no,
        'item', p_order.item, 'amount', p_order.amount, 'refunded', p_order.refunded, 'state', p_order.state,
        'at', clock_timestamp());
BEGIN
    IF p_refund IS NOT NULL THEN
        v_body := v_body || (SELECT jsonb_build_object('refund', r.id, 'out_refund_no', r.out_refund_no,
                                                       'refund_amount', r.amount) FROM refund r WHERE r.id = p_refund);
    END IF;
    INSERT INTO outbox (id, topic, body) VALUES (ledger_id(), 'webhook', v_body);
END $$;
