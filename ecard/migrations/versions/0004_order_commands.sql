-- What tills, merchants and holders do with orders: one function a command, each its own transaction.

-- A holder's code at a till: order, code, limits and attempt in one statement, before the bank is asked.
-- Outcomes: ok; taken (the order number is known: a retry, or another order's); payer_unknown (bind the bank and
-- ask again); a refusal, which leaves an audit row and no effect.
-- The payer's phone is woken where it is to ask for the password; not by the charges that need none, for commits that
-- notify wait for each other.
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
    ELSE
        PERFORM pg_notify('ecard_payer', p_card::text);
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
        IF o.payer IS NOT NULL THEN
            PERFORM pg_notify('ecard_payer', o.payer::text);
        END IF;
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
    p_out_refund_no text, p_amount bigint, p_reason text, p_of_medical boolean DEFAULT false,
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
    ELSIF o.state NOT IN ('paid', 'partially_refunded', 'refunded') OR (o.kind = 'medical') <> p_of_medical THEN
        -- A cash leg goes back with the settlement that it is of, and with nothing else.
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
