-- What operators decide of batches and lines: one function a command, each an answer and no exception.

-- An operator approves a batch at a level, naming the manifest that was seen. Outcomes: ok, again, not_found,
-- not_open (a draft, or decided), stale (another manifest), notice (the public notice runs), wrong_level, same_person.
CREATE FUNCTION benefit_approve(p_batch uuid, p_by uuid, p_level smallint, p_root bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF NOT EXISTS (SELECT FROM benefit_manifest m WHERE (m.batch, m.round, m.root) = (p_batch, b.round, p_root)) THEN
        RETURN CASE WHEN b.state IN ('draft', 'cancelled') THEN 'not_open' ELSE 'stale' END;
    ELSIF EXISTS (SELECT FROM benefit_approval a
                  WHERE (a.batch, a.round, a.level, a.by) = (p_batch, b.round, p_level, p_by)) THEN
        RETURN 'again';
    ELSIF b.state NOT IN ('notice', 'level1') THEN
        RETURN 'not_open';
    ELSIF b.notice_ends_at > clock_timestamp() THEN
        RETURN 'notice';
    ELSIF p_level <> (CASE b.state WHEN 'notice' THEN 1 ELSE 2 END) THEN
        RETURN 'wrong_level';
    END IF;
    INSERT INTO benefit_approval (batch, round, level, root, by) VALUES (p_batch, b.round, p_level, p_root, p_by)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'same_person';
    END IF;
    UPDATE benefit_batch SET state = 'level' || p_level WHERE id = p_batch;
    RETURN 'ok';
END $$;

-- An operator sends a batch back to its agency: it is a draft again, and its approvals count for nothing.
-- Outcomes: ok, not_found, not_open, stale.
CREATE FUNCTION benefit_reject(p_batch uuid, p_root bytea, p_reason text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF b.state NOT IN ('notice', 'level1', 'level2') THEN
        RETURN 'not_open';
    ELSIF NOT EXISTS (SELECT FROM benefit_manifest m WHERE (m.batch, m.round, m.root) = (p_batch, b.round, p_root)) THEN
        RETURN 'stale';
    END IF;
    UPDATE benefit_batch SET state = 'draft', round = round + 1, reason = p_reason, notice_ends_at = NULL, token = NULL
        WHERE id = p_batch;
    RETURN 'ok';
END $$;

-- Release a batch that is approved: its total moves from the programme's fund to an escrow of its own, before any of it
-- is paid. The caller holds the batch's lock and has found that its lines give the manifest. Raises LG001.
-- Outcomes: ok, again, not_approved, stale.
CREATE FUNCTION benefit_release(p_batch uuid, p_by uuid, p_root bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
    m benefit_manifest;
    v_escrow uuid;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch FOR NO KEY UPDATE;
    SELECT * INTO m FROM benefit_manifest WHERE (batch, round) = (p_batch, b.round);
    IF m.root IS DISTINCT FROM p_root THEN
        RETURN 'stale';
    ELSIF b.state IN ('releasing', 'done', 'closed') THEN
        RETURN 'again';
    ELSIF b.state <> 'level2' THEN
        RETURN 'not_approved';
    END IF;
    v_escrow := ledger_account('benefit_batch', p_batch::text, 'escrow');
    UPDATE benefit_batch SET state = 'releasing', released_by = p_by, released_at = clock_timestamp(),
        escrow = v_escrow, funding = ledger_post('benefit_funded', 'benefit_batch', p_batch, ARRAY[
            ((SELECT fund FROM benefit_programme WHERE id = b.programme), -m.total)::account_leg,
            (v_escrow, m.total)::account_leg])
        WHERE id = p_batch;
    RETURN 'ok';
END $$;

-- What an agency is told of its batch.
CREATE FUNCTION benefit_tell(b benefit_batch) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (id, topic, body) VALUES (ledger_id(), 'webhook', jsonb_build_object(
        'merchant', b.agency, 'event', 'benefit_batch.' || b.state, 'batch', b.id, 'number', b.number,
        'period', b.period, 'at', clock_timestamp()))
$$;

-- A batch of which nothing is waiting or asked any more is done; true when newly so.
CREATE FUNCTION benefit_finish(p_batch uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch AND state = 'releasing' FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM benefit_line WHERE batch = p_batch AND state IN ('ready', 'held'))
        OR EXISTS (SELECT FROM benefit_line WHERE batch = p_batch AND state IN ('sent', 'unknown')) THEN
        RETURN false;
    END IF;
    UPDATE benefit_batch SET state = 'done', done_at = clock_timestamp() WHERE id = p_batch RETURNING * INTO b;
    PERFORM benefit_tell(b);
    RETURN true;
END $$;

-- End a batch for good: what was not paid is cancelled, and its money is the fund's again.
-- Outcomes: ok, again, not_found, not_open, under_way (a bank has not said).
CREATE FUNCTION benefit_close(p_batch uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
    v_rest bigint;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF b.state NOT IN ('releasing', 'done') THEN
        RETURN CASE b.state WHEN 'closed' THEN 'again' ELSE 'not_open' END;
    ELSIF EXISTS (SELECT FROM benefit_line WHERE batch = p_batch AND state IN ('sent', 'unknown')) THEN
        RETURN 'under_way';
    END IF;
    UPDATE benefit_line SET state = 'cancelled', due_at = NULL, done_at = clock_timestamp()
        WHERE batch = p_batch AND state IN ('ready', 'held');
    UPDATE benefit_line SET due_at = NULL WHERE batch = p_batch AND state = 'returned' AND due_at IS NOT NULL;
    SELECT balance INTO v_rest FROM account_balance WHERE id = b.escrow;
    IF v_rest > 0 THEN
        PERFORM ledger_post('benefit_rest', 'benefit_batch', p_batch, ARRAY[(b.escrow, -v_rest)::account_leg,
            ((SELECT fund FROM benefit_programme WHERE id = b.programme), v_rest)::account_leg]);
    END IF;
    UPDATE benefit_batch SET state = 'closed' WHERE id = p_batch RETURNING * INTO b;
    PERFORM benefit_tell(b);
    RETURN 'ok';
END $$;

-- Give up a batch that is not released; its lines bar no other. Outcomes: ok, again, not_found, not_open.
CREATE FUNCTION benefit_cancel(p_batch uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b benefit_batch;
BEGIN
    SELECT * INTO b FROM benefit_batch WHERE id = p_batch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF b.state NOT IN ('draft', 'notice', 'level1', 'level2') THEN
        RETURN CASE b.state WHEN 'cancelled' THEN 'again' ELSE 'not_open' END;
    END IF;
    UPDATE benefit_batch SET state = 'cancelled', done_at = clock_timestamp() WHERE id = p_batch;
    UPDATE benefit_line SET state = 'cancelled', due_at = NULL, done_at = clock_timestamp() WHERE batch = p_batch;
    RETURN 'ok';
END $$;

-- Give up a line that is released and not paid, such as one of a payee who died. Outcomes: ok, again, not_found, not_open.
CREATE FUNCTION benefit_cancel_line(p_line uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    l benefit_line;
BEGIN
    SELECT x.* INTO l FROM benefit_line x JOIN benefit_batch b ON b.id = x.batch AND b.state = 'releasing'
        WHERE x.id = p_line FOR NO KEY UPDATE OF x;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF l.state NOT IN ('ready', 'held') THEN
        RETURN CASE l.state WHEN 'cancelled' THEN 'again' ELSE 'not_open' END;
    END IF;
    UPDATE benefit_line SET state = 'cancelled', due_at = NULL, done_at = clock_timestamp() WHERE id = p_line;
    RETURN 'ok';
END $$;

-- Somebody was paid too much: one operator says so, another confirms it, and it is owed back.
-- Outcomes: proposed, confirmed, again, not_found, not_paid, too_much, same_person, differs.
CREATE FUNCTION benefit_claw(p_line uuid, p_by uuid, p_amount bigint, p_reason text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    l benefit_line;
    c benefit_clawback;
BEGIN
    SELECT * INTO l FROM benefit_line WHERE id = p_line FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF l.state <> 'paid' THEN
        RETURN 'not_paid';
    ELSIF p_amount > l.amount THEN
        RETURN 'too_much';
    END IF;
    INSERT INTO benefit_clawback (line, amount, reason, proposed_by) VALUES (p_line, p_amount, p_reason, p_by)
        ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN 'proposed';
    END IF;
    SELECT * INTO c FROM benefit_clawback WHERE line = p_line FOR UPDATE;
    IF c.amount <> p_amount THEN
        RETURN 'differs';
    ELSIF c.confirmed_by IS NOT NULL THEN
        RETURN 'again';
    ELSIF c.proposed_by = p_by THEN
        RETURN 'same_person';
    END IF;
    UPDATE benefit_clawback SET confirmed_by = p_by, confirmed_at = clock_timestamp(),
        journal = ledger_post('benefit_clawback', 'benefit_line', p_line, ARRAY[
            (ledger_account('benefit_clawback', l.programme::text, 'receivable'), -p_amount)::account_leg,
            (ledger_account('benefit_clawback', l.programme::text, 'escrow'), p_amount)::account_leg])
        WHERE line = p_line;
    RETURN 'confirmed';
END $$;

-- Money that was owed back came to our account at a bank, under the bank's own reference: it is the fund's again.
-- Outcomes: ok, again, not_found, not_open, too_much.
CREATE FUNCTION benefit_recover(p_line uuid, p_by uuid, p_amount bigint, p_bank text, p_ref text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    c benefit_clawback;
    v_programme uuid;
BEGIN
    SELECT * INTO c FROM benefit_clawback WHERE line = p_line FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF EXISTS (SELECT FROM benefit_recovery r WHERE (r.bank, r.bank_ref) = (p_bank, p_ref)) THEN
        RETURN 'again';
    ELSIF c.journal IS NULL THEN
        RETURN 'not_open';
    ELSIF c.recovered + p_amount > c.amount THEN
        RETURN 'too_much';
    END IF;
    SELECT programme INTO v_programme FROM benefit_line WHERE id = p_line;
    INSERT INTO benefit_recovery (bank, bank_ref, line, amount, by, journal)
        VALUES (p_bank, p_ref, p_line, p_amount, p_by, ledger_post('benefit_recovered', 'benefit_line', p_line, ARRAY[
            (ledger_account('bank', p_bank, 'bank_clearing'), -p_amount)::account_leg,
            ((SELECT fund FROM benefit_programme WHERE id = v_programme), p_amount)::account_leg,
            (ledger_account('benefit_clawback', v_programme::text, 'escrow'), -p_amount)::account_leg,
            (ledger_account('benefit_clawback', v_programme::text, 'receivable'), p_amount)::account_leg]));
    UPDATE benefit_clawback SET recovered = recovered + p_amount WHERE line = p_line;
    RETURN 'ok';
END $$;
