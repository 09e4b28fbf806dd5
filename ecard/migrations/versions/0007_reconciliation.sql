-- 对账. A day file is loaded once (its digest); one that was not whole may be followed by its correction.
CREATE TABLE recon_file (
    id uuid PRIMARY KEY,
    bank text NOT NULL REFERENCES bank,
    day date NOT NULL,
    sha256 bytea NOT NULL UNIQUE,
    lines integer NOT NULL DEFAULT 0,
    bad integer NOT NULL DEFAULT 0,
    whole boolean NOT NULL DEFAULT false,
    loaded_by uuid,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    matched_at timestamptz,
    resolved integer NOT NULL DEFAULT 0,
    opened integer NOT NULL DEFAULT 0,
    closed integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX recon_file_whole ON recon_file (bank, day) WHERE whole;
CREATE INDEX recon_file_day ON recon_file (bank, day);

-- Lines that were not believed: their place in the file and why, nothing of what they say.
CREATE TABLE recon_bad_line (
    file uuid NOT NULL REFERENCES recon_file,
    place integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (file, place, reason)
);

-- What a bank's files say of each reference. `copy` counts lines of one reference, kind and day: a second is a
-- duplicate. `amount` is positive where the bank took money for us, negative where it paid. No foreign key to the file:
-- it would be asked for each of a million lines (`ecard ledger check` looks instead); a file's lines lie together.
CREATE TABLE recon_line (
    bank text NOT NULL,
    ref text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('pay', 'reverse', 'refund', 'payout')),
    copy integer NOT NULL,
    n integer NOT NULL,
    amount bigint NOT NULL CHECK (amount <> 0),
    of text,
    at timestamptz NOT NULL,
    file uuid NOT NULL,
    PRIMARY KEY (bank, ref, day, kind, copy)
);
CREATE INDEX recon_line_file ON recon_line USING brin (file);

-- 差错. A difference is booked when it is opened, and again when it is closed: what is open is in suspense.
CREATE TABLE recon_break (
    id uuid PRIMARY KEY,
    bank text NOT NULL,
    day date NOT NULL,
    ref text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('missing_ours', 'missing_theirs', 'late', 'amount', 'status', 'duplicate',
        'returned')),
    attempt uuid,
    amount bigint NOT NULL CHECK (amount <> 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'proposed', 'closed')),
    file uuid NOT NULL REFERENCES recon_file,
    journal uuid NOT NULL REFERENCES journal,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    how text CHECK (how IN ('corrected', 'merchant', 'platform', 'arrived')),
    note text NOT NULL DEFAULT '',
    proposed_by uuid,
    proposed_at timestamptz,
    decided_by uuid,
    closed_at timestamptz,
    closing uuid REFERENCES journal,
    CHECK (proposed_by <> decided_by),
    CHECK ((state = 'closed') = (closing IS NOT NULL AND closed_at IS NOT NULL)),
    CHECK (state <> 'closed' OR how = 'arrived' OR (proposed_by IS NOT NULL AND decided_by IS NOT NULL)),
    CHECK (state <> 'proposed' OR (how IS NOT NULL AND proposed_by IS NOT NULL))
);
CREATE UNIQUE INDEX recon_break_open ON recon_break (bank, ref) WHERE state <> 'closed';
CREATE INDEX recon_break_ref ON recon_break (bank, ref);
CREATE INDEX recon_break_by_day ON recon_break (bank, day, id);

-- What reconciliation looks for among attempts: those of a day, and those whose outcome is not known.
CREATE INDEX bank_attempt_sent ON bank_attempt USING brin (sent_at) WITH (pages_per_range = 32);
CREATE INDEX bank_attempt_unresolved ON bank_attempt (bank, sent_at) WHERE outcome IN ('sent', 'unknown');

