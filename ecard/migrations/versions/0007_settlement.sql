-- 结算. A shop is a part of a merchant with an account of its own at a bank; its terminals' orders are paid out there.
CREATE TABLE shop (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES merchant,
    name text NOT NULL CHECK (name <> ''),
    bank text NOT NULL REFERENCES bank,
    bank_account bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (merchant, name)
);
CREATE TABLE shop_terminal (
    terminal uuid PRIMARY KEY REFERENCES terminal (actor),
    shop uuid NOT NULL REFERENCES shop
);
-- What the platform keeps of a merchant's settlements, in hundredths of a percent; none by default.
CREATE TABLE settlement_fee (
    merchant uuid PRIMARY KEY REFERENCES merchant,
    points integer NOT NULL CHECK (points BETWEEN 0 AND 300)
);
-- One pay-out: what was owed to a merchant (or its shop) at the end of a day. gross = fee + amount.
CREATE TABLE settlement (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES merchant,
    shop uuid REFERENCES shop,
    day date NOT NULL,
    bank text NOT NULL,
    gross bigint NOT NULL CHECK (gross > 0),
    fee bigint NOT NULL CHECK (fee >= 0),
    amount bigint NOT NULL CHECK (amount > 0),
    state text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'paid', 'failed')),
    journal uuid NOT NULL REFERENCES journal,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (merchant, shop, day),
    CHECK (gross = fee + amount)
);
CREATE INDEX pay_order_paid ON pay_order (merchant, paid_at) WHERE paid_at IS NOT NULL;

