-- What is done with settlements: one function a command. Row locks: order, encounter, settlement, year, hold, accounts by
-- (hot, id).
-- Legs have seven places: pooled, serious, civil, aid, commercial, personal, cash. Refusals are outcomes and leave
-- nothing; LG001 is the ledger's: an account has too little.

-- Open a person's personal account with what the insurance says to be on it, once.
CREATE FUNCTION medical_open_account(p_holder uuid, p_region text, p_amount bigint) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_account uuid := ledger_account('holder', p_holder::text, 'personal_account');
BEGIN
    INSERT INTO medical_account (holder, region) VALUES (p_holder, p_region) ON CONFLICT (holder) DO NOTHING;
    IF FOUND AND p_amount > 0 THEN
        UPDATE medical_account SET journal = ledger_post('medical_account', 'holder', p_holder, ARRAY[
            (ledger_account('insurance', p_region || '/account', 'insurance_fund'), -p_amount)::account_leg,
            (v_account, p_amount)::account_leg]) WHERE holder = p_holder;
    END IF;
    RETURN v_account;
END $$;

-- A settlement, locked with its encounter: all that is done with it comes one after the other.
CREATE FUNCTION medical_lock(p_settlement uuid) RETURNS medical_settlement LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    PERFORM FROM medical_encounter WHERE id = (SELECT encounter FROM medical_settlement WHERE id = p_settlement)
        FOR NO KEY UPDATE;
    SELECT * INTO v FROM medical_settlement WHERE id = p_settlement FOR NO KEY UPDATE;
    RETURN v;
END $$;

