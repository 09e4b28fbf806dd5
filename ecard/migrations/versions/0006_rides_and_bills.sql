-- Order codes, billers and their bills, rides. Amounts are integers in 分; times are the database's own.

-- 订单码: what the text of a merchant's code names. A dynamic one is one order's; a static one is a sticker on a till.
CREATE TABLE order_code (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES merchant,
    terminal uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('static', 'dynamic')),
    item text NOT NULL,
    subject text NOT NULL,
    order_id uuid UNIQUE REFERENCES pay_order,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    CHECK ((kind = 'dynamic') = (order_id IS NOT NULL))
);

-- 收费单位: a merchant whose bills are looked up at its own server; `key` is shared with it, sealed.
CREATE TABLE biller (
    merchant uuid PRIMARY KEY REFERENCES merchant,
    url text NOT NULL,
    key bytea NOT NULL,
    items text[] NOT NULL CHECK (cardinality(items) > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- 账单: one that a holder looked up. What the agency said is sealed; `bill_index` finds the same bill of another holder.
CREATE TABLE bill (
    id uuid PRIMARY KEY,
    biller uuid NOT NULL REFERENCES biller,
    item text NOT NULL,
    card integer NOT NULL REFERENCES card,
    bill_index bytea NOT NULL,
    facts bytea NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    snapshot_mac bytea NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ordered', 'paid', 'marked', 'elsewhere')),
    order_id uuid REFERENCES pay_order,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    paid_at timestamptz,
    marked_at timestamptz,
    UNIQUE (card, biller, bill_index),
    CHECK (state NOT IN ('ordered', 'paid', 'marked') OR order_id IS NOT NULL)
);
-- Two holders who look up one bill cannot both be paying it.
CREATE UNIQUE INDEX bill_paid_once ON bill (biller, bill_index) WHERE state IN ('ordered', 'paid', 'marked');
CREATE INDEX bill_unmarked ON bill (paid_at) WHERE state = 'paid';
CREATE INDEX bill_by_order ON bill (order_id) WHERE order_id IS NOT NULL;

-- 票价类别: what a holder's ride codes say for as long as it holds; why it was given is nowhere kept.
CREATE TABLE fare_class (
    card integer PRIMARY KEY REFERENCES card,
    fare smallint NOT NULL CHECK (fare BETWEEN 1 AND 7),
    until timestamptz NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- 票价表: an operator's prices from a time on.
CREATE TABLE fare_table (
    operator uuid NOT NULL REFERENCES merchant,
    valid_from timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (operator, valid_from)
);

-- 行程: a journey with its price. `owed_since`: a capture was refused, and gates do not let the card in.
CREATE TABLE ride (
    id uuid PRIMARY KEY,
    card integer NOT NULL REFERENCES card,
    operator uuid NOT NULL REFERENCES merchant,
    line text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('complete', 'no_exit', 'no_entry')),
    entry text,
    exit text,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    listed bigint NOT NULL CHECK (listed >= 0),
    fare bigint NOT NULL CHECK (fare BETWEEN 0 AND listed),
    subsidy bigint NOT NULL CHECK (subsidy BETWEEN 0 AND listed - fare),
    city text NOT NULL,
    state text NOT NULL CHECK (state IN ('free', 'due', 'capturing', 'paid', 'owed')),
    order_id uuid REFERENCES pay_order,
    tries smallint NOT NULL DEFAULT 0,
    next_at timestamptz,
    owed_since timestamptz,
    priced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((fare = 0) = (state = 'free')),
    CHECK (state NOT IN ('capturing', 'paid') OR order_id IS NOT NULL),
    CHECK (state NOT IN ('free', 'paid') OR owed_since IS NULL)
);
CREATE INDEX ride_by_card ON ride (card, operator, began_at);
CREATE INDEX ride_due ON ride (next_at) WHERE state IN ('due', 'owed');
CREATE INDEX ride_owed ON ride (card) WHERE owed_since IS NOT NULL;
CREATE INDEX ride_by_order ON ride (order_id) WHERE order_id IS NOT NULL;

-- 刷码: unique by code and gate. The first gate whose tap arrives has it; another's is kept beside it, contested.
CREATE TABLE tap (
    id uuid PRIMARY KEY,
    once bytea NOT NULL,
    gate uuid NOT NULL,
    operator uuid NOT NULL,
    city text NOT NULL,
    line text NOT NULL,
    station text,
    direction text NOT NULL CHECK (direction IN ('in', 'out', 'single')),
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    card integer NOT NULL,
    fare smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'joined', 'contested')),
    contested_at timestamptz,
    ride uuid REFERENCES ride,
    UNIQUE (once, gate),
    CHECK ((state = 'joined') = (ride IS NOT NULL))
);
CREATE UNIQUE INDEX tap_first ON tap (once) WHERE state <> 'contested';
CREATE INDEX tap_open ON tap (card, operator) WHERE state = 'open';
CREATE INDEX tap_contested ON tap (gate, contested_at) WHERE contested_at IS NOT NULL;

