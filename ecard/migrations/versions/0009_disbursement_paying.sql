-- Paying what is released: one function a command. Locks: batch, lines by id, attempts, accounts (the ledger's order).

-- Take up to `p_most` lines of a batch that are due: nobody else looks at them for `p_seconds`.
CREATE FUNCTION benefit_take(p_batch uuid, p_most integer, p_seconds double precision) RETURNS SETOF benefit_line
LANGUAGE sql AS $$
    UPDATE benefit_line l SET due_at = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE l.state IN ('ready', 'held') AND l.id IN (
        SELECT x.id FROM benefit_line x JOIN benefit_batch b ON b.id = x.batch AND b.state = 'releasing'
        WHERE x.batch = p_batch AND x.state IN ('ready', 'held') AND x.due_at <= clock_timestamp()
        ORDER BY x.due_at LIMIT p_most FOR UPDATE OF x SKIP LOCKED)
    RETURNING l.*
$$;

-- Lines that may not be paid now: why, and when they are looked at again.
CREATE FUNCTION benefit_hold(p_lines uuid[], p_reasons text[], p_seconds double precision) RETURNS void
LANGUAGE sql AS $$
    UPDATE benefit_line l SET state = 'held', reason = g.reason,
        due_at = clock_timestamp() + make_interval(secs => p_seconds)
    FROM unnest(p_lines, p_reasons) AS g (line, reason) WHERE l.id = g.line AND l.state IN ('ready', 'held')
$$;

-- Lines are about to be paid: each once, with its attempt, and their money on its way; all committed before a bank is
-- asked. What others have done with a line meanwhile stands: it is not returned.
CREATE FUNCTION benefit_send(p_batch uuid, p_lines uuid[], p_banks text[], p_accounts bytea[], p_indexes bytea[])
RETURNS TABLE (line uuid, attempt uuid, bank text, bank_ref text, amount bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_escrow uuid;
BEGIN
    SELECT b.escrow INTO v_escrow FROM benefit_batch b WHERE b.id = p_batch AND b.state = 'releasing' FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM benefit_line l WHERE l.id = ANY (p_lines) ORDER BY l.id FOR NO KEY UPDATE;
    RETURN QUERY
        WITH moved AS (
            UPDATE benefit_line l SET state = 'sent', reason = '', bank = g.bank, account = g.account,
                account_index = g.account_index, sent_at = clock_timestamp(), due_at = NULL
            FROM unnest(p_lines, p_banks, p_accounts, p_indexes) AS g (line, bank, account, account_index)
            WHERE l.id = g.line AND l.batch = p_batch AND l.state IN ('ready', 'held')
            RETURNING l.id, l.bank, l.amount
        ), made AS (
            INSERT INTO bank_attempt AS a (id, subject, kind, bank, bank_ref, amount, next_check_at)
                SELECT ledger_id(), m.id, 'payout', m.bank, bank_reference(m.id, 1::smallint), m.amount,
                       bank_first_check(m.bank) FROM moved m
                RETURNING a.subject, a.id, a.bank, a.bank_ref, a.amount::bigint
        ), posted AS (
            SELECT ledger_post('benefit_sent', 'benefit_batch', p_batch,
                array_agg((ledger_account('benefit_bank', s.bank, 'settlement_clearing'), s.total)::account_leg)
                || (v_escrow, -sum(s.total))::account_leg)
            FROM (SELECT m.bank, sum(m.amount)::bigint AS total FROM made m GROUP BY m.bank) s HAVING count(*) > 0
        )
        SELECT m.subject, m.id, m.bank, m.bank_ref, m.amount FROM made m CROSS JOIN posted;
END $$;

-- What becomes of a line's money that did not arrive: it is the batch's again, or the fund's where the batch is closed.
CREATE FUNCTION benefit_back(p_line benefit_line, p_from uuid) RETURNS void LANGUAGE sql AS $$
    SELECT ledger_post('benefit_returned', 'benefit_line', p_line.id, ARRAY[
        (p_from, -p_line.amount)::account_leg,
        (CASE b.state WHEN 'closed' THEN p.fund ELSE b.escrow END, p_line.amount)::account_leg])
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme WHERE b.id = p_line.batch
$$;

-- 退票 of what was paid: the bank gives it back days later. False where it is not a line's, or is being clawed back.
CREATE FUNCTION benefit_bounced(p_attempt uuid, p_code text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    l benefit_line;
BEGIN
    SELECT x.* INTO l FROM bank_attempt a JOIN benefit_line x ON x.id = a.subject
        WHERE a.id = p_attempt AND a.kind = 'payout' FOR NO KEY UPDATE OF x;
    IF l.state IS DISTINCT FROM 'paid' OR EXISTS (SELECT FROM benefit_clawback c WHERE c.line = l.id) THEN
        RETURN false;
    END IF;
    UPDATE bank_attempt SET outcome = 'reversed', raw_code = p_code WHERE id = p_attempt;
    UPDATE benefit_line SET state = 'returned', reason = p_code, done_at = clock_timestamp(), due_at = clock_timestamp()
        WHERE id = l.id;
    PERFORM benefit_back(l, ledger_account('bank', l.bank, 'bank_clearing'));
    RETURN true;
END $$;

-- Reconciliation finds a pay-out undone by its bank: that is a return, and no difference for people to look at.
CREATE FUNCTION benefit_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF benefit_bounced(NEW.attempt, 'returned') THEN
        PERFORM recon_arrived(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER benefit_returned_in_file AFTER INSERT ON recon_break FOR EACH ROW
    WHEN (NEW.kind = 'returned' AND NEW.attempt IS NOT NULL) EXECUTE FUNCTION benefit_break();

-- Book what banks said of pay-outs, whoever heard it. Results: booked, again, conflict (it said otherwise before: nothing
-- changes, and an audit row asks for a person); attempts that are no line's have none.
CREATE FUNCTION benefit_book(p_attempts uuid[], p_outcomes text[], p_codes text[])
RETURNS TABLE (attempt uuid, result text) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    l benefit_line;
BEGIN
    PERFORM FROM bank_attempt a JOIN benefit_line x ON x.id = a.subject WHERE a.id = ANY (p_attempts)
        ORDER BY x.id FOR NO KEY UPDATE OF x;
    FOR v IN
        SELECT a.id, a.subject, a.outcome AS was, g.outcome, g.code
        FROM unnest(p_attempts, p_outcomes, p_codes) AS g (attempt, outcome, code)
        JOIN bank_attempt a ON a.id = g.attempt JOIN benefit_line x ON x.id = a.subject ORDER BY x.id
    LOOP
        attempt := v.id;
        UPDATE bank_attempt b SET outcome = v.outcome, raw_code = v.code, answered_at = clock_timestamp(),
                next_check_at = CASE WHEN v.outcome = 'unknown' THEN b.next_check_at END
            WHERE b.id = v.id AND b.outcome IN ('sent', 'unknown');
        IF NOT FOUND THEN
            result := CASE WHEN v.outcome IN (v.was, 'unknown') THEN 'again'
                           WHEN v.was = 'ok' AND v.outcome = 'reversed' AND benefit_bounced(v.id, v.code) THEN 'booked'
                           ELSE 'conflict' END;
            IF result = 'conflict' THEN
                INSERT INTO audit_event (kind, outcome, detail) VALUES ('bank_answer', 'conflict', jsonb_build_object(
                    'attempt', v.id, 'was', v.was, 'said', v.outcome, 'code', v.code));
            END IF;
            RETURN NEXT;
            CONTINUE;
        END IF;
        UPDATE benefit_line x SET
            state = CASE v.outcome WHEN 'ok' THEN 'paid' WHEN 'unknown' THEN 'unknown' ELSE 'returned' END,
            reason = CASE WHEN v.outcome IN ('failed', 'reversed') THEN v.code ELSE '' END,
            done_at = CASE WHEN v.outcome <> 'unknown' THEN clock_timestamp() END,
            -- A return is looked at again when the payee's account may have changed.
            due_at = CASE WHEN v.outcome IN ('failed', 'reversed') THEN clock_timestamp() + interval '1 day' END
            WHERE x.id = v.subject RETURNING * INTO l;
        IF l.state = 'paid' THEN
            PERFORM ledger_post('benefit_paid', 'benefit_line', l.id, ARRAY[
                (ledger_account('benefit_bank', l.bank, 'settlement_clearing'), -l.amount)::account_leg,
                (ledger_account('bank', l.bank, 'bank_clearing'), l.amount)::account_leg]);
        ELSIF l.state = 'returned' THEN
            PERFORM benefit_back(l, ledger_account('benefit_bank', l.bank, 'settlement_clearing'));
        END IF;
        result := 'booked';
        RETURN NEXT;
    END LOOP;
END $$;

-- Book what a bank said of any pay-out: a benefit's, or a merchant's settlement.
CREATE FUNCTION payout_book(p_attempt uuid, p_outcome text, p_raw_code text) RETURNS TABLE (outcome text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT b.result FROM benefit_book(ARRAY[p_attempt], ARRAY[p_outcome], ARRAY[p_raw_code]) b;
    IF NOT FOUND THEN
        RETURN QUERY SELECT s.outcome FROM settle_book(p_attempt, p_outcome, p_raw_code) s;
    END IF;
END $$;

-- 补发: what was returned is paid again, as a line of its own, to the account that the payee has by then.
-- Outcomes: ok, again, not_found, not_returned, closed, duplicate (it is in another batch meanwhile).
CREATE FUNCTION benefit_redrive(p_line uuid, p_new uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
    l benefit_line;
BEGIN
    SELECT x.* INTO b FROM benefit_batch x JOIN benefit_line y ON y.batch = x.id WHERE y.id = p_line
        FOR NO KEY UPDATE OF x;
    SELECT * INTO l FROM benefit_line WHERE id = p_line FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF EXISTS (SELECT FROM benefit_line WHERE redrive_of = p_line) THEN
        RETURN 'again';
    ELSIF l.state <> 'returned' THEN
        RETURN 'not_returned';
    ELSIF b.state NOT IN ('releasing', 'done') THEN
        RETURN 'closed';
    END IF;
    INSERT INTO benefit_line (id, batch, n, try, programme, period, component, payee, amount, reference, salt, redrive_of)
        VALUES (p_new, l.batch, l.n, l.try + 1, l.programme, l.period, l.component, l.payee, l.amount, l.reference, l.salt,
                p_line)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'duplicate';
    END IF;
    UPDATE benefit_line SET due_at = NULL WHERE id = p_line;
    UPDATE benefit_batch SET state = 'releasing', done_at = NULL WHERE id = b.id AND state = 'done';
    RETURN 'ok';
END $$;

-- A payee's account may be another one: what is held or was returned is looked at now.
CREATE FUNCTION benefit_profile_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE benefit_line SET due_at = clock_timestamp()
        WHERE payee = NEW.id AND state IN ('held', 'returned') AND due_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER benefit_profile_changed AFTER UPDATE OF profile ON holder
    FOR EACH ROW WHEN (OLD.profile <> NEW.profile) EXECUTE FUNCTION benefit_profile_changed();
