-- What goes back of a settlement, what comes late, and what regions owe each other; as in 0010_medical_commands.sql.

-- Begin to take back a part of a settlement: each leg's share of what is left, by largest remainder, set aside at the
-- institution until the agency has answered (LG001 where it has too little). Outcomes: ok; again; number_used;
-- not_confirmed; over (`remaining` says how much there is).
CREATE FUNCTION medical_reverse(
    p_id uuid, p_settlement uuid, p_terminal uuid, p_out_reversal_no text, p_amount bigint, p_reason text, p_ask uuid,
    p_seconds integer, OUT outcome text, OUT reversal uuid, OUT remaining bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
    e medical_encounter;
    r medical_reversal;
    v_left bigint[];
    v_parts bigint[];
    v_taken bigint[];
    v_hold uuid;
BEGIN
    v := medical_lock(p_settlement);
    SELECT * INTO e FROM medical_encounter WHERE id = v.encounter;
    remaining := v.total - v.reversed;
    SELECT * INTO r FROM medical_reversal WHERE settlement = p_settlement AND out_reversal_no = p_out_reversal_no;
    IF FOUND THEN
        reversal := r.id;
        outcome := CASE WHEN r.amount = p_amount THEN 'again' ELSE 'number_used' END;
    ELSIF v.state NOT IN ('confirmed', 'reversed') THEN
        outcome := 'not_confirmed';
    ELSIF p_amount > remaining THEN
        outcome := 'over';
    ELSE
        outcome := 'ok'; reversal := p_id;
        v_left := array(SELECT amount - l.reversed FROM medical_leg l WHERE settlement = v.id ORDER BY place);
        v_parts := largest_remainder(p_amount, v_left);
        -- What is left of the sums that it added; the last part takes the rest.
        v_taken := array(SELECT ((a - coalesce((SELECT sum(x.taken[n]) FROM medical_reversal x
                WHERE x.settlement = v.id AND x.state <> 'refused'), 0))::numeric * p_amount / remaining)::bigint
            FROM unnest(v.added) WITH ORDINALITY AS u (a, n) ORDER BY n);
        IF p_amount > v_parts[7] THEN
            v_hold := ledger_hold((SELECT payable FROM merchant WHERE agency = e.agency), p_amount - v_parts[7],
                                  'medical', p_id);
        END IF;
        UPDATE medical_leg l SET reversed = l.reversed + v_parts[l.place] WHERE settlement = v.id;
        UPDATE medical_settlement s SET reversed = s.reversed + p_amount WHERE id = v.id;
        INSERT INTO medical_reversal (id, settlement, out_reversal_no, terminal, amount, parts, taken, reason, hold)
            VALUES (p_id, v.id, p_out_reversal_no, p_terminal, p_amount, v_parts, v_taken, p_reason, v_hold);
        INSERT INTO medical_ask (id, subject, settlement, kind, region, next_check_at) VALUES (p_ask, p_id, v.id,
            'reverse', e.region_insured, clock_timestamp() + make_interval(secs => p_seconds));
        remaining := remaining - p_amount;
    END IF;
END $$;

-- A reversal's answer. ok: the mirror of its parts is booked, and the cash part of an order goes back to its bank.
-- refused: all is as if it had not been asked for.
CREATE FUNCTION medical_book_reversal(v medical_settlement, e medical_encounter, a medical_ask) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    r medical_reversal;
BEGIN
    SELECT * INTO r FROM medical_reversal WHERE id = a.subject;
    IF r.hold IS NOT NULL THEN
        PERFORM ledger_void_hold(r.hold);
    END IF;
    IF a.outcome = 'ok' THEN
        UPDATE medical_reversal SET state = 'done', done_at = clock_timestamp(),
            journal = ledger_post('medical_reversal', 'medical', r.id, medical_account_legs(e, r.parts, -1))
            WHERE id = r.id;
        PERFORM medical_year_less(e, v.year, r.taken);
        UPDATE medical_settlement SET
            cash_back = CASE WHEN v.cash_by = 'order' AND v.record_no IS NULL THEN v.cash_back + r.parts[7]
                             ELSE v.cash_back END,
            state = CASE WHEN v.total = (SELECT sum(x.amount) FROM medical_reversal x
                                         WHERE x.settlement = v.id AND x.state = 'done') THEN 'reversed' ELSE state END
            WHERE id = v.id;
    ELSE
        UPDATE medical_reversal SET state = 'refused', done_at = clock_timestamp() WHERE id = r.id;
        UPDATE medical_leg l SET reversed = l.reversed - r.parts[l.place] WHERE settlement = v.id;
        UPDATE medical_settlement s SET reversed = s.reversed - r.amount WHERE id = v.id;
    END IF;
    INSERT INTO audit_event (kind, outcome, card, item, detail) VALUES ('medical_reversal', a.outcome, e.card, e.item,
        jsonb_build_object('settlement', v.id, 'reversal', r.id));
END $$;

-- Begin the refund of cash that is to go back, as far as none is under way; what the bank is to be asked, one row each.
-- An institution that has too little is passed by until it has more.
CREATE FUNCTION medical_give_back(p_settlement uuid DEFAULT NULL)
RETURNS TABLE (attempt uuid, bank text, bank_ref text, of_ref text, amount bigint) LANGUAGE plpgsql AS $$
DECLARE
    s record;
    v record;
    v_no text;
BEGIN
    FOR s IN SELECT m.id, m.order_id, o.merchant, m.cash_back - o.refunded AS due FROM medical_settlement m
             JOIN pay_order o ON o.id = m.order_id
             WHERE m.cash_back > o.refunded AND o.state IN ('paid', 'partially_refunded')
               AND (p_settlement IS NULL OR m.id = p_settlement) ORDER BY m.id LIMIT 100
             FOR NO KEY UPDATE OF m SKIP LOCKED
    LOOP
        attempt := ledger_id(); v_no := replace(ledger_id()::text, '-', '');
        BEGIN
            SELECT * INTO v FROM pay_refund(v_no::uuid, attempt, s.order_id, s.merchant, s.merchant, v_no, '', v_no, s.due,
                                            '就医结算退款', true);
            IF v.outcome = 'ok' THEN
                bank := v.bank; bank_ref := v.bank_ref; of_ref := v.of_ref; amount := s.due;
                RETURN NEXT;
            END IF;
        EXCEPTION WHEN SQLSTATE 'LG001' THEN
            NULL;
        END;
    END LOOP;
END $$;

-- A trial is given up, and its cash goes back. Outcomes: ok, again, not_open.
CREATE FUNCTION medical_cancel(p_settlement uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    PERFORM FROM pay_order WHERE id = (SELECT order_id FROM medical_settlement WHERE id = p_settlement) FOR NO KEY UPDATE;
    v := medical_lock(p_settlement);
    IF v.state = 'superseded' THEN
        RETURN 'again';
    ELSIF v.state <> 'precalc' THEN
        RETURN 'not_open';
    END IF;
    UPDATE medical_settlement SET state = 'superseded', cash_back = CASE WHEN v.cash_by = 'order'
        AND v.cash_at IS NOT NULL THEN v.cash_back + medical_cash(v.id) ELSE v.cash_back END WHERE id = v.id;
    IF v.order_id IS NOT NULL THEN
        PERFORM pay_close(v.order_id, NULL, NULL);
    END IF;
    RETURN 'ok';
END $$;

-- Take down what was done while off-line, once for an institution's number. Outcomes: ok, again, differs.
CREATE FUNCTION medical_record(
    p_id uuid, p_encounter uuid, p_record_no text, p_recorded_on date, p_total bigint, p_fees_mac bytea, p_paid bigint
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO medical_settlement (id, encounter, segment, state, total, fees_mac, record_no, recorded_on, paid, agency)
        SELECT p_id, p_encounter, 1, 'recorded', p_total, p_fees_mac, p_record_no, p_recorded_on, p_paid, agency
        FROM medical_encounter WHERE id = p_encounter
        ON CONFLICT (agency, record_no) DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'ok' ELSE 'taken' END;
END $$;

-- Upload a record: its legs by the rules of its day, and begin to settle. Outcomes: ok, again, stale.
CREATE FUNCTION medical_upload(
    p_settlement uuid, p_split bytea, p_rule uuid, p_year smallint, p_year_version bigint, p_added bigint[],
    p_legs bigint[], p_ask uuid, p_seconds integer
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
    e medical_encounter;
    v_outcome text;
BEGIN
    v := medical_lock(p_settlement);
    IF v.state <> 'recorded' THEN
        RETURN 'again';
    END IF;
    SELECT * INTO e FROM medical_encounter WHERE id = v.encounter;
    UPDATE medical_settlement SET split = p_split, rule = p_rule, year = p_year, year_version = p_year_version,
        added = p_added WHERE id = v.id RETURNING * INTO v;
    PERFORM medical_legs(v.id, v.total, p_legs);
    v_outcome := medical_begin(v, e, p_ask, p_seconds);
    IF v_outcome <> 'ok' THEN
        DELETE FROM medical_leg WHERE settlement = v.id;
    END IF;
    RETURN v_outcome;
END $$;

-- Net what pairs of regions owe each other, all to now; returns how many. Once a day by itself (`p_by` NULL).
CREATE FUNCTION medical_net(p_by uuid DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    p record;
    v_ab uuid;
    v_ba uuid;
    v_a bigint;
    v_b bigint;
    v_legs account_leg[];
    v_id uuid;
    v_count integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('medical_net', 0));
    FOR p IN SELECT DISTINCT least(x[1], x[2]) AS a, greatest(x[1], x[2]) AS b
             FROM (SELECT string_to_array(owner, ':') AS x FROM account WHERE owner_kind = 'region_pair'
                   AND book = 'region_clearing') t ORDER BY 1, 2
    LOOP
        CONTINUE WHEN p_by IS NULL AND EXISTS (SELECT FROM medical_netting n WHERE (n.a, n.b, n.day, n.by IS NULL)
                                               = (p.a, p.b, pay_day(), true));
        v_ab := ledger_account('region_pair', p.a || ':' || p.b, 'region_clearing');
        v_ba := ledger_account('region_pair', p.b || ':' || p.a, 'region_clearing');
        SELECT balance INTO v_a FROM account_balance WHERE id = v_ab;
        SELECT balance INTO v_b FROM account_balance WHERE id = v_ba;
        v_legs := array(SELECT (t.account, t.amount)::account_leg FROM (VALUES
            (v_ab, -v_a), (ledger_account('region', p.b, 'region_advance'), v_a),
            (v_ba, -v_b), (ledger_account('region', p.a, 'region_advance'), v_b)) AS t (account, amount)
            WHERE t.amount <> 0);
        CONTINUE WHEN cardinality(v_legs) = 0;
        v_id := ledger_id();
        INSERT INTO medical_netting (id, day, a, b, owed_by_a, owed_by_b, net, journal, by) VALUES (v_id, pay_day(), p.a,
            p.b, v_a, v_b, v_a - v_b, ledger_post('medical_netting', 'medical_netting', v_id, v_legs), p_by);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
