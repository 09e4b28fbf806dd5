-- What is booked of a bank's answers, however late and from whomever they are heard.

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
