-- Batches: the money moves at once, the vouchers are made in chunks, each a transaction. So a process that dies loses a
-- chunk that was never there, and whoever comes next goes on where `issued + skipped` stands.

-- How many vouchers of the first `p_count` are of bucket `p_bucket`.
CREATE FUNCTION voucher_bucket_size(p_count integer, p_buckets integer, p_bucket integer) RETURNS integer
LANGUAGE sql IMMUTABLE RETURN p_count / p_buckets + (p_bucket < p_count % p_buckets)::integer;

-- A programme's money from one source.
CREATE FUNCTION voucher_fund(p_programme uuid, p_source text) RETURNS uuid LANGUAGE sql
    RETURN ledger_account('programme', p_programme::text || '/' || p_source, 'fund');

-- Give a programme money of a source, or (negative) give it back. Raises LG001 when more is given back than is there.
CREATE FUNCTION voucher_budget(p_programme uuid, p_source text, p_amount bigint) RETURNS uuid LANGUAGE sql AS $$
    SELECT ledger_post(CASE WHEN p_amount < 0 THEN 'voucher_budget_returned' ELSE 'voucher_budget' END,
        'voucher_programme', p_programme, ARRAY[
            (ledger_account('source', p_source, 'subsidy'), -p_amount)::account_leg,
            (voucher_fund(p_programme, p_source), p_amount)::account_leg])
$$;