-- Split a total by weights, to the last 分: each has its whole part, what is left over goes by largest remainder (and
-- among equals to the first). Σ of the parts is the total, always.
CREATE FUNCTION largest_remainder(p_total bigint, p_weights bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    WITH whole AS (SELECT sum(w) AS sum FROM unnest(p_weights) w),
    part AS (
        SELECT place, p_total::numeric * weight / nullif(whole.sum, 0) AS exact
        FROM unnest(p_weights) WITH ORDINALITY AS u (weight, place), whole
    ), ranked AS (
        SELECT place, floor(exact) AS base, row_number() OVER (ORDER BY exact - floor(exact) DESC, place) AS rank
        FROM part
    )
    SELECT array_agg((base + CASE WHEN rank <= p_total - (SELECT sum(base) FROM ranked) THEN 1 ELSE 0 END)::bigint
                     ORDER BY place) FROM ranked
$$;

-- What each merchant was owed when a day ended, as far as it is still there. A refund after that takes from it. A day
-- before one that was settled is settled with it: what is there now is another day's. Who names a bank that is not
-- registered is owed until it is: nobody could be asked to pay.
-- A rehearsal takes a day that is not over for one that is.
CREATE FUNCTION settle_due(p_day date, p_rehearsal boolean DEFAULT false) RETURNS TABLE (merchant uuid, due bigint)
LANGUAGE sql STABLE AS $$
    WITH later AS (
        SELECT l.account, sum(l.amount) AS amount FROM ledger_leg l
        WHERE l.journal >= first_id((p_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') GROUP BY l.account
    )
    SELECT m.agency, least(b.available, b.balance - coalesce(t.amount, 0))::bigint
    FROM merchant m JOIN account_balance b ON b.id = m.payable LEFT JOIN later t ON t.account = m.payable
    WHERE least(b.available, b.balance - coalesce(t.amount, 0)) > 0
        AND (p_rehearsal OR (p_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' <= clock_timestamp())
        AND NOT EXISTS (SELECT FROM settlement s WHERE s.merchant = m.agency AND s.day >= p_day)
        AND EXISTS (SELECT FROM bank k WHERE k.code = m.bank)
    ORDER BY m.agency
$$;

-- What the shops of a merchant sold on a day, less what was given back on it; none below zero.
CREATE FUNCTION settle_shops(p_merchant uuid, p_day date) RETURNS TABLE (shop uuid, net bigint) LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT p_day::timestamp AT TIME ZONE 'Asia/Shanghai' AS begun,
               (p_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS ended
    ), moved AS (
        SELECT o.terminal, o.amount FROM pay_order o, span
            WHERE o.merchant = p_merchant AND o.paid_at >= begun AND o.paid_at < ended
        UNION ALL
        SELECT o.terminal, -r.amount FROM refund r JOIN pay_order o ON o.id = r.order_id, span
            WHERE o.merchant = p_merchant AND r.state = 'done' AND r.done_at >= begun AND r.done_at < ended
    )
    SELECT t.shop, sum(m.amount)::bigint FROM moved m JOIN shop_terminal t ON t.terminal = m.terminal
    GROUP BY t.shop HAVING sum(m.amount) > 0 ORDER BY t.shop
$$;

-- Begin to pay a merchant out, once for a day: settlements, journals and attempts, committed before a bank is asked.
-- Raises LG001 when what was due has gone meanwhile.
CREATE FUNCTION settle_begin(p_merchant uuid, p_day date, p_due bigint) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    m merchant;
    v record;
    v_shops uuid[];
    v_nets bigint[];
    v_gross bigint[];
    v_fees bigint[];
    v_id uuid;
    v_bank text;
BEGIN
    SELECT * INTO m FROM merchant WHERE agency = p_merchant FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM settlement s WHERE s.merchant = p_merchant AND s.day >= p_day) THEN
        RETURN;
    END IF;
    SELECT coalesce(array_agg(s.shop ORDER BY s.shop), '{}'), coalesce(array_agg(s.net ORDER BY s.shop), '{}')
        INTO v_shops, v_nets FROM settle_shops(p_merchant, p_day) s;
    -- What no shop sold is the merchant's own; if less is there than the shops sold, each bears its part.
    v_shops := v_shops || NULL::uuid;
    v_nets := v_nets || greatest(p_due - (SELECT coalesce(sum(n), 0) FROM unnest(v_nets) n), 0)::bigint;
    v_gross := largest_remainder(p_due, v_nets);
    v_fees := largest_remainder(
        round(p_due * coalesce((SELECT points FROM settlement_fee f WHERE f.merchant = p_merchant), 0) / 10000.0)::bigint,
        v_gross);
    FOR v IN SELECT u.shop, u.gross, u.fee, u.gross - u.fee AS amount, coalesce(h.bank, m.bank) AS bank
             FROM unnest(v_shops, v_gross, v_fees) AS u (shop, gross, fee) LEFT JOIN shop h ON h.id = u.shop
             WHERE u.gross > u.fee
    LOOP
        v_id := ledger_id();
        INSERT INTO settlement (id, merchant, shop, day, bank, gross, fee, amount, journal)
            VALUES (v_id, p_merchant, v.shop, p_day, v.bank, v.gross, v.fee, v.amount,
                ledger_post('settlement', 'settlement', v_id, ARRAY[
                    (m.payable, -v.gross)::account_leg,
                    (ledger_account('bank', v.bank, 'settlement_clearing'), v.amount)::account_leg]
                    || CASE WHEN v.fee > 0 THEN
                        ARRAY[(ledger_account('platform', '', 'fee'), v.fee)::account_leg] ELSE '{}' END));
        INSERT INTO bank_attempt (id, subject, kind, bank, bank_ref, amount, next_check_at)
            VALUES (ledger_id(), v_id, 'payout', v.bank, bank_reference(v_id, 1::smallint), v.amount,
                    bank_first_check(v.bank));
        RETURN NEXT v_id;
    END LOOP;
END $$;

-- Book what a bank said of a pay-out: it was paid, or it was not and is owed again. Whoever heard the bank calls it.
-- Outcomes: booked, again, conflict, not_found.
CREATE FUNCTION settle_book(p_attempt uuid, p_outcome text, p_raw_code text) RETURNS TABLE (outcome text)
LANGUAGE plpgsql AS $$
DECLARE
    s settlement;
    a bank_attempt;
BEGIN
    SELECT s2.* INTO s FROM bank_attempt a2 JOIN settlement s2 ON s2.id = a2.subject
        WHERE a2.id = p_attempt AND a2.kind = 'payout' FOR UPDATE OF s2;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'not_found';
        RETURN;
    END IF;
    UPDATE bank_attempt b SET outcome = p_outcome, raw_code = p_raw_code, answered_at = clock_timestamp(),
            next_check_at = CASE WHEN p_outcome = 'unknown' THEN b.next_check_at END
        WHERE b.id = p_attempt AND b.outcome IN ('sent', 'unknown') RETURNING b.* INTO a;
    IF NOT FOUND THEN
        SELECT b.* INTO a FROM bank_attempt b WHERE b.id = p_attempt;
        IF p_outcome NOT IN (a.outcome, 'unknown') THEN
            INSERT INTO audit_event (kind, outcome, detail) VALUES ('bank_answer', 'conflict', jsonb_build_object(
                'attempt', a.id, 'was', a.outcome, 'said', p_outcome, 'code', p_raw_code));
            RETURN QUERY SELECT 'conflict';
        ELSE
            RETURN QUERY SELECT 'again';
        END IF;
        RETURN;
    END IF;
    IF p_outcome = 'ok' THEN
        PERFORM ledger_post('settlement_paid', 'settlement', s.id, ARRAY[
            (ledger_account('bank', s.bank, 'settlement_clearing'), -s.amount)::account_leg,
            (ledger_account('bank', s.bank, 'bank_clearing'), s.amount)::account_leg]);
        UPDATE settlement SET state = 'paid', done_at = clock_timestamp() WHERE id = s.id;
    ELSIF p_outcome IN ('failed', 'reversed') THEN
        PERFORM ledger_reverse(s.journal, 'settlement_failed');
        UPDATE settlement SET state = 'failed', done_at = clock_timestamp() WHERE id = s.id;
    END IF;
    IF p_outcome <> 'unknown' THEN
        INSERT INTO outbox (id, topic, body) VALUES (gen_random_uuid(), 'webhook', jsonb_build_object(
            'merchant', s.merchant, 'event', CASE p_outcome WHEN 'ok' THEN 'settlement.paid' ELSE 'settlement.failed' END,
            'settlement', s.id, 'shop', s.shop, 'day', s.day, 'gross', s.gross, 'fee', s.fee, 'amount', s.amount));
    END IF;
    RETURN QUERY SELECT 'booked';
END $$;
