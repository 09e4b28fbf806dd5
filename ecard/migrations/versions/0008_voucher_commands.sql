-- What is done with vouchers: one function a command, called alone or by other commands in their transaction.
-- Row locks: batch, voucher, merchant, hold, then accounts by (hot, id). Raised: LG… of the ledger, VC001 (no such way).

-- Take one step that moves no money: the guarded statement of every piece. True when the voucher was in one of `p_from`
-- and, unless it is being audited, its time had begun and not ended at `p_at` (now by default). A step to the same
-- state leaves only its event. `bound` sets class and institution, `claimed` (a drop-out) clears them, `audited` sets
-- the amount (the face by default); a completion that is rejected (back to in_use) has its programme's days to be put
-- right, whatever is left of the voucher's own.
CREATE FUNCTION voucher_step(
    p_voucher uuid, p_from text[], p_to text, p_kind text, p_actor uuid, p_place text DEFAULT NULL,
    p_evidence text DEFAULT NULL, p_visit uuid DEFAULT NULL, p_detail jsonb DEFAULT '{}', p_class uuid DEFAULT NULL,
    p_institution uuid DEFAULT NULL, p_amount bigint DEFAULT NULL, p_at timestamptz DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_version integer;
    v_at timestamptz := coalesce(p_at, clock_timestamp());
BEGIN
    IF p_to NOT IN ('bound', 'claimed', 'in_use', 'completed', 'audited') THEN
        RAISE EXCEPTION 'voucher: % is no step', p_to USING ERRCODE = 'VC001';
    END IF;
    UPDATE voucher v SET state = p_to, version = v.version + 1,
            class = CASE p_to WHEN 'bound' THEN p_class WHEN 'claimed' THEN NULL ELSE v.class END,
            institution = CASE p_to WHEN 'bound' THEN p_institution WHEN 'claimed' THEN NULL ELSE v.institution END,
            amount = CASE p_to WHEN 'audited' THEN coalesce(p_amount, v.face) END,
            valid_until = CASE WHEN v.state = 'completed' AND p_to = 'in_use' THEN greatest(v.valid_until,
                clock_timestamp() + make_interval(days => (
                    SELECT correction_days FROM voucher_programme p WHERE p.id = v.programme)::integer))
                ELSE v.valid_until END
        WHERE v.id = p_voucher AND v.state = ANY (p_from)
            AND (v.state IN ('completed', 'audited') OR v_at >= v.valid_from AND v_at < v.valid_until)
        RETURNING v.version INTO v_version;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO voucher_event (voucher, seq, kind, actor, place, evidence, visit, detail)
        VALUES (p_voucher, v_version, p_kind, p_actor, p_place, p_evidence, p_visit, coalesce(p_detail, '{}'));
    INSERT INTO audit_event (kind, outcome, actor, detail)
        VALUES ('voucher', p_kind, p_actor, jsonb_build_object('voucher', p_voucher, 'visit', p_visit));
    RETURN true;
END $$;

-- Claim one of the vouchers that anybody may have; the earliest to end goes first. Which of them it is, nobody waits
-- for: those that others are claiming are passed by. Outcomes: ok, not_found, ended, suspended, targeted,
-- group_wanted, has_one, none_left.
CREATE FUNCTION voucher_claim(
    p_programme uuid, p_card integer, p_actor uuid, p_group text, p_place text, p_evidence text,
    OUT outcome text, OUT voucher uuid
) LANGUAGE plpgsql AS $$
DECLARE
    p voucher_programme;
    v_holder uuid;
    v_slot smallint;
    v_found uuid;
    v_version integer;
    v_broken text;
BEGIN
    SELECT * INTO p FROM voucher_programme WHERE id = p_programme;
    SELECT c.holder INTO v_holder FROM card c WHERE c.seq = p_card AND c.status = 'active';
    outcome := CASE
        WHEN p.id IS NULL THEN 'not_found'
        WHEN p.ended_at IS NOT NULL THEN 'ended'
        WHEN v_holder IS NULL THEN 'suspended'
        WHEN p.kind = 'targeted' THEN 'targeted'
        WHEN p.groups <> '{}' AND coalesce(p_group <> ALL (p.groups), true) THEN 'group_wanted'
        ELSE 'ok' END;
    IF outcome = 'ok' THEN
        -- One person's claims of a programme are taken one after the other; other people's are not waited for.
        PERFORM pg_advisory_xact_lock(hashtextextended(p_programme::text || v_holder::text, 0));
        v_slot := voucher_free_slot(p_programme, v_holder, p.per_person);
        IF v_slot IS NULL THEN
            outcome := 'has_one';
        ELSE
            SELECT v.id INTO v_found FROM voucher v
                WHERE v.programme = p_programme AND v.state = 'issued' AND v.valid_until > clock_timestamp()
                    AND v.valid_from <= clock_timestamp()
                ORDER BY v.valid_until, v.batch, v.n LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                outcome := 'none_left';
            END IF;
        END IF;
    END IF;
    IF outcome = 'ok' THEN
        BEGIN
            UPDATE voucher v SET state = 'claimed', holder = v_holder, slot = v_slot, version = v.version + 1
                WHERE v.id = v_found RETURNING v.version INTO v_version;
            INSERT INTO voucher_event (voucher, seq, kind, actor, place, evidence, detail)
                VALUES (v_found, v_version, 'claimed', p_actor, p_place, p_evidence,
                    CASE WHEN p_group IS NULL THEN '{}' ELSE jsonb_build_object('group', p_group) END);
            voucher := v_found;
        EXCEPTION WHEN unique_violation THEN
            -- A batch has pushed the same person one meanwhile.
            GET STACKED DIAGNOSTICS v_broken = CONSTRAINT_NAME;
            IF v_broken <> 'voucher_slot' THEN
                RAISE;
            END IF;
            outcome := 'has_one';
        END;
    END IF;
    INSERT INTO audit_event (kind, outcome, actor, card, detail) VALUES ('voucher_claim', outcome, p_actor,
        p_card, jsonb_build_object('programme', p_programme, 'voucher', v_found));
END $$;

-- The lowest place that a person has free in a programme, NULL when all are taken.
CREATE FUNCTION voucher_free_slot(p_programme uuid, p_holder uuid, p_per_person smallint) RETURNS smallint
LANGUAGE sql STABLE AS $$
    SELECT min(s)::smallint FROM generate_series(1, p_per_person) s WHERE NOT EXISTS (
        SELECT FROM voucher v WHERE v.programme = p_programme AND v.holder = p_holder AND v.slot = s)
$$;

-- Lock the escrow and the fund of a voucher in the one order, where a command posts to the fund after another journal:
-- so nobody who needs the same two, as whoever ends others of the batch, waits in a ring.
CREATE FUNCTION voucher_lock(p_batch uuid, p_hold uuid) RETURNS void LANGUAGE sql AS $$
    SELECT ledger_lock(ARRAY[(SELECT account FROM hold WHERE id = p_hold), (SELECT fund FROM voucher_batch WHERE id = p_batch)])
$$;

CREATE TYPE voucher_freed AS (batch uuid, fund uuid, account uuid, amount bigint);

-- End vouchers that the caller has locked: holds voided, money back in the fund, the person's place free.
CREATE FUNCTION voucher_end(p_vouchers uuid[], p_state text, p_actor uuid, p_detail jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_holds integer;
    v_freed integer;
    v_buckets voucher_freed[];
    r record;
BEGIN
    WITH ended AS (
        UPDATE voucher SET state = p_state, frozen_from = NULL, slot = NULL, version = version + 1
            WHERE id = ANY (p_vouchers) RETURNING id, version, hold
    ), told AS (
        INSERT INTO voucher_event (voucher, seq, kind, actor, detail)
            SELECT id, version, p_state, p_actor, p_detail FROM ended
    ) SELECT count(hold) INTO v_holds FROM ended;
    WITH freed AS (
        UPDATE hold h SET state = 'voided', resolved_at = clock_timestamp()
            FROM voucher v JOIN voucher_batch b ON b.id = v.batch
            WHERE v.id = ANY (p_vouchers) AND h.id = v.hold AND h.state = 'open'
            RETURNING b.id AS batch, b.fund, h.account, h.amount
    ), bucket AS (
        SELECT batch, fund, account, sum(amount)::bigint AS amount, count(*) AS holds FROM freed GROUP BY 1, 2, 3
    ) SELECT coalesce(sum(holds), 0), array_agg((batch, fund, account, amount)::voucher_freed)
        INTO v_freed, v_buckets FROM bucket;
    IF v_freed <> v_holds THEN
        RAISE EXCEPTION 'ledger: hold not open' USING ERRCODE = 'LG007';
    ELSIF v_freed = 0 THEN
        RETURN;
    END IF;
    PERFORM ledger_lock(array(SELECT account FROM unnest(v_buckets) UNION SELECT fund FROM unnest(v_buckets)));
    UPDATE account a SET held = a.held - b.amount FROM unnest(v_buckets) b WHERE a.id = b.account;
    FOR r IN SELECT u.batch, u.fund, array_agg((u.account, -u.amount)::account_leg) AS legs,
                    sum(u.amount)::bigint AS total FROM unnest(v_buckets) u GROUP BY u.batch, u.fund
    LOOP
        PERFORM ledger_post('voucher_' || p_state, 'voucher_batch', r.batch, r.legs || (r.fund, r.total)::account_leg);
    END LOOP;
END $$;

-- Stop a voucher's use for the time being, or let it go on as it was. Outcomes: ok, again, not_found, not_live.
CREATE FUNCTION voucher_freeze(p_voucher uuid, p_actor uuid, p_reason text, p_frozen boolean, OUT outcome text)
LANGUAGE plpgsql AS $$
DECLARE
    v voucher;
BEGIN
    SELECT * INTO v FROM voucher WHERE id = p_voucher FOR NO KEY UPDATE;
    outcome := CASE
        WHEN NOT FOUND THEN 'not_found'
        WHEN (v.state = 'frozen') = p_frozen THEN 'again'
        WHEN p_frozen AND v.state NOT IN ('issued', 'claimed', 'bound', 'in_use', 'completed', 'audited') THEN 'not_live'
        ELSE 'ok' END;
    IF outcome = 'again' AND NOT p_frozen AND v.state IN ('redeemed', 'settled', 'expired', 'cancelled', 'reversed') THEN
        outcome := 'not_live';
    END IF;
    IF outcome = 'ok' THEN
        UPDATE voucher SET version = version + 1, state = CASE WHEN p_frozen THEN 'frozen' ELSE v.frozen_from END,
            frozen_from = CASE WHEN p_frozen THEN v.state END WHERE id = p_voucher;
        INSERT INTO voucher_event (voucher, seq, kind, actor, detail)
            VALUES (p_voucher, v.version + 1, CASE WHEN p_frozen THEN 'frozen' ELSE 'unfrozen' END, p_actor,
                    jsonb_build_object('reason', p_reason));
    END IF;
    INSERT INTO audit_event (kind, outcome, actor, detail)
        VALUES (CASE WHEN p_frozen THEN 'voucher_freeze' ELSE 'voucher_unfreeze' END, outcome, p_actor,
                jsonb_build_object('voucher', p_voucher));
END $$;

-- Make a voucher void that was not redeemed; its money is the fund's again. Outcomes: ok, again, not_found, not_live.
CREATE FUNCTION voucher_cancel(p_voucher uuid, p_actor uuid, p_reason text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    SELECT state INTO v_state FROM voucher WHERE id = p_voucher FOR NO KEY UPDATE;
    outcome := CASE
        WHEN v_state IS NULL THEN 'not_found'
        WHEN v_state = 'cancelled' THEN 'again'
        WHEN v_state IN ('redeemed', 'settled', 'expired', 'reversed') THEN 'not_live'
        ELSE 'ok' END;
    IF outcome = 'ok' THEN
        PERFORM voucher_end(ARRAY[p_voucher], 'cancelled', p_actor, jsonb_build_object('reason', p_reason));
    END IF;
    INSERT INTO audit_event (kind, outcome, actor, detail)
        VALUES ('voucher_cancel', outcome, p_actor, jsonb_build_object('voucher', p_voucher));
END $$;

-- End up to `p_limit` vouchers whose time is over and whose training was not finished; returns how many. Those that
-- others are at come next time.
CREATE FUNCTION voucher_expire(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_due uuid[];
BEGIN
    v_due := array(
        SELECT id FROM voucher WHERE valid_until <= clock_timestamp()
            AND state IN ('issued', 'claimed', 'bound', 'in_use', 'frozen')
            AND (state <> 'frozen' OR frozen_from IN ('issued', 'claimed', 'bound', 'in_use'))
        ORDER BY valid_until LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    IF v_due <> '{}' THEN
        PERFORM voucher_end(v_due, 'expired', NULL, '{}');
        INSERT INTO audit_event (kind, outcome, detail)
            VALUES ('voucher_expiry', 'ok', jsonb_build_object('vouchers', cardinality(v_due)));
    END IF;
    RETURN cardinality(v_due);
END $$;

-- 核销: pay what the audit found to the institution, from the voucher's hold; the rest of the face is the fund's again.
-- Outcomes: ok; again (this request was done); taken (redeemed by another request: `first_at`, `first_by`); not_found,
-- wrong_institution, frozen, expired, cancelled, reversed, not_audited, not_merchant, merchant_suspended.
CREATE FUNCTION voucher_redeem(
    p_voucher uuid, p_institution uuid, p_terminal uuid, p_request_id text, p_place text DEFAULT NULL,
    p_evidence text DEFAULT NULL, p_visit uuid DEFAULT NULL,
    OUT outcome text, OUT amount bigint, OUT journal uuid, OUT first_at timestamptz, OUT first_by uuid
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    m record;
BEGIN
    SELECT * INTO v FROM voucher WHERE id = p_voucher FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_found';
    ELSIF v.institution IS DISTINCT FROM p_institution THEN
        outcome := 'wrong_institution';
    ELSIF v.state IN ('redeemed', 'settled') THEN
        outcome := CASE WHEN (v.redeemed_by, v.request_id) = (p_terminal, p_request_id) THEN 'again' ELSE 'taken' END;
        amount := v.amount; journal := v.journal; first_at := v.redeemed_at; first_by := v.redeemed_by;
    ELSIF v.state <> 'audited' THEN
        outcome := CASE WHEN v.state IN ('frozen', 'expired', 'cancelled', 'reversed') THEN v.state ELSE 'not_audited' END;
    ELSE
        SELECT payable, suspended_at INTO m FROM merchant WHERE agency = p_institution;
        outcome := CASE WHEN v.amount = 0 THEN 'ok' WHEN NOT FOUND THEN 'not_merchant'
            WHEN m.suspended_at IS NOT NULL THEN 'merchant_suspended' ELSE 'ok' END;
    END IF;
    IF outcome = 'ok' THEN
        amount := v.amount; first_at := clock_timestamp(); first_by := p_terminal;
        IF v.amount < v.face THEN
            PERFORM voucher_lock(v.batch, v.hold);
        END IF;
        IF v.amount > 0 THEN
            journal := ledger_post_hold(v.hold, 'voucher_redeemed', 'voucher', p_voucher,
                ARRAY[(m.payable, v.amount)::account_leg]);
        ELSIF v.hold IS NOT NULL THEN
            PERFORM ledger_void_hold(v.hold);
        END IF;
        IF v.amount < v.face THEN
            PERFORM ledger_post('voucher_rest', 'voucher', p_voucher, ARRAY[
                ((SELECT h.account FROM hold h WHERE h.id = v.hold), v.amount - v.face)::account_leg,
                ((SELECT b.fund FROM voucher_batch b WHERE b.id = v.batch), v.face - v.amount)::account_leg]);
        END IF;
        UPDATE voucher u SET state = 'redeemed', version = u.version + 1, redeemed_at = voucher_redeem.first_at,
            redeemed_by = p_terminal, request_id = p_request_id, journal = voucher_redeem.journal,
            slot = CASE WHEN (SELECT once FROM voucher_programme p WHERE p.id = u.programme) THEN u.slot END
            WHERE u.id = p_voucher;
        INSERT INTO voucher_event (voucher, seq, kind, actor, place, evidence, visit, detail)
            VALUES (p_voucher, v.version + 1, 'redeemed', p_terminal, p_place, p_evidence, p_visit,
                    jsonb_build_object('amount', v.amount));
    END IF;
    IF outcome <> 'again' THEN
        INSERT INTO audit_event (kind, outcome, actor, detail)
            VALUES ('voucher_redemption', outcome, p_terminal, jsonb_build_object('voucher', p_voucher));
    END IF;
END $$;

-- The day that a redemption is settled with: China's, of its journal.
CREATE FUNCTION voucher_settled_in(p_institution uuid, p_journal uuid, p_states text[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM settlement s WHERE s.merchant = p_institution AND s.state = ANY (p_states)
        AND p_journal < first_id((s.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'))
$$;

-- Undo a redemption before its settlement is begun: the institution's credit is taken back and the face is the fund's.
-- Raises LG001 when the institution has spent it. Outcomes: ok, again, not_found, not_redeemed, settled.
CREATE FUNCTION voucher_reverse(p_voucher uuid, p_actor uuid, p_reason text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    v voucher;
BEGIN
    SELECT * INTO v FROM voucher WHERE id = p_voucher FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_found';
    ELSE
        -- Whoever begins a settlement locks the merchant: what is not begun now is not begun before the end of this.
        PERFORM FROM merchant WHERE agency = v.institution FOR SHARE;
        outcome := CASE
            WHEN v.state = 'reversed' THEN 'again'
            WHEN v.state = 'settled' THEN 'settled'
            WHEN v.state <> 'redeemed' THEN 'not_redeemed'
            WHEN v.journal IS NULL THEN 'ok'
            WHEN voucher_settled_in(v.institution, v.journal, '{processing,paid}') THEN 'settled'
            ELSE 'ok' END;
    END IF;
    IF outcome = 'ok' THEN
        IF v.journal IS NOT NULL THEN
            PERFORM voucher_lock(v.batch, v.hold);
            PERFORM ledger_reverse(v.journal, 'voucher_redeemed_reversed');
            PERFORM ledger_post('voucher_reversed', 'voucher', p_voucher, ARRAY[
                ((SELECT h.account FROM hold h WHERE h.id = v.hold), -v.amount)::account_leg,
                ((SELECT b.fund FROM voucher_batch b WHERE b.id = v.batch), v.amount)::account_leg]);
        END IF;
        UPDATE voucher SET state = 'reversed', slot = NULL, version = version + 1 WHERE id = p_voucher;
        INSERT INTO voucher_event (voucher, seq, kind, actor, detail)
            VALUES (p_voucher, v.version + 1, 'reversed', p_actor, jsonb_build_object('reason', p_reason));
        INSERT INTO outbox (id, topic, body) VALUES (ledger_id(), 'webhook', jsonb_build_object(
            'merchant', v.institution, 'event', 'voucher.reversed', 'voucher', p_voucher, 'amount', v.amount,
            'at', clock_timestamp()));
    END IF;
    INSERT INTO audit_event (kind, outcome, actor, detail)
        VALUES ('voucher_reversal', outcome, p_actor, jsonb_build_object('voucher', p_voucher));
END $$;

-- Mark up to `p_limit` redeemed vouchers whose institution has been paid for their day or a later one, wholly; returns
-- how many. A day whose pay-out failed is owed again, and settled with one that was begun after that; what is on its
-- way yet is not settled by a later day, which took only what came after.
CREATE FUNCTION voucher_settle(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    WITH RECURSIVE payee (agency) AS (
        (SELECT institution FROM voucher WHERE state = 'redeemed' AND journal IS NOT NULL ORDER BY institution LIMIT 1)
        UNION ALL
        SELECT (SELECT v.institution FROM voucher v WHERE v.state = 'redeemed' AND v.journal IS NOT NULL
                AND v.institution > payee.agency ORDER BY v.institution LIMIT 1)
        FROM payee WHERE payee.agency IS NOT NULL
    ), paid AS (
        SELECT p.agency, first_id((d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') AS before,
               (SELECT first_id((max(o.day) + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') FROM settlement o
                WHERE o.merchant = p.agency AND o.day < d.day
                  AND (o.state = 'processing' OR o.state = 'failed' AND o.done_at > d.begun)) AS since
        FROM payee p CROSS JOIN LATERAL (
            SELECT s.day, min(s.created_at) AS begun FROM settlement s WHERE s.merchant = p.agency
            GROUP BY s.day HAVING bool_and(s.state = 'paid') ORDER BY s.day DESC LIMIT 1) d
    ), due AS (
        SELECT v.id FROM paid p JOIN voucher v ON v.institution = p.agency AND v.journal < p.before
            AND (p.since IS NULL OR v.journal >= p.since)
        WHERE v.state = 'redeemed' AND v.journal IS NOT NULL LIMIT p_limit FOR NO KEY UPDATE OF v SKIP LOCKED
    ), moved AS (
        UPDATE voucher v SET state = 'settled', version = v.version + 1 FROM due WHERE v.id = due.id
            RETURNING v.id, v.version
    )
    INSERT INTO voucher_event (voucher, seq, kind) SELECT id, version, 'settled' FROM moved;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