-- Set a draft's whole money aside and let it be issued; a pushed batch's quantity is that of the people who may have
-- one. Raises LG001 when the fund has less. Outcomes: ok, again, not_found, not_draft, nobody, ended.
CREATE FUNCTION voucher_batch_begin(p_batch uuid, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    b voucher_batch;
    v_quantity integer;
    v_buckets integer;
    v_fund uuid;
    v_escrows uuid[] := '{}';
BEGIN
    SELECT * INTO b FROM voucher_batch WHERE id = p_batch FOR NO KEY UPDATE;
    v_quantity := b.quantity;
    IF b.pushed AND b.state = 'draft' THEN
        -- Which of them each person has is said chunk by chunk: a million rows are not written in one statement's time.
        SELECT count(*) INTO v_quantity FROM batch_person WHERE batch = p_batch AND error IS NULL;
    END IF;
    outcome := CASE
        WHEN b.id IS NULL THEN 'not_found'
        WHEN b.state IN ('issuing', 'issued') THEN 'again'
        WHEN b.state <> 'draft' THEN 'not_draft'
        WHEN (SELECT ended_at IS NOT NULL FROM voucher_programme WHERE id = b.programme) THEN 'ended'
        WHEN v_quantity = 0 THEN 'nobody'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    IF b.face > 0 THEN
        v_buckets := least(greatest(v_quantity / 100, 1), 64);
        v_fund := voucher_fund(b.programme, b.source);
        v_escrows := array(SELECT ledger_account('voucher_batch', p_batch::text || '/' || k, 'escrow')
                           FROM generate_series(0, v_buckets - 1) k ORDER BY k);
        PERFORM ledger_post('voucher_batch', 'voucher_batch', p_batch, array(
            SELECT (e.account, b.face * voucher_bucket_size(v_quantity, v_buckets, e.k::integer - 1))::account_leg
            FROM unnest(v_escrows) WITH ORDINALITY AS e (account, k)) || (v_fund, -b.face * v_quantity)::account_leg);
    END IF;
    UPDATE voucher_batch SET state = 'issuing', quantity = v_quantity, fund = v_fund, escrows = v_escrows
        WHERE id = p_batch;
    INSERT INTO audit_event (kind, outcome, actor, detail) VALUES ('voucher_batch', 'ok', b.created_by,
        jsonb_build_object('batch', p_batch, 'quantity', v_quantity, 'amount', b.face * v_quantity));
END $$;

-- Make up to `p_limit` of a batch's vouchers, each with its hold; returns how many of the batch are decided then, NULL
-- when another is at it or there is nothing to do.
CREATE FUNCTION voucher_batch_issue(p_batch uuid, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    b voucher_batch;
    v_from integer;
    v_to integer;
    v_made integer[];
    v_lost integer[];
BEGIN
    SELECT * INTO b FROM voucher_batch WHERE id = p_batch AND state = 'issuing' FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_from := b.issued + b.skipped;
    v_to := least(b.quantity, v_from + p_limit);
    IF b.pushed THEN
        UPDATE batch_person p SET n = t.n FROM (
            SELECT q.place, v_from + row_number() OVER (ORDER BY q.place) - 1 AS n FROM (
                SELECT place FROM batch_person WHERE batch = p_batch AND error IS NULL AND place > coalesce((
                    SELECT l.place FROM batch_person l WHERE l.batch = p_batch AND l.n = v_from - 1), 0)
                ORDER BY place LIMIT v_to - v_from) q) t
            WHERE p.batch = p_batch AND p.place = t.place;
    END IF;
    WITH fresh AS MATERIALIZED (
        SELECT s.n, ledger_id() AS id, CASE WHEN b.face > 0 THEN ledger_id() END AS hold,
               voucher_random() AS number, w.holder, w.slot
        FROM generate_series(v_from, v_to - 1) s (n) LEFT JOIN LATERAL (
            SELECT p.holder, voucher_free_slot(b.programme, p.holder, g.per_person) AS slot
            FROM batch_person p JOIN voucher_programme g ON g.id = b.programme
            WHERE b.pushed AND p.batch = p_batch AND p.n = s.n) w ON true
        WHERE NOT b.pushed OR w.slot IS NOT NULL
    ), held AS (
        INSERT INTO hold (id, account, amount, ref_kind, ref)
            SELECT f.hold, b.escrows[1 + f.n % cardinality(b.escrows)], b.face, 'voucher', f.id
            FROM fresh f WHERE b.face > 0
    ), made AS (
        INSERT INTO voucher (id, serial, batch, n, programme, holder, slot, face, state, valid_from, valid_until, hold,
                             version)
            SELECT f.id, voucher_serial(f.number), p_batch, f.n, b.programme, f.holder, f.slot, b.face,
                   CASE WHEN b.pushed THEN 'claimed' ELSE 'issued' END, b.valid_from, b.valid_until, f.hold,
                   b.pushed::integer
            FROM fresh f
    ), told AS (
        INSERT INTO voucher_event (voucher, seq, kind, actor)
            SELECT f.id, 1, 'pushed', b.created_by FROM fresh f WHERE b.pushed
    ) SELECT coalesce(array_agg(n), '{}') INTO v_made FROM fresh;
    IF b.pushed THEN
        UPDATE batch_person p SET error = 'has_one' WHERE p.batch = p_batch AND p.n >= v_from AND p.n < v_to
            AND p.n <> ALL (v_made);
        v_lost := array(SELECT n FROM generate_series(v_from, v_to - 1) n EXCEPT SELECT unnest(v_made));
    END IF;
    IF b.face > 0 THEN
        PERFORM ledger_lock(b.escrows || CASE WHEN v_lost <> '{}' THEN b.fund END);
        UPDATE account a SET held = a.held + b.face * t.vouchers
            FROM (SELECT n % cardinality(b.escrows) AS k, count(*) AS vouchers FROM unnest(v_made) n GROUP BY 1) t
            WHERE a.id = b.escrows[1 + t.k];
        IF v_lost <> '{}' THEN
            PERFORM voucher_batch_return(b, v_lost, 'voucher_skipped');
        END IF;
    END IF;
    UPDATE voucher_batch SET issued = issued + cardinality(v_made), skipped = skipped + coalesce(cardinality(v_lost), 0),
        state = CASE WHEN v_to = b.quantity THEN 'issued' ELSE 'issuing' END,
        done_at = CASE WHEN v_to = b.quantity THEN clock_timestamp() END
        WHERE id = p_batch;
    RETURN v_to;
END $$;

-- Give the money of vouchers that are not made back to the fund; nothing of it is held.
CREATE FUNCTION voucher_batch_return(b voucher_batch, p_n integer[], p_kind text) RETURNS uuid LANGUAGE sql AS $$
    SELECT ledger_post(p_kind, 'voucher_batch', b.id, array(
        SELECT (b.escrows[1 + t.k], -b.face * t.vouchers)::account_leg
        FROM (SELECT n % cardinality(b.escrows) AS k, count(*) AS vouchers FROM unnest(p_n) n GROUP BY 1) t)
        || (b.fund, b.face * cardinality(p_n))::account_leg)
$$;

-- Make a batch void as far as nobody has claimed of it: what is not made is not made, what is not claimed is cancelled
-- (in chunks, by `voucher_batch_withdraw`). Outcomes: ok, again, not_found.
CREATE FUNCTION voucher_batch_cancel(p_batch uuid, p_actor uuid, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    b voucher_batch;
    v_unmade integer[];
BEGIN
    SELECT * INTO b FROM voucher_batch WHERE id = p_batch FOR NO KEY UPDATE;
    outcome := CASE WHEN NOT FOUND THEN 'not_found' WHEN b.state IN ('cancelling', 'cancelled') THEN 'again' ELSE 'ok' END;
    IF outcome = 'ok' THEN
        IF b.state = 'issuing' AND b.face > 0 THEN
            v_unmade := array(SELECT generate_series(b.issued + b.skipped, b.quantity - 1));
            PERFORM voucher_batch_return(b, v_unmade, 'voucher_unmade');
        END IF;
        UPDATE voucher_batch SET state = CASE b.state WHEN 'draft' THEN 'cancelled' ELSE 'cancelling' END,
            done_at = CASE b.state WHEN 'draft' THEN clock_timestamp() END WHERE id = p_batch;
        INSERT INTO audit_event (kind, outcome, actor, detail)
            VALUES ('voucher_batch_cancel', 'ok', p_actor, jsonb_build_object('batch', p_batch));
    END IF;
END $$;

-- Cancel up to `p_limit` vouchers of a cancelled batch that nobody has; returns how many, NULL when another is at it.
-- After the last the batch is done.
CREATE FUNCTION voucher_batch_withdraw(p_batch uuid, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    b voucher_batch;
    v_unclaimed uuid[];
BEGIN
    SELECT * INTO b FROM voucher_batch WHERE id = p_batch AND state = 'cancelling' FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_unclaimed := array(SELECT id FROM voucher WHERE programme = b.programme AND valid_until = b.valid_until
        AND batch = p_batch AND state = 'issued' ORDER BY n LIMIT p_limit FOR NO KEY UPDATE);
    IF v_unclaimed = '{}' THEN
        v_unclaimed := array(SELECT id FROM voucher WHERE batch = p_batch AND state = 'frozen'
            AND frozen_from = 'issued' ORDER BY n LIMIT p_limit FOR NO KEY UPDATE);
    END IF;
    IF v_unclaimed = '{}' THEN
        UPDATE voucher_batch SET state = 'cancelled', done_at = clock_timestamp() WHERE id = p_batch;
    ELSE
        PERFORM voucher_end(v_unclaimed, 'cancelled', NULL, '{"reason": "batch"}');
    END IF;
    RETURN cardinality(v_unclaimed);
END $$;