-- A trial (试结算): its legs, in the place of an earlier trial of the segment. Outcomes: ok, settled (the segment is, or
-- is being), cash_taken (the earlier trial's cash leg was paid: confirm it, or give it back).
CREATE FUNCTION medical_trial(
    p_id uuid, p_encounter uuid, p_segment smallint, p_total bigint, p_fees_mac bytea, p_split bytea, p_rule uuid,
    p_year smallint, p_year_version bigint, p_added bigint[], p_legs bigint[], p_seconds integer
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    PERFORM FROM medical_encounter WHERE id = p_encounter FOR NO KEY UPDATE;
    SELECT * INTO v FROM medical_settlement WHERE encounter = p_encounter AND segment = p_segment
        AND state NOT IN ('superseded', 'reversed', 'rejected') FOR NO KEY UPDATE;
    IF FOUND THEN
        IF v.state <> 'precalc' THEN
            RETURN 'settled';
        ELSIF v.cash_at IS NOT NULL OR medical_order_open(v.order_id) THEN
            RETURN 'cash_taken';
        END IF;
        UPDATE medical_settlement SET state = 'superseded' WHERE id = v.id;
    END IF;
    INSERT INTO medical_settlement (id, encounter, segment, state, total, fees_mac, split, rule, year, year_version,
                                    added, agency, expires_at)
        SELECT p_id, p_encounter, p_segment, 'precalc', p_total, p_fees_mac, p_split, p_rule, p_year, p_year_version,
               p_added, agency, clock_timestamp() + make_interval(secs => p_seconds)
        FROM medical_encounter WHERE id = p_encounter;
    PERFORM medical_legs(p_id, p_total, p_legs);
    RETURN 'ok';
END $$;

-- Write a settlement's legs. Raises MD001 where they are not the total: nothing of that kind is ever written.
CREATE FUNCTION medical_legs(p_settlement uuid, p_total bigint, p_legs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(p_legs) <> 7 OR (SELECT sum(l) FROM unnest(p_legs) l) <> p_total THEN
        RAISE EXCEPTION 'medical: legs are not the total' USING ERRCODE = 'MD001';
    END IF;
    INSERT INTO medical_leg (settlement, place, kind, amount)
        SELECT p_settlement, n, (ARRAY['pooled', 'serious', 'civil', 'aid', 'commercial', 'personal', 'cash'])[n], amount
        FROM unnest(p_legs) WITH ORDINALITY AS u (amount, n);
END $$;

-- Whether an order may still be paid, or is: its money must not be asked for twice.
CREATE FUNCTION medical_order_open(p_order uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pay_order WHERE id = p_order AND state NOT IN ('closed', 'failed', 'reversed', 'refunded')
                   AND NOT (state = 'created' AND expires_at <= clock_timestamp()))
$$;

-- A settlement's cash leg.
CREATE FUNCTION medical_cash(p_settlement uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT amount FROM medical_leg WHERE settlement = p_settlement AND place = 7
$$;

-- What of a settlement's cash is to be paid now: the cash leg of a trial, or what a patient owes since.
CREATE FUNCTION medical_cash_due(p medical_settlement) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.state = 'precalc' AND p.cash_at IS NULL THEN
                    medical_cash(p.id)
                WHEN p.debt > 0 AND p.debt_journal IS NOT NULL THEN p.debt ELSE 0 END
$$;

-- The cash leg, or a debt, was taken at the institution's till. Outcomes: ok, again, nothing_due, differs, order_open.
CREATE FUNCTION medical_till(p_settlement uuid, p_amount bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
    v_due bigint;
BEGIN
    v := medical_lock(p_settlement);
    v_due := medical_cash_due(v);
    IF v_due = 0 THEN
        RETURN CASE WHEN v.cash_by = 'till' AND v.cash_at IS NOT NULL AND p_amount IN (medical_cash(v.id), v.debt)
                    THEN 'again' ELSE 'nothing_due' END;
    ELSIF v_due <> p_amount THEN
        RETURN 'differs';
    ELSIF medical_order_open(v.order_id) THEN
        RETURN 'order_open';
    END IF;
    UPDATE medical_settlement SET cash_by = 'till', order_id = NULL WHERE id = p_settlement;
    PERFORM medical_cash_paid(p_settlement);
    RETURN 'ok';
END $$;

-- An order is to pay it, which only the patient may confirm. Outcomes: ok, nothing_due, order_open.
CREATE FUNCTION medical_ordered(p_settlement uuid, p_order uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    v := medical_lock(p_settlement);
    IF medical_cash_due(v) = 0 THEN
        RETURN 'nothing_due';
    ELSIF medical_order_open(v.order_id) THEN
        RETURN 'order_open';
    END IF;
    UPDATE medical_settlement SET cash_by = 'order', order_id = p_order WHERE id = p_settlement;
    UPDATE pay_order SET payer = (SELECT card FROM medical_encounter WHERE id = v.encounter) WHERE id = p_order;
    RETURN 'ok';
END $$;

-- What was due is paid: a trial may be confirmed, a debt is none any more.
CREATE FUNCTION medical_cash_paid(p_settlement uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    v := medical_lock(p_settlement);
    IF v.state = 'precalc' THEN
        UPDATE medical_settlement SET cash_at = clock_timestamp() WHERE id = p_settlement;
    ELSIF v.debt_journal IS NOT NULL THEN
        PERFORM ledger_reverse(v.debt_journal, 'medical_debt_paid');
        UPDATE medical_settlement SET debt_journal = NULL, cash_at = clock_timestamp(),
            state = CASE state WHEN 'debt' THEN 'rejected' ELSE state END WHERE id = p_settlement;
    END IF;
END $$;

-- What becomes of an order becomes of the settlement that it is for, in the same transaction. An order that is paid after
-- its settlement found other money, or ended, is paid back.
CREATE FUNCTION medical_order_followed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
BEGIN
    v := medical_lock((SELECT id FROM medical_settlement WHERE order_id = NEW.id));
    IF v.id IS NOT NULL AND medical_cash_due(v) = NEW.amount THEN
        PERFORM medical_cash_paid(v.id);
    ELSIF v.id IS NOT NULL THEN
        UPDATE medical_settlement SET cash_back = cash_back + NEW.amount WHERE id = v.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER medical_order_followed AFTER UPDATE OF state ON pay_order
    FOR EACH ROW WHEN (NEW.kind = 'medical' AND NEW.state = 'paid' AND OLD.state <> 'paid')
    EXECUTE FUNCTION medical_order_followed();

-- Begin to settle: the year's sums and the personal account are taken from, before the agency is asked.
-- Outcomes: ok; again (it is under way, or done); stale (fees, year, account or time are not what the trial saw);
-- disputed (the patient says that it was not they who came); cash_missing; not_open.
CREATE FUNCTION medical_confirm(p_settlement uuid, p_split bytea, p_ask uuid, p_seconds integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v medical_settlement;
    e medical_encounter;
BEGIN
    v := medical_lock(p_settlement);
    SELECT * INTO e FROM medical_encounter WHERE id = v.encounter;
    IF v.split IS DISTINCT FROM p_split THEN
        RETURN 'stale';
    ELSIF v.state IN ('confirming', 'confirmed') THEN
        RETURN 'again';
    ELSIF v.state <> 'precalc' THEN
        RETURN 'not_open';
    ELSIF v.fees_mac IS DISTINCT FROM
          (SELECT f.mac FROM medical_fees f WHERE f.encounter = v.encounter AND f.segment = v.segment) THEN
        RETURN 'fees_changed';
    ELSIF v.expires_at <= clock_timestamp() THEN
        RETURN 'stale';
    ELSIF EXISTS (SELECT FROM visit w WHERE w.id = e.visit AND w.disputed_at IS NOT NULL FOR SHARE) THEN
        RETURN 'disputed';
    END IF;
    IF medical_cash(p_settlement) > 0 AND v.cash_at IS NULL THEN
        RETURN 'cash_missing';
    END IF;
    RETURN medical_begin(v, e, p_ask, p_seconds);
END $$;

-- Take what a settlement adds to the year and from the personal account, and note what the agency is to be asked.
-- Outcomes: ok, stale.
CREATE FUNCTION medical_begin(v medical_settlement, e medical_encounter, p_ask uuid, p_seconds integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_personal bigint;
    v_hold uuid;
    v_account uuid;
BEGIN
    UPDATE medical_year y SET version = y.version + 1, sums = (SELECT array_agg(s + a ORDER BY n)
            FROM unnest(y.sums, v.added) WITH ORDINALITY AS u (s, a, n))
        WHERE (y.holder, y.region, y.scheme, y.care, y.year) = (e.holder, e.region_insured, e.scheme, e.care, v.year)
          AND y.version = v.year_version;
    IF NOT FOUND THEN
        RETURN 'stale';
    END IF;
    SELECT amount INTO v_personal FROM medical_leg WHERE settlement = v.id AND place = 6;
    IF v_personal > 0 THEN
        v_account := ledger_account('holder', e.holder::text, 'personal_account');
        PERFORM FROM account WHERE id = v_account AND balance - held >= v_personal FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            UPDATE medical_year y SET sums = (SELECT array_agg(s - a ORDER BY n)
                    FROM unnest(y.sums, v.added) WITH ORDINALITY AS u (s, a, n))
                WHERE (y.holder, y.region, y.scheme, y.care, y.year)
                    = (e.holder, e.region_insured, e.scheme, e.care, v.year);
            RETURN 'stale';
        END IF;
        v_hold := ledger_hold(v_account, v_personal, 'medical', v.id);
    END IF;
    UPDATE medical_settlement SET hold = v_hold, state = CASE WHEN record_no IS NULL THEN 'confirming' ELSE 'uploaded' END
        WHERE id = v.id;
    INSERT INTO medical_ask (id, subject, settlement, kind, region, next_check_at)
        VALUES (p_ask, v.id, v.id, 'settle', e.region_insured, clock_timestamp() + make_interval(secs => p_seconds));
    RETURN 'ok';
END $$;

-- The journal's legs of a settlement, each leg of it one or two: what funds and account bear goes to the institution;
-- where the regions differ, the one owes it to the other. `p_sign` −1 is the way back.
CREATE FUNCTION medical_account_legs(e medical_encounter, p_parts bigint[], p_sign integer) RETURNS account_leg[]
LANGUAGE plpgsql AS $$
DECLARE
    v_kinds text[] := ARRAY['pooled', 'serious', 'civil', 'aid', 'commercial'];
    v_legs account_leg[] := '{}';
    v_insured bigint := 0;
BEGIN
    FOR n IN 1..5 LOOP
        IF p_parts[n] > 0 THEN
            v_legs := v_legs || (ledger_account('insurance', concat_ws('/', e.region_insured, e.scheme, v_kinds[n]),
                                                'insurance_fund'), -p_sign * p_parts[n])::account_leg;
        END IF;
        v_insured := v_insured + p_parts[n];
    END LOOP;
    IF p_parts[6] > 0 THEN
        v_legs := v_legs || (ledger_account('holder', e.holder::text, 'personal_account'),
                             -p_sign * p_parts[6])::account_leg;
        v_insured := v_insured + p_parts[6];
    END IF;
    IF p_parts[7] > 0 THEN
        v_legs := v_legs || ARRAY[
            (ledger_account('merchant', e.agency::text, 'patient_share'), -p_sign * p_parts[7]),
            (ledger_account('merchant', e.agency::text, 'cash_received'), p_sign * p_parts[7])]::account_leg[];
    END IF;
    IF v_insured > 0 THEN
        v_legs := v_legs || (ledger_account('merchant', e.agency::text, 'merchant_payable'),
                             p_sign * v_insured)::account_leg;
        IF e.region_insured <> e.region_care THEN
            v_legs := v_legs || ARRAY[
                (ledger_account('region', e.region_care, 'region_advance'), -p_sign * v_insured),
                (ledger_account('region_pair', e.region_insured || ':' || e.region_care, 'region_clearing'),
                 p_sign * v_insured)]::account_leg[];
        END IF;
    END IF;
    RETURN v_legs;
END $$;

-- Give back to a year's sums what a settlement, or a part of it, had added.
CREATE FUNCTION medical_year_less(e medical_encounter, p_year smallint, p_less bigint[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE medical_year y SET version = y.version + 1, sums = (SELECT array_agg(s - a ORDER BY n)
            FROM unnest(y.sums, p_less) WITH ORDINALITY AS u (s, a, n))
        WHERE (y.holder, y.region, y.scheme, y.care, y.year) = (e.holder, e.region_insured, e.scheme, e.care, p_year)
$$;

-- Book what the agency said, however late and as often as it is heard. Outcomes: booked; again; conflict (it said
-- otherwise before: nothing is changed, an audit row asks for a person); not_found.
CREATE FUNCTION medical_book(p_ask uuid, p_outcome text, p_code text DEFAULT NULL, OUT outcome text, OUT state text)
LANGUAGE plpgsql AS $$
DECLARE
    a medical_ask;
    v medical_settlement;
    e medical_encounter;
BEGIN
    v := medical_lock((SELECT k.settlement FROM medical_ask k WHERE k.id = p_ask));
    IF v.id IS NULL THEN
        outcome := 'not_found';
        RETURN;
    END IF;
    UPDATE medical_ask k SET outcome = p_outcome, code = p_code, checks = k.checks + 1,
            answered_at = CASE WHEN p_outcome <> 'unknown' THEN clock_timestamp() END,
            next_check_at = CASE WHEN p_outcome = 'unknown' THEN
                clock_timestamp() + make_interval(secs => least(5 * 2 ^ least(k.checks, 6), 300)) END
        WHERE k.id = p_ask AND k.outcome IN ('sent', 'unknown') RETURNING k.* INTO a;
    IF NOT FOUND THEN
        SELECT k.* INTO a FROM medical_ask k WHERE k.id = p_ask;
        outcome := CASE WHEN p_outcome IN (a.outcome, 'unknown') THEN 'again' ELSE 'conflict' END;
        state := v.state;
        IF outcome = 'conflict' THEN
            INSERT INTO audit_event (kind, outcome, detail) VALUES ('medical_answer', 'conflict',
                jsonb_build_object('ask', a.id, 'was', a.outcome, 'said', p_outcome));
        END IF;
        RETURN;
    END IF;
    outcome := 'booked';
    SELECT * INTO e FROM medical_encounter WHERE id = v.encounter;
    IF p_outcome <> 'unknown' AND a.kind = 'settle' THEN
        PERFORM medical_book_settlement(v, e, a);
    ELSIF p_outcome <> 'unknown' THEN
        PERFORM medical_book_reversal(v, e, a);
    END IF;
    SELECT s.state INTO state FROM medical_settlement s WHERE s.id = v.id;
END $$;

-- A settlement's answer. ok: all legs in one journal. refused: year and account as before, and the cash goes back; what
-- was done off-line becomes the patient's debt, as far as it was not paid there.
CREATE FUNCTION medical_book_settlement(v medical_settlement, e medical_encounter, a medical_ask) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_parts bigint[] := array(SELECT amount FROM medical_leg WHERE settlement = v.id ORDER BY place);
    v_debt bigint;
BEGIN
    IF v.hold IS NOT NULL THEN
        PERFORM ledger_void_hold(v.hold);
    END IF;
    IF a.outcome = 'ok' THEN
        v_debt := CASE WHEN v.record_no IS NULL THEN 0 ELSE greatest(v_parts[7] - v.paid, 0) END;
        UPDATE medical_settlement SET state = 'confirmed', confirmed_at = clock_timestamp(), hold = NULL, debt = v_debt,
            journal = ledger_post('medical', 'medical', v.id, medical_account_legs(e, v_parts, 1)) WHERE id = v.id;
    ELSE
        v_debt := CASE WHEN v.record_no IS NULL THEN 0 ELSE v.total - v.paid END;
        PERFORM medical_year_less(e, v.year, v.added);
        UPDATE medical_settlement SET state = CASE WHEN v_debt > 0 THEN 'debt' ELSE 'rejected' END, refusal = a.code,
            hold = NULL, debt = v_debt, cash_back = CASE WHEN v.cash_by = 'order' AND v.cash_at IS NOT NULL
                THEN v.cash_back + v_parts[7] ELSE v.cash_back END
            WHERE id = v.id;
    END IF;
    IF v_debt > 0 THEN
        UPDATE medical_settlement SET debt_journal = ledger_post('medical_debt', 'medical', v.id, ARRAY[
            (ledger_account('holder', e.holder::text, 'patient_debt'), -v_debt),
            (ledger_account('merchant', e.agency::text, 'debt_claim'), v_debt)]::account_leg[]) WHERE id = v.id;
    END IF;
    INSERT INTO audit_event (kind, outcome, card, item, detail) VALUES ('medical', a.outcome, e.card, e.item,
        jsonb_build_object('settlement', v.id, 'encounter', e.id));
END $$;
