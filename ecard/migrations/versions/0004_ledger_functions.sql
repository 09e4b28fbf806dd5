-- The ledger's commands: one function each, called by other commands in their own transaction (READ COMMITTED).
-- Row locks: a hold first, then accounts by (hot, id); whoever follows that order never deadlocks with another.
-- Refusals are raised, so that nothing stays: LG001 balance, LG002 legs not balanced, LG003 not an amount,
-- LG004 unknown, LG005 a reversal is not reversed, LG006 reversed already, LG007 hold not open, LG008 more than held.
-- Plans are kept whatever the number of legs (plan_cache_mode): planning would cost more than posting.

CREATE TYPE account_leg AS (account uuid, amount bigint);

-- A new id in the order of time (UUID version 7, RFC 9562 §5.7).
CREATE FUNCTION ledger_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid
$$;

-- Find the account, or open it on its book's terms.
CREATE FUNCTION ledger_account(p_owner_kind text, p_owner text, p_book text, p_unit text DEFAULT 'CNY')
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT id INTO v_id FROM account
        WHERE owner_kind = p_owner_kind AND owner = p_owner AND book = p_book AND unit = p_unit;
    IF FOUND THEN
        RETURN v_id;
    END IF;
    INSERT INTO account (owner_kind, owner, book, unit, normal_side, floor, hot)
        SELECT p_owner_kind, p_owner, b.name, p_unit, b.normal_side, b.floor, b.hot FROM book b WHERE b.name = p_book
        ON CONFLICT (owner_kind, owner, book, unit) DO NOTHING;
    SELECT id INTO v_id FROM account
        WHERE owner_kind = p_owner_kind AND owner = p_owner AND book = p_book AND unit = p_unit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: unknown book' USING ERRCODE = 'LG004';
    END IF;
    RETURN v_id;
END $$;

