-- 志愿服务时间银行: service by check-in and check-out, minutes on the ledger, and what they are spent on.
-- A volunteer's wallet is an account of owner kind "volunteer" in the unit VHOUR, in whole minutes. What is earned comes
-- from one account of the book "issue", and what is spent goes back there.

CREATE TABLE volunteer_body (
    agency uuid PRIMARY KEY REFERENCES agency,
    records boolean NOT NULL,
    redeems boolean NOT NULL,
    set_by uuid NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE volunteer_service (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    agency uuid NOT NULL REFERENCES agency,
    site text NOT NULL,
    project text NOT NULL CHECK (project <> ''),
    came uuid NOT NULL UNIQUE REFERENCES visit,
    went uuid UNIQUE REFERENCES visit,
    came_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    went_at timestamptz,
    minutes integer CHECK (minutes > 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'credited', 'lapsed')),
    journal uuid REFERENCES journal,
    CHECK (came <> went),
    CHECK ((state = 'credited') = (went IS NOT NULL AND went_at IS NOT NULL AND minutes IS NOT NULL)),
    CHECK ((state = 'credited') = (journal IS NOT NULL))
);
CREATE UNIQUE INDEX volunteer_service_open ON volunteer_service (holder) WHERE state = 'open';
CREATE INDEX volunteer_service_of ON volunteer_service (holder, came_at);

CREATE TABLE hour_redemption (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    agency uuid NOT NULL REFERENCES agency,
    service text NOT NULL CHECK (service <> ''),
    visit uuid NOT NULL UNIQUE REFERENCES visit,
    minutes integer NOT NULL CHECK (minutes > 0),
    spent integer NOT NULL DEFAULT 0 CHECK (spent BETWEEN 0 AND minutes),
    hold uuid NOT NULL UNIQUE REFERENCES hold,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'redeemed', 'cancelled')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((state = 'redeemed') = (spent > 0))
);
CREATE INDEX hour_redemption_of ON hour_redemption (holder, at);

-- Whether a visit has begun or ended a service, or spent time: whoever comes for the next one shows the card again.
-- Two that go on from one visit at once come one after the other, until the first has ended.
CREATE FUNCTION hours_counted(p_visit uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_visit::text, 0));
    RETURN EXISTS (SELECT FROM volunteer_service s WHERE p_visit = s.came OR p_visit = s.went)
        OR EXISTS (SELECT FROM hour_redemption r WHERE r.visit = p_visit);
END $$;

-- Where minutes come from and go to.
CREATE FUNCTION hours_source() RETURNS uuid LANGUAGE sql AS $$
    SELECT ledger_account('platform', 'volunteer_hours', 'issue', 'VHOUR')
$$;

