-- Banks: who they are, what they notified, what is suspended until a person decides.

CREATE TABLE bank (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{2,16}$'),
    name text NOT NULL UNIQUE CHECK (name <> ''),
    -- How the account numbers of its cards begin (发卡行标识).
    iins text[] NOT NULL CHECK (cardinality(iins) > 0),
    url text NOT NULL CHECK (url ~ '^https?://'),
    suite text NOT NULL CHECK (suite IN ('ES256', 'EdDSA')),
    public bytea NOT NULL,
    -- Our key for this bank, sealed; its public half is what the bank verifies.
    own bytea NOT NULL,
    -- pay.banks.model.Ladder, seconds.
    ladder jsonb NOT NULL,
    layout text NOT NULL CHECK (layout <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stopped_at timestamptz
);

-- When an attempt that is sent now is asked about first, if nobody hears the bank before: the row is written
-- with it, so that the resolver finds the attempt of a worker that died.
CREATE FUNCTION bank_first_check(p_bank text) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + make_interval(secs => coalesce(
        (SELECT (b.ladder ->> 'first_query')::double precision FROM bank b WHERE b.code = p_bank), 5))
$$;

-- What a bank notified: each event once. It is not believed, it only brings the question forward.
CREATE TABLE bank_notice (
    bank text NOT NULL,
    event text NOT NULL,
    bank_ref text NOT NULL,
    result text NOT NULL CHECK (result IN ('asked', 'known', 'unknown')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (bank, event)
);
CREATE INDEX bank_notice_at ON bank_notice USING brin (at);

-- Take a notification in: 'again' for one that came before; 'asked' where the attempt is undecided, and due now;
-- 'known' where it is decided; 'unknown' for a reference that is not ours.
CREATE FUNCTION bank_noticed(p_bank text, p_event text, p_ref text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_result text;
BEGIN
    INSERT INTO bank_notice (bank, event, bank_ref, result) VALUES (p_bank, p_event, p_ref, 'unknown')
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'again';
    END IF;
    UPDATE bank_attempt SET next_check_at = least(next_check_at, clock_timestamp())
        WHERE bank_ref = p_ref AND bank = p_bank AND outcome IN ('sent', 'unknown');
    v_result := CASE WHEN FOUND THEN 'asked'
                     WHEN EXISTS (SELECT FROM bank_attempt a WHERE a.bank_ref = p_ref AND a.bank = p_bank) THEN 'known'
                     ELSE 'unknown' END;
    UPDATE bank_notice n SET result = v_result WHERE n.bank = p_bank AND n.event = p_event;
    RETURN v_result;
END $$;

-- 挂账: an attempt that its bank left undecided to the end of the ladder. What is in doubt stands in suspense, + where
-- a holder may have paid, − where we may have paid out. It ends with the bank's answer, or with two people's decision.
CREATE TABLE bank_suspension (
    attempt uuid PRIMARY KEY REFERENCES bank_attempt,
    amount bigint NOT NULL CHECK (amount <> 0),
    journal uuid NOT NULL UNIQUE REFERENCES journal,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    proposed text CHECK (proposed IN ('ok', 'failed')),
    proposed_by uuid,
    reason text,
    proposed_at timestamptz,
    confirmed_by uuid,
    closed_at timestamptz,
    CHECK ((proposed IS NULL) = (proposed_by IS NULL)),
    CONSTRAINT four_eyes CHECK (confirmed_by <> proposed_by)
);
CREATE INDEX bank_suspension_open ON bank_suspension (opened_at) WHERE closed_at IS NULL;

-- The ladder is at its end: the order or refund is suspended, the amount booked to suspense. True when newly so.
CREATE FUNCTION bank_suspend(p_attempt uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    a bank_attempt;
    v_amount bigint;
BEGIN
    IF NOT pay_suspend(p_attempt) AND NOT EXISTS (
        SELECT FROM bank_attempt WHERE id = p_attempt AND kind = 'payout' AND outcome IN ('sent', 'unknown')
    ) THEN
        RETURN false;
    END IF;
    SELECT * INTO a FROM bank_attempt WHERE id = p_attempt FOR UPDATE;
    IF a.outcome NOT IN ('sent', 'unknown') OR EXISTS (SELECT FROM bank_suspension s WHERE s.attempt = p_attempt) THEN
        RETURN false;
    END IF;
    v_amount := CASE a.kind WHEN 'pay' THEN a.amount ELSE -a.amount END;
    INSERT INTO bank_suspension (attempt, amount, journal) VALUES (p_attempt, v_amount, ledger_post(
        'suspense', 'attempt', p_attempt, ARRAY[
            (ledger_account('bank', a.bank, 'bank_clearing'), -v_amount)::account_leg,
            (ledger_account('attempts', a.bank, 'suspense'), v_amount)::account_leg]));
    RETURN true;
END $$;

-- Whoever decides a suspended attempt takes its amount out of suspense in the same transaction.
CREATE FUNCTION bank_unsuspend() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_journal uuid;
BEGIN
    UPDATE bank_suspension SET closed_at = clock_timestamp() WHERE attempt = NEW.id AND closed_at IS NULL
        RETURNING journal INTO v_journal;
    IF FOUND THEN
        PERFORM ledger_reverse(v_journal, 'suspense_resolved');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bank_attempt_decided AFTER UPDATE OF outcome ON bank_attempt FOR EACH ROW
    WHEN (OLD.checks > 0 AND OLD.outcome IN ('sent', 'unknown') AND NEW.outcome IN ('ok', 'failed', 'reversed'))
    EXECUTE FUNCTION bank_unsuspend();

-- A person's decision of a suspended attempt: the first operator proposes, another confirms; the caller books it then.
-- Outcomes: proposed, confirmed, four_eyes, differs, decided, not_found.
CREATE FUNCTION bank_decide(p_attempt uuid, p_by uuid, p_outcome text, p_reason text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    s bank_suspension;
BEGIN
    -- The order of locks is that of whoever books: order, attempt, suspension.
    PERFORM FROM bank_attempt a JOIN pay_order o ON o.id = a.order_id WHERE a.id = p_attempt FOR NO KEY UPDATE OF o;
    PERFORM FROM bank_attempt a WHERE a.id = p_attempt FOR NO KEY UPDATE;
    SELECT * INTO s FROM bank_suspension WHERE attempt = p_attempt FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    ELSIF s.closed_at IS NOT NULL THEN
        RETURN 'decided';
    ELSIF s.proposed IS NULL OR (s.proposed_by = p_by AND s.proposed <> p_outcome) THEN
        UPDATE bank_suspension SET proposed = p_outcome, proposed_by = p_by, reason = p_reason, proposed_at = now()
            WHERE attempt = p_attempt;
        RETURN 'proposed';
    ELSIF s.proposed_by = p_by THEN
        RETURN 'four_eyes';
    ELSIF s.proposed <> p_outcome THEN
        RETURN 'differs';
    END IF;
    UPDATE bank_suspension SET confirmed_by = p_by WHERE attempt = p_attempt;
    RETURN 'confirmed';
END $$;
