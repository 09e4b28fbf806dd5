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

-- What one column of a busy table may hold is said by its type: a CHECK is read and compiled anew by every statement
-- that writes a row (20 µs each), a domain is kept. A CHECK that stays compares two columns.
CREATE DOMAIN fen_counted AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN fen_asked AS bigint CHECK (VALUE > 0);
CREATE DOMAIN order_amount AS bigint CHECK (VALUE BETWEEN 1 AND 999999999999);
CREATE DOMAIN times_counted AS smallint CHECK (VALUE >= 0);
CREATE DOMAIN order_kind AS text CHECK (VALUE IN ('code', 'app', 'order_code', 'static_code', 'bill', 'ride'));
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

-- A holder's code at a till: order, code, limits and attempt in one statement, before the bank is asked.
-- Outcomes: ok; taken (the order number is known: a retry, or another order's); payer_unknown (bind the bank and
-- ask again); a refusal, which leaves an audit row and no effect.
CREATE FUNCTION pay_charge(
    p_id uuid, p_attempt uuid, p_terminal uuid, p_merchant uuid, p_request_id text, p_body bytea,
    p_out_trade_no text, p_amount bigint, p_subject text, p_item text, p_level smallint, p_confirm boolean,
    p_seconds integer, p_banks text[], p_form text, p_evidence text, p_strength text, p_amr text[], p_class text,
    p_card integer, p_device integer, p_once bytea, p_shadow bytea,
    OUT outcome text, OUT state text, OUT bank text, OUT bank_ref text, OUT profile bytea, OUT first_at timestamptz,
    OUT expires_at timestamptz, OUT at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_day date := pay_day();
    v_class text := p_class;
    v_free boolean := false;
    v_counted boolean := false;
BEGIN
    SELECT m.suspended_at, m.items, m.order_limit, m.small_free_limit, p.bank, p.agreed, p.free_each, p.free_times
        INTO v FROM merchant m LEFT JOIN payer p ON p.card = p_card WHERE m.agency = p_merchant;
    outcome := CASE
        WHEN NOT FOUND THEN 'not_merchant'
        WHEN v.suspended_at IS NOT NULL THEN 'merchant_suspended'
        WHEN p_item <> ALL (v.items) THEN 'item_not_allowed'
        WHEN p_amount > v.order_limit THEN 'over_order_limit'
        WHEN v.bank IS NULL THEN 'payer_unknown'
        WHEN v.bank <> ALL (p_banks) THEN 'bank_unavailable'
        ELSE 'ok' END;
    bank := v.bank;
    IF outcome = 'payer_unknown' THEN
        SELECT h.profile INTO profile FROM card c JOIN holder h ON h.id = c.holder WHERE c.seq = p_card;
        RETURN;
    END IF;
    IF outcome = 'ok' THEN
        IF v_class = 'A' AND v.agreed = 0 THEN
            v_class := 'B';
        END IF;
        v_free := v_class = 'C' AND p_amount <= least(v.free_each, v.small_free_limit) AND v.free_times > 0;
        state := CASE WHEN p_confirm OR v_class = 'C' AND NOT v_free THEN 'user_confirming' ELSE 'processing' END;
        at := clock_timestamp();
        expires_at := CASE WHEN state = 'user_confirming' THEN at + make_interval(secs => p_seconds) END;
        INSERT INTO pay_order AS o (id, merchant, out_trade_no, terminal, request_id, body_sha256, item, amount,
                                    subject, kind, state, payer, bank, class, free, counted_on, created_at, expires_at)
            VALUES (p_id, p_merchant, p_out_trade_no, p_terminal, p_request_id, p_body, p_item, p_amount, p_subject,
                    'code', pay_charge.state, p_card, pay_charge.bank, v_class,
                    v_free AND pay_charge.state = 'processing', v_day, pay_charge.at, pay_charge.expires_at)
            ON CONFLICT (merchant, out_trade_no) DO NOTHING;
        IF NOT FOUND THEN
            outcome := 'taken';
            RETURN;
        END IF;
        IF state = 'processing' THEN
            v_counted := pay_count(p_card, v_class, v_free, p_amount, v_day);
            IF NOT v_counted AND v_class = 'C' THEN
                -- What is too much without the password may be paid with it.
                state := 'user_confirming';
                expires_at := at + make_interval(secs => p_seconds);
                UPDATE pay_order o SET state = 'user_confirming', free = false, expires_at = pay_charge.expires_at
                    WHERE o.id = p_id;
            ELSIF NOT v_counted THEN
                outcome := 'over_day_limit';
                DELETE FROM pay_order o WHERE o.id = p_id;
            END IF;
        END IF;
    END IF;
    IF outcome <> 'ok' THEN
        INSERT INTO audit_event (kind, outcome, actor, card, item)
            VALUES ('charge', pay_charge.outcome, p_terminal, p_card, p_item);
        RETURN;
    END IF;

    SELECT r.outcome, r.profile, r.first_at INTO outcome, profile, first_at FROM record_visit(
        p_id, p_terminal, p_merchant, p_request_id, p_body, p_item, p_form, p_level, p_evidence, p_strength, p_amr,
        '{}', '', 0, p_card, p_device, p_once, p_shadow) r;
    IF outcome <> 'ok' THEN
        IF outcome = 'retry' THEN
            outcome := 'key_reused';
        END IF;
        DELETE FROM pay_order o WHERE o.id = p_id;
        IF v_counted THEN
            PERFORM pay_count(p_card, v_class, v_free, -p_amount, v_day);
        END IF;
        RETURN;
    END IF;
    IF state = 'processing' THEN
        bank_ref := bank_reference(p_id, 1::smallint);
        INSERT INTO bank_attempt (id, subject, kind, order_id, bank, bank_ref, amount, next_check_at)
            VALUES (p_attempt, p_id, 'pay', p_id, pay_charge.bank, pay_charge.bank_ref, p_amount,
                    bank_first_check(pay_charge.bank));
    END IF;
END $$;

-- An order that waits for a holder: in an app, behind an order code, for a bill or a ride.
-- Outcomes: ok, taken, not_merchant, merchant_suspended, item_not_allowed, over_order_limit.
CREATE FUNCTION pay_open(
    p_id uuid, p_merchant uuid, p_terminal uuid, p_request_id text, p_body bytea, p_out_trade_no text,
    p_amount bigint, p_subject text, p_item text, p_kind text, p_seconds integer,
    OUT outcome text
) LANGUAGE plpgsql AS $$
DECLARE
    m merchant;
BEGIN
    SELECT * INTO m FROM merchant WHERE agency = p_merchant;
    outcome := CASE
        WHEN NOT FOUND THEN 'not_merchant'
        WHEN m.suspended_at IS NOT NULL THEN 'merchant_suspended'
        WHEN p_item <> ALL (m.items) THEN 'item_not_allowed'
        WHEN p_amount > m.order_limit THEN 'over_order_limit'
        ELSE 'ok' END;
    IF outcome = 'ok' THEN
        INSERT INTO pay_order (id, merchant, out_trade_no, terminal, request_id, body_sha256, item, amount, subject,
                               kind, state, expires_at)
            VALUES (p_id, p_merchant, p_out_trade_no, p_terminal, p_request_id, p_body, p_item, p_amount, p_subject,
                    p_kind, 'created', clock_timestamp() + make_interval(secs => p_seconds))
            ON CONFLICT (merchant, out_trade_no) DO NOTHING;
        IF NOT FOUND THEN
            outcome := 'taken';
        END IF;
    END IF;
END $$;

-- The holder says yes on the phone, with the password (its busiSeq is used up): to a charge that waits for it, or
-- to an open order, which becomes this holder's. The same busiSeq again is a retry.
-- Outcomes: ok, retry, not_found, not_waiting, expired, payer_unknown, bank_unavailable, merchant_suspended, suspended,
-- level, device_revoked, disputed, busi_seq_unknown, over_day_limit.
CREATE FUNCTION pay_confirm(
    p_order uuid, p_attempt uuid, p_card integer, p_actor uuid, p_busi_seq uuid, p_level smallint,
    p_banks text[],
    OUT outcome text, OUT state text, OUT bank text, OUT bank_ref text, OUT profile bytea, OUT amount bigint,
    OUT subject text
) LANGUAGE plpgsql AS $$
DECLARE
    o pay_order;
    v record;
    v_class text;
    v_day date := pay_day();
BEGIN
    SELECT * INTO o FROM pay_order WHERE id = p_order FOR NO KEY UPDATE;
    IF NOT FOUND OR o.payer <> p_card THEN
        outcome := 'not_found';
        RETURN;
    END IF;
    state := o.state;
    IF state NOT IN ('created', 'user_confirming') THEN
        outcome := CASE WHEN o.confirmed_by = p_busi_seq THEN 'retry' ELSE 'not_waiting' END;
        RETURN;
    END IF;
    SELECT c.status, c.level, h.profile, d.seq AS device, d.unbound_at, p.bank, m.suspended_at, u.disputed_at,
           s.busi_seq
        INTO v FROM device d JOIN card c ON c.seq = d.card JOIN holder h ON h.id = c.holder
        JOIN merchant m ON m.agency = o.merchant LEFT JOIN payer p ON p.card = c.seq LEFT JOIN visit u ON u.id = o.id
        LEFT JOIN verification s ON s.busi_seq = p_busi_seq AND s.device = d.actor AND s.used_at IS NULL
            AND s.at > now() - interval '300 seconds'
        WHERE d.actor = p_actor AND d.card = p_card;
    outcome := CASE
        WHEN NOT FOUND OR v.unbound_at IS NOT NULL THEN 'device_revoked'
        WHEN o.expires_at <= clock_timestamp() THEN 'expired'
        WHEN v.status <> 'active' THEN 'suspended'
        WHEN v.level < p_level THEN 'level'
        WHEN v.suspended_at IS NOT NULL THEN 'merchant_suspended'
        WHEN v.disputed_at IS NOT NULL THEN 'disputed'
        WHEN v.busi_seq IS NULL THEN 'busi_seq_unknown'
        WHEN v.bank IS NULL THEN 'payer_unknown'
        WHEN v.bank <> ALL (p_banks) THEN 'bank_unavailable'
        ELSE 'ok' END;
    bank := v.bank;
    profile := CASE WHEN outcome IN ('ok', 'payer_unknown') THEN v.profile END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    v_class := CASE WHEN o.kind = 'static_code' THEN 'D' ELSE 'B' END;
    IF NOT pay_count(p_card, v_class, false, o.amount, v_day) THEN
        outcome := 'over_day_limit';
        RETURN;
    END IF;
    UPDATE verification SET used_at = now() WHERE busi_seq = p_busi_seq AND used_at IS NULL;
    IF NOT FOUND THEN
        PERFORM pay_count(p_card, v_class, false, -o.amount, v_day);
        outcome := 'busi_seq_unknown';
        RETURN;
    END IF;
    IF o.state = 'created' THEN
        INSERT INTO visit (id, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr, fields,
                           kid, keys_as_of, card, level, device, place)
            VALUES (o.id, coalesce(o.terminal, o.merchant), o.merchant, o.id::text, '', o.item, 'electronic', 'app',
                    'knowledge', '{pop,pin}', '{}', '', 0, p_card, v.level, v.device, o.subject);
        INSERT INTO audit_event (kind, outcome, actor, card, item, detail)
            VALUES ('visit', 'ok', p_actor, p_card, o.item, jsonb_build_object('visit', o.id, 'evidence', 'app'));
    END IF;
    state := 'processing'; amount := o.amount; subject := o.subject; bank_ref := bank_reference(o.id, 1::smallint);
    UPDATE pay_order p SET state = 'processing', payer = p_card, bank = v.bank, class = v_class, free = false,
        counted_on = v_day, confirmed_by = p_busi_seq, expires_at = NULL WHERE p.id = o.id;
    INSERT INTO bank_attempt (id, subject, kind, order_id, bank, bank_ref, amount, next_check_at)
        VALUES (p_attempt, o.id, 'pay', o.id, v.bank, pay_confirm.bank_ref, o.amount,
                bank_first_check(v.bank));
END $$;

-- End an order for which no money was asked: by its merchant, by the holder who was to confirm it, or by time.
-- Outcomes: ok, again (it was closed), not_found, not_waiting.
CREATE FUNCTION pay_close(p_order uuid, p_merchant uuid, p_card integer, OUT outcome text, OUT state text)
LANGUAGE plpgsql AS $$
DECLARE
    o pay_order;
BEGIN
    SELECT * INTO o FROM pay_order WHERE id = p_order FOR NO KEY UPDATE;
    IF NOT FOUND OR (p_merchant IS NOT NULL AND o.merchant <> p_merchant)
       OR (p_card IS NOT NULL AND o.payer IS DISTINCT FROM p_card) THEN
        outcome := 'not_found';
        RETURN;
    END IF;
    IF o.state IN ('created', 'user_confirming') THEN
        UPDATE pay_order p SET state = 'closed' WHERE p.id = p_order RETURNING * INTO o;
        PERFORM pay_tell(o, 'order.closed');
        outcome := 'ok';
    ELSE
        outcome := CASE o.state WHEN 'closed' THEN 'again' ELSE 'not_waiting' END;
    END IF;
    state := o.state;
END $$;

-- Close what nobody confirmed in time, a few at once; return how many.
CREATE FUNCTION pay_expire() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer := 0;
    v_id uuid;
BEGIN
    FOR v_id IN SELECT id FROM pay_order WHERE state IN ('created', 'user_confirming')
                AND expires_at <= clock_timestamp() LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM pay_close(v_id, NULL, NULL);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Give money back: the order's lock puts refunds in a row, and what they may take is never more than was captured.
-- The money is held at the merchant until the bank has answered; LG001 where the merchant has too little.
-- Outcomes: ok, taken, key_reused, not_found, not_refundable, over_refund.
CREATE FUNCTION pay_refund(
    p_id uuid, p_attempt uuid, p_order uuid, p_merchant uuid, p_terminal uuid, p_request_id text, p_body bytea,
    p_out_refund_no text, p_amount bigint, p_reason text,
    OUT outcome text, OUT refundable bigint, OUT bank text, OUT bank_ref text, OUT of_ref text
) LANGUAGE plpgsql AS $$
DECLARE
    o pay_order;
BEGIN
    SELECT * INTO o FROM pay_order WHERE id = p_order AND merchant = p_merchant FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_found';
        RETURN;
    END IF;
    refundable := o.amount - o.refunded;
    IF EXISTS (SELECT FROM refund WHERE order_id = p_order AND out_refund_no = p_out_refund_no) THEN
        outcome := 'taken';
    ELSIF o.state NOT IN ('paid', 'partially_refunded', 'refunded') THEN
        outcome := 'not_refundable';
    ELSIF p_amount > refundable THEN
        outcome := 'over_refund';
    ELSE
        outcome := 'ok';
        IF EXISTS (SELECT FROM refund WHERE terminal = p_terminal AND request_id = p_request_id) THEN
            outcome := 'key_reused';
        END IF;
    END IF;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    INSERT INTO refund (id, order_id, out_refund_no, terminal, request_id, body_sha256, amount, reason, hold)
        SELECT p_id, p_order, p_out_refund_no, p_terminal, p_request_id, p_body, p_amount, p_reason,
               ledger_hold(m.payable, p_amount, 'refund', p_id)
        FROM merchant m WHERE m.agency = p_merchant;
    UPDATE pay_order SET refunded = refunded + p_amount WHERE id = p_order;
    refundable := refundable - p_amount;
    bank := o.bank; bank_ref := bank_reference(p_id, 1::smallint);
    SELECT a.bank_ref INTO of_ref FROM bank_attempt a WHERE a.subject = p_order AND a.outcome = 'ok';
    INSERT INTO bank_attempt (id, subject, kind, order_id, bank, bank_ref, amount, next_check_at)
        VALUES (p_attempt, p_id, 'refund', p_order, o.bank, pay_refund.bank_ref, p_amount,
                bank_first_check(o.bank));
END $$;

-- A payment's answer: paid, failed, reversed or unknown, with its journal (the bank owes us, we owe the merchant).
-- What was not paid is given back to the day's limit.
CREATE FUNCTION pay_book_payment(p_order pay_order, p_attempt bank_attempt) RETURNS pay_order LANGUAGE plpgsql AS $$
DECLARE
    o pay_order := p_order;
BEGIN
    IF p_attempt.outcome = 'unknown' THEN
        UPDATE pay_order SET state = 'unknown' WHERE id = o.id AND state = 'processing' RETURNING * INTO o;
        RETURN CASE WHEN FOUND THEN o ELSE p_order END;
    END IF;
    UPDATE pay_order SET
        state = CASE p_attempt.outcome WHEN 'ok' THEN 'paid' ELSE p_attempt.outcome END,
        paid_at = CASE p_attempt.outcome WHEN 'ok' THEN clock_timestamp() END
        WHERE id = o.id RETURNING * INTO o;
    IF p_attempt.outcome = 'ok' THEN
        PERFORM ledger_post('payment', 'order', o.id, ARRAY[
            (ledger_account('bank', o.bank, 'bank_clearing'), -o.amount)::account_leg,
            ((SELECT payable FROM merchant WHERE agency = o.merchant), o.amount)::account_leg]);
    ELSE
        PERFORM pay_count(o.payer, o.class, o.free, -o.amount, o.counted_on);
    END IF;
    PERFORM pay_tell(o, 'order.' || o.state);
    RETURN o;
END $$;

-- A refund's answer: what was held at the merchant goes back to the bank, or is free again.
CREATE FUNCTION pay_book_refund(p_order pay_order, p_attempt bank_attempt) RETURNS pay_order LANGUAGE plpgsql AS $$
DECLARE
    o pay_order := p_order;
    r refund;
BEGIN
    UPDATE refund SET
        state = CASE p_attempt.outcome WHEN 'ok' THEN 'done' WHEN 'unknown' THEN 'unknown' ELSE 'failed' END,
        done_at = CASE p_attempt.outcome WHEN 'ok' THEN clock_timestamp() END
        WHERE id = p_attempt.subject AND NOT (p_attempt.outcome = 'unknown' AND state = 'suspended')
        RETURNING * INTO r;
    IF NOT FOUND OR r.state = 'unknown' THEN
        RETURN o;
    ELSIF r.state = 'done' THEN
        PERFORM ledger_post_hold(r.hold, 'refund', 'refund', r.id,
            ARRAY[(ledger_account('bank', p_attempt.bank, 'bank_clearing'), r.amount)::account_leg]);
        UPDATE pay_order SET state = CASE WHEN amount = (
                SELECT sum(f.amount) FROM refund f WHERE f.order_id = o.id AND f.state = 'done'
            ) THEN 'refunded' ELSE 'partially_refunded' END
            WHERE id = o.id RETURNING * INTO o;
    ELSE
        PERFORM ledger_void_hold(r.hold);
        UPDATE pay_order SET refunded = refunded - r.amount WHERE id = o.id RETURNING * INTO o;
    END IF;
    PERFORM pay_tell(o, 'refund.' || r.state, r.id);
    RETURN o;
END $$;

-- Book what a bank said of an attempt: its outcome, the order or refund, the journal, and what others are told.
-- Whoever heard the bank calls it, as often as it was heard: the till's request, the resolver, reconciliation.
-- Outcomes: booked; again (this was known); conflict (the bank said otherwise before: nothing is changed, and an audit
-- row asks for a person); reversing (the bank is being asked to undo it: what it said before that decides nothing any
-- more, only its answer to the reversal does, `p_of_reversal`); not_found (no such attempt, or a pay-out, which
-- settlement books).
CREATE FUNCTION pay_book(
    p_attempt uuid, p_outcome text, p_raw_code text DEFAULT '', p_of_reversal boolean DEFAULT false,
    OUT outcome text, OUT order_id uuid, OUT state text, OUT paid_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    o pay_order;
    a bank_attempt;
BEGIN
    SELECT o2.* INTO o FROM bank_attempt a2 JOIN pay_order o2 ON o2.id = a2.order_id
        WHERE a2.id = p_attempt FOR NO KEY UPDATE OF o2;
    IF NOT FOUND THEN
        outcome := 'not_found';
        RETURN;
    END IF;
    order_id := o.id;
    UPDATE bank_attempt b SET outcome = p_outcome, raw_code = p_raw_code, answered_at = clock_timestamp(),
            next_check_at = CASE WHEN p_outcome = 'unknown' THEN b.next_check_at END
        WHERE b.id = p_attempt AND b.outcome IN ('sent', 'unknown') AND (p_of_reversal OR NOT b.reversing)
        RETURNING * INTO a;
    IF NOT FOUND THEN
        SELECT b.* INTO a FROM bank_attempt b WHERE b.id = p_attempt;
        state := o.state; paid_at := o.paid_at;
        outcome := CASE WHEN a.outcome IN ('sent', 'unknown') THEN 'reversing'
                        WHEN p_outcome IN (a.outcome, 'unknown') THEN 'again' ELSE 'conflict' END;
        IF outcome = 'conflict' THEN
            INSERT INTO audit_event (kind, outcome, item, detail) VALUES ('bank_answer', 'conflict', o.item,
                jsonb_build_object('attempt', a.id, 'was', a.outcome, 'said', p_outcome, 'code', p_raw_code));
        END IF;
        RETURN;
    END IF;
    outcome := 'booked';
    IF a.kind = 'pay' THEN
        o := pay_book_payment(o, a);
    ELSE
        o := pay_book_refund(o, a);
    END IF;
    state := o.state; paid_at := o.paid_at;
END $$;

-- The bank is going to be asked to undo a payment whose outcome is not known; true while that may be asked.
CREATE FUNCTION pay_reverse(p_attempt uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_order uuid;
BEGIN
    SELECT o.id INTO v_order FROM bank_attempt a JOIN pay_order o ON o.id = a.order_id
        WHERE a.id = p_attempt AND a.kind = 'pay' FOR NO KEY UPDATE OF o;
    UPDATE bank_attempt SET reversing = true, outcome = 'unknown'
        WHERE id = p_attempt AND kind = 'pay' AND outcome IN ('sent', 'unknown');
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE pay_order SET state = 'reversing' WHERE id = v_order AND state IN ('processing', 'unknown');
    RETURN true;
END $$;

-- The ladder is at its end and the outcome still unknown: a person decides, by `pay_book`; true when newly so.
CREATE FUNCTION pay_suspend(p_attempt uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    a bank_attempt;
    o pay_order;
BEGIN
    SELECT * INTO a FROM bank_attempt WHERE id = p_attempt AND kind <> 'payout';
    SELECT * INTO o FROM pay_order WHERE id = a.order_id FOR NO KEY UPDATE;
    UPDATE bank_attempt SET outcome = 'unknown' WHERE id = p_attempt AND outcome IN ('sent', 'unknown');
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF a.kind = 'pay' THEN
        UPDATE pay_order SET state = 'suspended' WHERE id = o.id AND state IN ('processing', 'unknown', 'reversing')
            RETURNING * INTO o;
    ELSE
        UPDATE refund SET state = 'suspended' WHERE id = a.subject AND state IN ('processing', 'unknown');
    END IF;
    IF FOUND THEN
        PERFORM pay_tell(o, CASE a.kind WHEN 'pay' THEN 'order.suspended' ELSE 'refund.suspended' END,
                         CASE a.kind WHEN 'refund' THEN a.subject END);
        RETURN true;
    END IF;
    RETURN false;
END $$;