-- Begin a service. Outcomes: ok, not_recording, counted (this visit has), serving (`came_at` says since when).
CREATE FUNCTION hours_arrive(
    p_id uuid, p_visit uuid, p_holder uuid, p_agency uuid, p_site text, p_project text, p_longest interval,
    OUT outcome text, OUT came_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    came_at := clock_timestamp();
    IF NOT EXISTS (SELECT FROM volunteer_body b WHERE b.agency = p_agency AND b.records) THEN
        outcome := 'not_recording';
        RETURN;
    ELSIF hours_counted(p_visit) THEN
        outcome := 'counted';
        RETURN;
    END IF;
    UPDATE volunteer_service s SET state = 'lapsed'
        WHERE s.holder = p_holder AND s.state = 'open' AND s.came_at < hours_arrive.came_at - p_longest;
    INSERT INTO volunteer_service AS s (id, holder, agency, site, project, came, came_at)
        VALUES (p_id, p_holder, p_agency, p_site, p_project, p_visit, hours_arrive.came_at) ON CONFLICT DO NOTHING;
    outcome := 'ok';
    IF NOT FOUND THEN
        SELECT s.came_at INTO came_at FROM volunteer_service s WHERE s.holder = p_holder AND s.state = 'open';
        outcome := CASE WHEN FOUND THEN 'serving' ELSE 'counted' END;
    END IF;
END $$;

-- End a service that is locked and open, and credit its minutes: once, whoever asks how often.
CREATE FUNCTION hours_credit(
    p_service uuid, p_visit uuid, p_went timestamptz, p_minutes integer, OUT outcome text
) LANGUAGE plpgsql AS $$
DECLARE
    v_holder uuid;
BEGIN
    SELECT holder INTO v_holder FROM volunteer_service WHERE id = p_service AND state = 'open' FOR UPDATE;
    IF NOT FOUND OR hours_counted(p_visit) THEN
        outcome := 'counted';
        RETURN;
    END IF;
    UPDATE volunteer_service SET state = 'credited', went = p_visit, went_at = p_went, minutes = p_minutes,
            journal = ledger_post('hours_credited', 'volunteer_service', p_service, ARRAY[
                (hours_source(), -p_minutes)::account_leg,
                (ledger_account('volunteer', v_holder::text, 'wallet', 'VHOUR'), p_minutes)::account_leg])
        WHERE id = p_service;
    outcome := 'ok';
END $$;

-- Set minutes aside for a service. Outcomes: ok, not_redeeming, counted (this visit has), short (`available`).
CREATE FUNCTION hours_redeem(
    p_id uuid, p_visit uuid, p_holder uuid, p_agency uuid, p_service text, p_minutes integer, p_seconds integer,
    OUT outcome text, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_wallet uuid;
    v_hold uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM volunteer_body b WHERE b.agency = p_agency AND b.redeems) THEN
        outcome := 'not_redeeming';
        RETURN;
    ELSIF hours_counted(p_visit) THEN
        outcome := 'counted';
        RETURN;
    END IF;
    v_wallet := ledger_account('volunteer', p_holder::text, 'wallet', 'VHOUR');
    SELECT a.balance - a.held INTO available FROM account a WHERE a.id = v_wallet FOR NO KEY UPDATE;
    IF available < p_minutes THEN
        outcome := 'short';
        RETURN;
    END IF;
    v_hold := ledger_hold(v_wallet, p_minutes, 'hour_redemption', p_id,
                          clock_timestamp() + make_interval(secs => p_seconds));
    INSERT INTO hour_redemption (id, holder, agency, service, visit, minutes, hold)
        VALUES (p_id, p_holder, p_agency, p_service, p_visit, p_minutes, v_hold) ON CONFLICT (visit) DO NOTHING;
    outcome := CASE WHEN FOUND THEN 'ok' ELSE 'counted' END;
END $$;

-- A redemption's state, as its hold says it.
CREATE VIEW hour_redemption_state AS
    SELECT r.id, r.holder, r.agency, r.service, r.minutes, r.spent, r.at,
           CASE WHEN r.state = 'held' AND (h.state = 'expired' OR h.expires_at <= clock_timestamp()) THEN 'expired'
                ELSE r.state END AS state
    FROM hour_redemption r JOIN hold h ON h.id = r.hold;

-- Spend what was set aside, all or a part, or none of it (NULL: cancelled).
-- Outcomes: ok, unknown, over (`state` says which), exceeded (`held`).
CREATE FUNCTION hours_finish(
    p_id uuid, p_agency uuid, p_minutes integer, OUT outcome text, OUT state text, OUT held integer
) LANGUAGE plpgsql AS $$
DECLARE
    r hour_redemption;
    v_open boolean;
BEGIN
    SELECT * INTO r FROM hour_redemption x WHERE x.id = p_id AND x.agency = p_agency FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    held := r.minutes;
    SELECT h.state = 'open' AND h.expires_at > clock_timestamp() INTO v_open FROM hold h WHERE h.id = r.hold FOR UPDATE;
    state := CASE WHEN r.state = 'held' AND NOT v_open THEN 'expired' ELSE r.state END;
    IF state <> 'held' THEN
        outcome := 'over';
    ELSIF p_minutes > r.minutes THEN
        outcome := 'exceeded';
    ELSIF p_minutes IS NULL THEN
        PERFORM ledger_void_hold(r.hold);
        UPDATE hour_redemption x SET state = 'cancelled' WHERE x.id = p_id;
        outcome := 'ok';
    ELSE
        PERFORM ledger_post_hold(r.hold, 'hours_redeemed', 'hour_redemption', p_id,
                                 ARRAY[(hours_source(), p_minutes)::account_leg]);
        UPDATE hour_redemption x SET state = 'redeemed', spent = p_minutes WHERE x.id = p_id;
        outcome := 'ok';
    END IF;
END $$;