-- The day that a bank counts a time to: Beijing's.
CREATE FUNCTION recon_day(p_at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
    RETURN (p_at AT TIME ZONE 'Asia/Shanghai')::date;

-- What we booked of an attempt, with the sign of `recon_line.amount`.
CREATE FUNCTION recon_ours(a bank_attempt) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN a.outcome = 'ok' THEN CASE a.kind WHEN 'pay' THEN a.amount ELSE -a.amount END ELSE 0 END;

CREATE FUNCTION recon_suspense(p_bank text) RETURNS uuid LANGUAGE sql
    RETURN ledger_account('reconciliation', p_bank, 'suspense');

-- Attempts whose outcome a file tells: what it has was done (or undone), and what neither the file of its day nor that
-- of the next has, both whole, was never booked; unless the bank said that it still has it in hand (`pending`), for
-- then a later day's file may have it. Each is then booked by itself, as whatever else the bank said.
CREATE FUNCTION recon_answers(p_file uuid) RETURNS TABLE (attempt uuid, kind text, outcome text) LANGUAGE sql STABLE AS $$
    SELECT a.id, a.kind, CASE WHEN bool_or(l.kind = 'reverse') THEN 'reversed' ELSE 'ok' END
    FROM recon_file f JOIN recon_line l ON l.file = f.id
        JOIN bank_attempt a ON a.bank = f.bank AND a.bank_ref = l.ref AND a.outcome IN ('sent', 'unknown')
    WHERE f.id = p_file GROUP BY a.id, a.kind
    UNION ALL
    SELECT a.id, a.kind, 'failed'
    FROM recon_file f JOIN bank_attempt a ON a.bank = f.bank AND a.outcome IN ('sent', 'unknown')
    WHERE f.id = p_file AND f.whole AND recon_day(a.sent_at) BETWEEN f.day - 7 AND f.day - 1
        AND a.raw_code IS DISTINCT FROM 'pending'
        AND NOT EXISTS (SELECT FROM recon_line l WHERE l.bank = a.bank AND l.ref = a.bank_ref)
        AND (SELECT count(*) FROM recon_file w WHERE w.bank = a.bank AND w.whole
             AND w.day BETWEEN recon_day(a.sent_at) AND recon_day(a.sent_at) + 1) = 2
$$;

-- Close an open break by the mirror of its journal: what was missing is there.
CREATE FUNCTION recon_arrived(p_break uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b recon_break;
BEGIN
    SELECT * INTO b FROM recon_break WHERE id = p_break AND state <> 'closed' FOR UPDATE;
    IF FOUND THEN
        UPDATE recon_break SET state = 'closed', how = 'arrived', proposed_by = NULL, proposed_at = NULL,
            closed_at = clock_timestamp(), closing = ledger_reverse(b.journal, 'break_arrived') WHERE id = b.id;
    END IF;
END $$;

-- Open a break and book it: the bank's clearing account follows the bank, suspense takes the difference.
CREATE FUNCTION recon_open(p_file recon_file, p_ref text, p_kind text, p_attempt uuid, p_amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := ledger_id();
BEGIN
    INSERT INTO recon_break (id, bank, day, ref, kind, attempt, amount, file, journal)
        VALUES (v_id, p_file.bank, p_file.day, p_ref, p_kind, p_attempt, p_amount, p_file.id,
            ledger_post('break', 'recon_break', v_id, ARRAY[
                (ledger_account('bank', p_file.bank, 'bank_clearing'), -p_amount)::account_leg,
                (recon_suspense(p_file.bank), p_amount)::account_leg]));
END $$;

-- Compare a file that is loaded with what we booked; open and close breaks. Once for each file, one bank's at a time.
CREATE FUNCTION recon_match(p_file uuid, p_resolved integer, OUT opened integer, OUT closed integer)
LANGUAGE plpgsql AS $$
DECLARE
    f recon_file;
    v record;
    v_ours bigint;
BEGIN
    SELECT * INTO f FROM recon_file WHERE id = p_file FOR UPDATE;
    opened := f.opened; closed := f.closed;
    IF f.matched_at IS NOT NULL THEN
        RETURN;
    END IF;
    -- Each reference of the file beside its attempt. A number of millions: one pass, one hash join.
    CREATE TEMP TABLE recon_today ON COMMIT DROP AS
        SELECT t.*, a.id AS attempt, coalesce(recon_ours(a), 0) AS ours, recon_day(a.sent_at) AS sent
        FROM (SELECT l.ref, sum(l.amount)::bigint AS theirs, count(*) AS lines FROM recon_line l
              WHERE l.file = p_file GROUP BY l.ref) t
        LEFT JOIN bank_attempt a ON a.bank_ref = t.ref AND a.bank = f.bank;
    ANALYZE recon_today;

    -- Whatever is not plainly alike, and whatever was open before, is looked at with all its history.
    FOR v IN
        WITH odd AS (
            SELECT ref FROM recon_today
                WHERE attempt IS NULL OR theirs <> ours OR lines > 1 OR sent <> f.day
            UNION SELECT ref FROM recon_break WHERE bank = f.bank AND state <> 'closed'
        )
        SELECT o.ref, a.id AS attempt, coalesce(recon_ours(a), 0) AS ours, s.theirs, s.twice, s.undone,
               b.id AS open_break, b.amount AS open_amount, b.day AS open_day, b.kind AS open_kind,
               (s.theirs - coalesce(recon_ours(a), 0) - coalesce(k.kept, 0))::bigint AS difference
        FROM odd o
            LEFT JOIN bank_attempt a ON a.bank_ref = o.ref AND a.bank = f.bank
            LEFT JOIN recon_break b ON b.bank = f.bank AND b.ref = o.ref AND b.state <> 'closed'
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(l.amount), 0)::bigint AS theirs,
                       count(*) FILTER (WHERE l.kind = a.kind) > 1 AS twice,
                       count(*) FILTER (WHERE l.kind = 'reverse') > 0 AS undone
                FROM recon_line l WHERE l.bank = f.bank AND l.ref = o.ref) s
            -- What two people decided stands: the money went where they said.
            CROSS JOIN LATERAL (
                SELECT sum(c.amount) AS kept FROM recon_break c WHERE c.bank = f.bank AND c.ref = o.ref
                    AND c.state = 'closed' AND c.how IN ('merchant', 'platform')) k
        ORDER BY o.ref
    LOOP
        CONTINUE WHEN v.difference = coalesce(v.open_amount, 0);
        IF v.open_break IS NOT NULL THEN
            PERFORM recon_arrived(v.open_break);
            closed := closed + 1;
        END IF;
        IF v.difference <> 0 THEN
            PERFORM recon_open(f, v.ref, CASE
                WHEN v.attempt IS NULL THEN 'missing_ours'
                WHEN v.undone AND v.ours <> 0 THEN 'returned'
                WHEN v.twice THEN 'duplicate'
                WHEN v.ours = 0 THEN 'status'
                ELSE 'amount' END, v.attempt, v.difference);
            opened := opened + 1;
        END IF;
    END LOOP;

    -- What was late at the end of the day before and is not here either is missing.
    UPDATE recon_break SET kind = 'missing_theirs'
        WHERE bank = f.bank AND state <> 'closed' AND kind = 'late' AND day < f.day AND f.whole;
    -- What we booked of that day, and no file of the bank has.
    FOR v IN
        SELECT a.id, a.bank_ref, recon_ours(a) AS ours,
               (a.sent_at AT TIME ZONE 'Asia/Shanghai')::time >= '23:30' AS late
        FROM bank_attempt a LEFT JOIN recon_today t ON t.attempt = a.id
        WHERE a.bank = f.bank AND a.outcome = 'ok' AND t.attempt IS NULL
            AND a.sent_at >= f.day::timestamp AT TIME ZONE 'Asia/Shanghai'
            AND a.sent_at < (f.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
            AND NOT EXISTS (SELECT FROM recon_line l WHERE l.bank = f.bank AND l.ref = a.bank_ref)
            AND NOT EXISTS (SELECT FROM recon_break b WHERE b.bank = f.bank AND b.ref = a.bank_ref)
        ORDER BY a.bank_ref
    LOOP
        PERFORM recon_open(f, v.bank_ref, CASE WHEN v.late THEN 'late' ELSE 'missing_theirs' END, v.id, -v.ours);
        opened := opened + 1;
    END LOOP;
    UPDATE recon_file r SET matched_at = clock_timestamp(), resolved = p_resolved, opened = recon_match.opened,
        closed = recon_match.closed WHERE r.id = p_file;
END $$;

-- An operator says how a break is to be closed; another decides. Outcomes: ok, not_found, not_open, no_merchant.
CREATE FUNCTION recon_propose(p_break uuid, p_by uuid, p_how text, p_note text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b recon_break;
BEGIN
    SELECT * INTO b FROM recon_break WHERE id = p_break FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF b.state <> 'open' THEN
        RETURN 'not_open';
    ELSIF p_how = 'merchant' AND recon_merchant(b) IS NULL THEN
        RETURN 'no_merchant';
    END IF;
    UPDATE recon_break SET state = 'proposed', how = p_how, note = p_note, proposed_by = p_by,
        proposed_at = clock_timestamp() WHERE id = p_break;
    INSERT INTO audit_event (kind, outcome, actor, detail) VALUES ('break_proposed', 'ok', p_by,
        jsonb_build_object('break', p_break, 'how', p_how, 'amount', b.amount));
    RETURN 'ok';
END $$;

-- The account that a merchant's part of a break goes to, NULL where the break has no merchant.
CREATE FUNCTION recon_merchant(b recon_break) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT m.payable FROM bank_attempt a JOIN pay_order o ON o.id = a.order_id JOIN merchant m ON m.agency = o.merchant
        WHERE a.id = b.attempt
$$;

-- The second pair of eyes. Agreed: the journal that was proposed is posted. Refused: the break is open as before.
-- Outcomes: ok, not_found, not_proposed, same_person. Raises LG001 where a merchant has too little.
CREATE FUNCTION recon_decide(p_break uuid, p_by uuid, p_agree boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b recon_break;
    v_closing uuid;
BEGIN
    SELECT * INTO b FROM recon_break WHERE id = p_break FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF b.state <> 'proposed' THEN
        RETURN 'not_proposed';
    ELSIF b.proposed_by = p_by THEN
        RETURN 'same_person';
    END IF;
    IF p_agree THEN
        v_closing := CASE b.how WHEN 'corrected' THEN ledger_reverse(b.journal, 'break_corrected')
            ELSE ledger_post('break_closed', 'recon_break', b.id, ARRAY[
                (recon_suspense(b.bank), -b.amount)::account_leg,
                (CASE b.how WHEN 'merchant' THEN recon_merchant(b) ELSE ledger_account('platform', '', 'fee') END,
                 b.amount)::account_leg]) END;
        UPDATE recon_break SET state = 'closed', decided_by = p_by, closing = v_closing,
            closed_at = clock_timestamp() WHERE id = p_break;
    ELSE
        UPDATE recon_break SET state = 'open', how = NULL, proposed_by = NULL, proposed_at = NULL WHERE id = p_break;
    END IF;
    INSERT INTO audit_event (kind, outcome, actor, detail) VALUES ('break_decided',
        CASE WHEN p_agree THEN 'ok' ELSE 'refused' END, p_by,
        jsonb_build_object('break', p_break, 'how', b.how, 'proposed_by', b.proposed_by));
    RETURN 'ok';
END $$;