-- Whose taps at which operator are to be looked at, and when.
CREATE TABLE rider (
    card integer NOT NULL,
    operator uuid NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (card, operator)
);
CREATE INDEX rider_due ON rider (due_at) WHERE due_at IS NOT NULL;

-- 补贴: what a city bears for an operator's rides of an hour, in all; no names. Rides that come late open another row.
CREATE TABLE ride_subsidy (
    id uuid PRIMARY KEY,
    operator uuid NOT NULL REFERENCES merchant,
    city text NOT NULL,
    hour timestamptz NOT NULL,
    rides integer NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    journal uuid REFERENCES journal,
    posted_at timestamptz
);
CREATE UNIQUE INDEX ride_subsidy_open ON ride_subsidy (operator, city, hour) WHERE journal IS NULL;

-- Record a gate's taps, each for itself. Outcomes: recorded, known (this gate sent it before), contested (another
-- gate was first), or the refusal of a card or phone that was dead when it was shown.
CREATE FUNCTION record_taps(
    p_gate uuid, p_operator uuid, p_city text, p_n integer[], p_id uuid[], p_once bytea[], p_shadow bytea[],
    p_line text[], p_station text[], p_direction text[], p_at timestamptz[], p_card integer[], p_device integer[],
    p_fare smallint[]
) RETURNS TABLE (n integer, outcome text, tap uuid, first_at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    t record;
    v record;
    v_cards integer[] := '{}';
BEGIN
    -- In the order of the codes, so that two gates which upload the same ones do not wait for each other.
    FOR t IN SELECT * FROM unnest(p_n, p_id, p_once, p_shadow, p_line, p_station, p_direction, p_at, p_card, p_device,
                                  p_fare) AS u (n, id, once, shadow, line, station, direction, at, card, device, fare)
             ORDER BY u.once, u.n
    LOOP
        n := t.n; tap := NULL; first_at := NULL;
        SELECT k.id, k.state INTO v FROM tap k WHERE k.once = t.once AND k.gate = p_gate;
        IF FOUND THEN
            tap := v.id; outcome := CASE v.state WHEN 'contested' THEN 'contested' ELSE 'known' END;
        ELSE
            SELECT c.status, c.changed_at, d.unbound_at INTO v
                FROM card c LEFT JOIN device d ON d.seq = t.device WHERE c.seq = t.card;
            outcome := CASE
                WHEN NOT FOUND THEN 'visit_refused'
                WHEN v.status <> 'active' AND v.changed_at <= t.at THEN 'card_suspended'
                WHEN v.unbound_at <= t.at THEN 'device_unbound'
                ELSE 'recorded' END;
        END IF;
        IF outcome = 'recorded' THEN
            INSERT INTO evidence_use AS e (key, solo, visit) VALUES (t.once, true, t.id) ON CONFLICT (key) DO NOTHING;
            IF FOUND THEN
                INSERT INTO tap AS k (id, once, gate, operator, city, line, station, direction, at, card, fare, state)
                    VALUES (t.id, t.once, p_gate, p_operator, p_city, t.line, t.station, t.direction, t.at, t.card,
                            t.fare, 'open')
                    ON CONFLICT DO NOTHING;
            END IF;
            IF FOUND THEN
                tap := t.id; v_cards := v_cards || t.card;
                -- The digits beside the code are used up with it.
                INSERT INTO evidence_use AS e (key, solo, visit) SELECT t.shadow, false, t.id WHERE t.shadow IS NOT NULL
                    ON CONFLICT (key) DO NOTHING;
            ELSE
                outcome := 'contested';
                INSERT INTO tap AS k (id, once, gate, operator, city, line, station, direction, at, card, fare, state,
                                      contested_at)
                    VALUES (t.id, t.once, p_gate, p_operator, p_city, t.line, t.station, t.direction, t.at, t.card,
                            t.fare, 'contested', clock_timestamp())
                    ON CONFLICT (once, gate) DO NOTHING;
                IF NOT FOUND THEN
                    -- The same upload, twice at once.
                    SELECT k.id, CASE k.state WHEN 'contested' THEN 'contested' ELSE 'known' END INTO tap, outcome
                        FROM tap k WHERE k.once = t.once AND k.gate = p_gate;
                ELSE
                    tap := t.id;
                    UPDATE tap k SET contested_at = clock_timestamp()
                        WHERE k.once = t.once AND k.state <> 'contested' AND k.contested_at IS NULL;
                END IF;
            END IF;
        END IF;
        IF outcome = 'contested' THEN
            SELECT coalesce((SELECT k.at FROM tap k WHERE k.once = t.once AND k.state <> 'contested'),
                            (SELECT e.at FROM evidence_use e WHERE e.key = t.once)) INTO first_at;
        END IF;
        RETURN NEXT;
    END LOOP;
    INSERT INTO rider AS r (card, operator, due_at)
        SELECT c, p_operator, clock_timestamp() FROM unnest(v_cards) AS u (c) GROUP BY c ORDER BY c
        ON CONFLICT (card, operator) DO UPDATE SET due_at = EXCLUDED.due_at;
END $$;

-- When a capture that was refused is tried again; then only the holder's own payment helps.
CREATE FUNCTION ride_retry(p_tries smallint) RETURNS interval LANGUAGE sql IMMUTABLE
    RETURN CASE p_tries WHEN 1 THEN interval '1 day' WHEN 2 THEN interval '3 days' WHEN 3 THEN interval '7 days' END;

-- Ask for a ride's fare: its order and attempt, before the bank is asked. No password: its holder showed the code,
-- which is evidence of class C. `p_banks` are those that answer now. Outcomes: ok; not_due; payer_unknown (bind the
-- bank and ask again); why it waits (over_day_limit, merchant_suspended, bank_unavailable: not the rider's fault) or
-- is owed (level).
CREATE FUNCTION ride_capture(
    p_ride uuid, p_order uuid, p_attempt uuid, p_item text, p_banks text[],
    OUT outcome text, OUT bank text, OUT bank_ref text, OUT profile bytea, OUT amount bigint, OUT card integer
) LANGUAGE plpgsql AS $$
DECLARE
    r ride;
    v record;
BEGIN
    SELECT * INTO r FROM ride WHERE id = p_ride AND state IN ('due', 'owed') AND next_at <= clock_timestamp()
        FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        outcome := 'not_due';
        RETURN;
    END IF;
    SELECT p.bank, m.suspended_at, c.level, h.profile INTO v
        FROM card c JOIN holder h ON h.id = c.holder JOIN merchant m ON m.agency = r.operator
        LEFT JOIN payer p ON p.card = c.seq WHERE c.seq = r.card;
    card := r.card; amount := r.fare; profile := v.profile;
    outcome := CASE
        WHEN v.suspended_at IS NOT NULL THEN 'merchant_suspended'
        WHEN v.level < 2 THEN 'level'
        WHEN v.bank IS NULL THEN 'payer_unknown'
        WHEN v.bank <> ALL (p_banks) THEN 'bank_unavailable'
        WHEN NOT pay_count(r.card, 'C', false, r.fare, pay_day()) THEN 'over_day_limit'
        ELSE 'ok' END;
    IF outcome = 'level' THEN
        UPDATE ride SET state = 'owed', owed_since = coalesce(owed_since, clock_timestamp()), tries = tries + 1,
            next_at = clock_timestamp() + ride_retry((tries + 1)::smallint) WHERE id = p_ride;
    ELSIF outcome IN ('merchant_suspended', 'over_day_limit', 'bank_unavailable') THEN
        UPDATE ride SET next_at = clock_timestamp() + CASE outcome WHEN 'bank_unavailable' THEN interval '1 minute'
            ELSE interval '6 hours' END WHERE id = p_ride;
    ELSIF outcome = 'ok' THEN
        bank := v.bank; bank_ref := bank_reference(p_order, 1::smallint);
        INSERT INTO pay_order (id, merchant, out_trade_no, request_id, body_sha256, item, amount, subject, kind, state,
                               payer, bank, class, counted_on)
            VALUES (p_order, r.operator, 'ride-' || replace(p_order::text, '-', ''), p_order::text, '', p_item, r.fare,
                    r.line, 'ride', 'processing', r.card, v.bank, 'C', pay_day());
        INSERT INTO bank_attempt (id, subject, kind, order_id, bank, bank_ref, amount, next_check_at)
            VALUES (p_attempt, p_order, 'pay', p_order, v.bank, ride_capture.bank_ref, r.fare,
                    bank_first_check(v.bank));
        UPDATE ride SET state = 'capturing', order_id = p_order, tries = tries + 1, next_at = NULL WHERE id = p_ride;
    END IF;
END $$;

-- Book a closed hour's subsidies, city to operator; returns how many. Skips those that others are at.
CREATE FUNCTION ride_subsidies_post(p_before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    s record;
    v_count integer := 0;
BEGIN
    FOR s IN SELECT b.id, b.city, b.amount, m.payable FROM ride_subsidy b JOIN merchant m ON m.agency = b.operator
             WHERE b.journal IS NULL AND b.hour + interval '1 hour' <= p_before
             ORDER BY b.id LIMIT 200 FOR UPDATE OF b SKIP LOCKED
    LOOP
        UPDATE ride_subsidy SET posted_at = clock_timestamp(), journal = ledger_post('ride_subsidy', 'ride_subsidy', s.id,
            ARRAY[(ledger_account('city', s.city, 'subsidy'), -s.amount), (s.payable, s.amount)]::account_leg[])
            WHERE id = s.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- What becomes of an order becomes of the bill or the ride that it is for, in the same transaction.
CREATE FUNCTION pay_order_followed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'bill' AND NEW.state = 'paid' THEN
        WITH paid AS (
            UPDATE bill SET state = 'paid', paid_at = clock_timestamp() WHERE order_id = NEW.id AND state = 'ordered'
            RETURNING id
        )
        INSERT INTO outbox (id, topic, body)
            SELECT gen_random_uuid(), 'bill', jsonb_build_object('bill', id, 'biller', NEW.merchant) FROM paid;
    ELSIF NEW.kind = 'bill' AND NEW.state IN ('failed', 'closed', 'reversed') THEN
        UPDATE bill SET state = 'open', order_id = NULL WHERE order_id = NEW.id AND state = 'ordered';
    ELSIF NEW.kind = 'ride' AND NEW.state = 'paid' THEN
        UPDATE ride SET state = 'paid', next_at = NULL, owed_since = NULL WHERE order_id = NEW.id AND state = 'capturing';
    ELSIF NEW.kind = 'ride' AND NEW.state IN ('failed', 'closed', 'reversed') THEN
        -- Only a bank's refusal makes a debtor: a payment that was reversed, because its bank did not say, is tried again.
        UPDATE ride SET state = CASE WHEN d.owed THEN 'owed' ELSE 'due' END,
            owed_since = CASE WHEN d.owed THEN coalesce(owed_since, clock_timestamp()) END,
            next_at = clock_timestamp() + CASE WHEN d.owed THEN ride_retry(tries) ELSE interval '10 minutes' END
            FROM (SELECT id AS ride, NEW.state = 'failed' OR owed_since IS NOT NULL AS owed FROM ride
                  WHERE order_id = NEW.id AND state = 'capturing' FOR UPDATE) d WHERE id = d.ride;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER pay_order_followed AFTER UPDATE OF state ON pay_order
    FOR EACH ROW WHEN (NEW.kind IN ('bill', 'ride') AND OLD.state <> NEW.state) EXECUTE FUNCTION pay_order_followed();