-- Lock accounts in the one order.
CREATE FUNCTION ledger_lock(p_accounts uuid[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM FROM account WHERE id = ANY (p_accounts) ORDER BY hot, id FOR NO KEY UPDATE;
END $$;

-- Turn an account's appended legs into entries; returns how many. Takes its lock.
CREATE FUNCTION ledger_fold(p_account uuid, p_limit integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_folded integer;
BEGIN
    PERFORM FROM account WHERE id = p_account FOR NO KEY UPDATE;
    WITH taken AS (
        DELETE FROM hot_leg WHERE account = p_account
            AND n IN (SELECT n FROM hot_leg WHERE account = p_account ORDER BY n LIMIT p_limit)
            RETURNING n, journal, amount
    ), moved AS (
        UPDATE account SET balance = balance + t.total, seq = seq + t.lines
            FROM (SELECT sum(amount)::bigint AS total, count(*) AS lines FROM taken) t
            WHERE id = p_account AND t.lines > 0
            RETURNING balance - t.total AS balance, seq - t.lines AS seq
    )
    INSERT INTO entry (account, seq, n, journal, amount, balance_after)
        SELECT p_account, m.seq + row_number() OVER w, t.n, t.journal, t.amount, m.balance + sum(t.amount) OVER w
        FROM taken t, moved m WINDOW w AS (ORDER BY t.n);
    GET DIAGNOSTICS v_folded = ROW_COUNT;
    RETURN v_folded;
END $$;

-- Post a journal: legs of at least two lines that sum to 0 in each unit. Raises LG001, LG002, LG003, LG004, LG006.
-- A few legs are posted one by one in the order of locks, many in one statement (`ledger_post_lines`).
CREATE FUNCTION ledger_post(p_kind text, p_ref_kind text, p_ref uuid, p_legs account_leg[],
                            p_reverses uuid DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_journal uuid := ledger_id();
    v_leg record;
    v_unit text;
    v_total bigint := 0;
    v_mixed boolean := false;
    v_seq bigint;
    v_balance bigint;
BEGIN
    INSERT INTO journal (id, kind, ref_kind, ref, reverses) VALUES (v_journal, p_kind, p_ref_kind, p_ref, p_reverses)
        ON CONFLICT (reverses) WHERE reverses IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: reversed already' USING ERRCODE = 'LG006';
    ELSIF coalesce(cardinality(p_legs), 0) < 2 THEN
        RAISE EXCEPTION 'ledger: legs do not sum to 0' USING ERRCODE = 'LG002';
    ELSIF cardinality(p_legs) > 16 THEN
        PERFORM ledger_post_lines(v_journal, p_legs);
        RETURN v_journal;
    END IF;

    -- An account's credits come before its debits: only what is left at the end may fall short.
    FOR v_leg IN
        SELECT a.id, l.amount, a.unit, a.hot, a.hot AND (a.floor IS NULL OR l.amount > 0) AS appended
        FROM unnest(p_legs) l LEFT JOIN account a ON a.id = l.account ORDER BY a.hot, a.id, l.amount DESC
    LOOP
        IF v_leg.amount IS NULL OR v_leg.amount = 0 OR v_leg.amount NOT BETWEEN -1e15 AND 1e15 THEN
            RAISE EXCEPTION 'ledger: not an amount' USING ERRCODE = 'LG003';
        ELSIF v_leg.id IS NULL THEN
            RAISE EXCEPTION 'ledger: unknown account' USING ERRCODE = 'LG004';
        END IF;
        v_mixed := v_mixed OR v_leg.unit <> v_unit IS TRUE;
        v_unit := v_leg.unit;
        v_total := v_total + v_leg.amount;
        IF v_leg.appended THEN
            INSERT INTO hot_leg (account, journal, amount) VALUES (v_leg.id, v_journal, v_leg.amount);
        ELSE
            UPDATE account SET balance = balance + v_leg.amount, seq = seq + 1
                WHERE id = v_leg.id AND (floor IS NULL OR balance + v_leg.amount - held >= floor)
                RETURNING seq, balance INTO v_seq, v_balance;
            IF NOT FOUND AND v_leg.hot THEN
                -- What was appended counts, too.
                PERFORM ledger_fold(v_leg.id);
                UPDATE account SET balance = balance + v_leg.amount, seq = seq + 1
                    WHERE id = v_leg.id AND balance + v_leg.amount - held >= floor
                    RETURNING seq, balance INTO v_seq, v_balance;
            END IF;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'ledger: balance' USING ERRCODE = 'LG001';
            END IF;
            INSERT INTO entry (account, seq, journal, amount, balance_after)
                VALUES (v_leg.id, v_seq, v_journal, v_leg.amount, v_balance);
        END IF;
    END LOOP;
    IF v_total <> 0 OR v_mixed AND EXISTS (
        SELECT FROM unnest(p_legs) l JOIN account a ON a.id = l.account GROUP BY a.unit HAVING sum(l.amount) <> 0)
    THEN
        RAISE EXCEPTION 'ledger: legs do not sum to 0' USING ERRCODE = 'LG002';
    END IF;
    RETURN v_journal;
END $$;

-- The legs of a journal of many lines, such as a file's: what `ledger_post` does, in one pass. Raises LG001 to LG004.
CREATE FUNCTION ledger_post_lines(p_journal uuid, p_legs account_leg[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_lines integer := cardinality(p_legs);
    v_known integer;
    v_wrong boolean;
    v_uneven boolean;
    v_locked uuid[];
    v_hot uuid[];
    v_written integer;
    v_waiting integer;
BEGIN
    SELECT coalesce(sum(t.lines) FILTER (WHERE t.id IS NOT NULL), 0), bool_or(t.wrong), bool_or(t.total <> 0),
           array_agg(t.id) FILTER (WHERE t.locked), array_agg(t.id) FILTER (WHERE t.locked AND t.hot)
        INTO v_known, v_wrong, v_uneven, v_locked, v_hot FROM (
        SELECT a.id, a.hot, l.lines, l.wrong, sum(l.total) OVER (PARTITION BY a.unit) AS total,
               NOT a.hot OR a.floor IS NOT NULL AND l.least < 0 AS locked
        FROM (SELECT account, count(*) AS lines, sum(amount) AS total, min(amount) AS least,
                     bool_or(amount IS NULL OR amount = 0 OR amount NOT BETWEEN -1e15 AND 1e15) AS wrong
              FROM unnest(p_legs) GROUP BY account) l LEFT JOIN account a ON a.id = l.account) t;
    IF v_wrong THEN
        RAISE EXCEPTION 'ledger: not an amount' USING ERRCODE = 'LG003';
    ELSIF v_known < v_lines THEN
        RAISE EXCEPTION 'ledger: unknown account' USING ERRCODE = 'LG004';
    ELSIF v_uneven THEN
        RAISE EXCEPTION 'ledger: legs do not sum to 0' USING ERRCODE = 'LG002';
    END IF;

    INSERT INTO hot_leg (account, journal, amount)
        SELECT a.id, p_journal, l.amount FROM unnest(p_legs) l JOIN account a ON a.id = l.account
        WHERE a.hot AND (a.floor IS NULL OR l.amount > 0);
    GET DIAGNOSTICS v_waiting = ROW_COUNT;
    PERFORM ledger_lock(v_locked);
    PERFORM ledger_fold(h) FROM unnest(v_hot) h;
    WITH leg AS (
        SELECT a.id, l.amount FROM unnest(p_legs) l JOIN account a ON a.id = l.account
        WHERE NOT (a.hot AND (a.floor IS NULL OR l.amount > 0))
    ), moved AS (
        UPDATE account a SET balance = a.balance + t.total, seq = a.seq + t.lines
            FROM (SELECT id, sum(amount)::bigint AS total, count(*) AS lines FROM leg GROUP BY id) t
            WHERE a.id = t.id AND (a.floor IS NULL OR a.balance + t.total - a.held >= a.floor)
            RETURNING a.id, a.balance - t.total AS balance, a.seq - t.lines AS seq
    )
    INSERT INTO entry (account, seq, journal, amount, balance_after)
        SELECT l.id, m.seq + row_number() OVER w, p_journal, l.amount, m.balance + sum(l.amount) OVER w
        FROM leg l JOIN moved m USING (id)
        WINDOW w AS (PARTITION BY l.id ORDER BY l.amount DESC ROWS UNBOUNDED PRECEDING);
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written + v_waiting <> v_lines THEN
        RAISE EXCEPTION 'ledger: balance' USING ERRCODE = 'LG001';
    END IF;
END $$;

-- Undo a journal by its mirror, once. Raises LG001 (what it gave is spent), LG004, LG005, LG006.
CREATE FUNCTION ledger_reverse(p_journal uuid, p_kind text DEFAULT 'reversal') RETURNS uuid
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_before journal;
BEGIN
    SELECT * INTO v_before FROM journal WHERE id = p_journal;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: unknown journal' USING ERRCODE = 'LG004';
    ELSIF v_before.reverses IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: a reversal is not reversed' USING ERRCODE = 'LG005';
    END IF;
    RETURN ledger_post(p_kind, v_before.ref_kind, v_before.ref,
        array(SELECT (l.account, -l.amount)::account_leg FROM ledger_leg l WHERE l.journal = p_journal ORDER BY l.n),
        p_journal);
END $$;

-- Set an amount aside, so that nothing else may spend it; without a time it does not expire.
-- Raises LG001, LG003, LG004.
CREATE FUNCTION ledger_hold(p_account uuid, p_amount bigint, p_ref_kind text, p_ref uuid,
                            p_expires_at timestamptz DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_hold uuid := ledger_id();
    v_hot boolean;
BEGIN
    IF p_amount IS NULL OR p_amount NOT BETWEEN 1 AND 1e15 THEN
        RAISE EXCEPTION 'ledger: not an amount' USING ERRCODE = 'LG003';
    END IF;
    SELECT hot AND balance - held - p_amount < floor INTO v_hot FROM account WHERE id = p_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: unknown account' USING ERRCODE = 'LG004';
    ELSIF v_hot THEN
        PERFORM ledger_fold(p_account);
    END IF;
    UPDATE account SET held = held + p_amount
        WHERE id = p_account AND (floor IS NULL OR balance - held - p_amount >= floor);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: balance' USING ERRCODE = 'LG001';
    END IF;
    INSERT INTO hold (id, account, amount, ref_kind, ref, expires_at)
        VALUES (v_hold, p_account, p_amount, p_ref_kind, p_ref, p_expires_at);
    RETURN v_hold;
END $$;

-- Spend a hold, all or a part of it, on the credits `p_to`; what is not spent is free again.
-- Raises LG002 to LG004, LG007, LG008.
CREATE FUNCTION ledger_post_hold(p_hold uuid, p_kind text, p_ref_kind text, p_ref uuid, p_to account_leg[])
RETURNS uuid LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_hold hold;
    v_spent numeric;
    v_journal uuid;
BEGIN
    SELECT * INTO v_hold FROM hold
        WHERE id = p_hold AND state = 'open' AND (expires_at IS NULL OR expires_at > clock_timestamp()) FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: hold not open' USING ERRCODE = 'LG007';
    END IF;
    SELECT sum(l.amount) INTO v_spent FROM unnest(p_to) l WHERE l.amount > 0 HAVING count(*) = cardinality(p_to);
    IF v_spent IS NULL THEN
        RAISE EXCEPTION 'ledger: not an amount' USING ERRCODE = 'LG003';
    ELSIF v_spent > v_hold.amount THEN
        RAISE EXCEPTION 'ledger: more than held' USING ERRCODE = 'LG008';
    END IF;
    PERFORM ledger_lock(array(
        SELECT l.account FROM unnest(p_to) l JOIN account a ON a.id = l.account WHERE NOT a.hot) || v_hold.account);
    UPDATE account SET held = held - v_hold.amount WHERE id = v_hold.account;
    v_journal := ledger_post(p_kind, p_ref_kind, p_ref, p_to || (v_hold.account, -v_spent)::account_leg);
    UPDATE hold SET state = 'posted', journal = v_journal, resolved_at = clock_timestamp() WHERE id = p_hold;
    RETURN v_journal;
END $$;

-- Give a hold back. Raises LG007.
CREATE FUNCTION ledger_void_hold(p_hold uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_hold hold;
BEGIN
    UPDATE hold SET state = 'voided', resolved_at = clock_timestamp() WHERE id = p_hold AND state = 'open'
        RETURNING * INTO v_hold;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: hold not open' USING ERRCODE = 'LG007';
    END IF;
    UPDATE account SET held = held - v_hold.amount WHERE id = v_hold.account;
END $$;

-- Give back up to `p_limit` holds whose time is over; returns how many. Skips those that others are at.
CREATE FUNCTION ledger_expire_holds(p_limit integer DEFAULT 1000) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_due uuid[];
BEGIN
    v_due := array(SELECT id FROM hold WHERE state = 'open' AND expires_at <= clock_timestamp()
                   ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    PERFORM ledger_lock(array(SELECT account FROM hold WHERE id = ANY (v_due)));
    UPDATE account a SET held = a.held - t.amount
        FROM (SELECT account, sum(amount)::bigint AS amount FROM hold WHERE id = ANY (v_due) GROUP BY account) t
        WHERE a.id = t.account;
    UPDATE hold SET state = 'expired', resolved_at = clock_timestamp() WHERE id = ANY (v_due);
    RETURN cardinality(v_due);
END $$;
