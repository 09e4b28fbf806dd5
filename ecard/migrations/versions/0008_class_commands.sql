-- What learners and institutions do with classes: one function a command, each in its caller's transaction.
-- Lock order: voucher, then class. An outcome that is not "ok" has no effect once its caller has rolled back.

-- Whether an institution may train for a programme: on its list, or, where it has none, in its region.
CREATE FUNCTION institution_admitted(p_programme uuid, p_institution uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT i.suspended_at IS NULL AND CASE WHEN cardinality(p.institutions) > 0 THEN i.agency = ANY (p.institutions)
            -- GB/T 2260: a province's and a city's codes end in zeros, in pairs.
            ELSE starts_with(i.region, regexp_replace(p.region, '(00)+$', '')) END
        FROM voucher_programme p, institution i WHERE p.id = p_programme AND i.agency = p_institution), false)
$$;

-- Whether a voucher can be used: "ok", "frozen", "expired" (to the second), "early", or "state" where it is not one of
-- p_in.
CREATE FUNCTION voucher_usable(p_voucher voucher, p_in text[], p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN p_voucher.state = 'frozen' THEN 'frozen'
        WHEN p_voucher.state = 'expired' THEN 'expired'
        WHEN p_voucher.state = ANY (p_in) AND p_voucher.valid_until <= p_at THEN 'expired'
        WHEN p_voucher.state <> ALL (p_in) THEN 'state'
        WHEN p_voucher.valid_from > p_at THEN 'early'
        ELSE 'ok' END;

-- Bind a voucher to a class, and take a seat; without p_voucher the holder's own for the class's programme.
-- Outcomes: ok, class_unknown, class_over, voucher_unknown, not_yours, frozen, expired, early, state, other_programme,
-- wrong_institution, seated, full.
CREATE FUNCTION class_bind(
    p_id uuid, p_class uuid, p_voucher uuid, p_card integer, p_institution uuid, p_actor uuid, p_place text,
    p_evidence text, p_visit uuid,
    OUT outcome text, OUT voucher uuid, OUT state text, OUT face bigint, OUT fee bigint
) LANGUAGE plpgsql AS $$
DECLARE
    c training_class;
    v voucher;
    v_holder uuid;
BEGIN
    SELECT * INTO c FROM training_class t WHERE t.id = p_class AND t.institution = coalesce(p_institution, t.institution);
    IF NOT FOUND THEN
        outcome := 'class_unknown';
        RETURN;
    END IF;
    SELECT holder INTO v_holder FROM card WHERE seq = p_card;
    IF p_voucher IS NULL THEN
        SELECT k.* INTO v FROM voucher k WHERE k.holder = v_holder AND k.programme = c.programme
            ORDER BY k.state = 'claimed' DESC, k.valid_until DESC LIMIT 1 FOR NO KEY UPDATE;
    ELSE
        SELECT k.* INTO v FROM voucher k WHERE k.id = p_voucher FOR NO KEY UPDATE;
    END IF;
    voucher := v.id; state := v.state; face := v.face; fee := c.fee;
    outcome := CASE
        WHEN v.id IS NULL THEN 'voucher_unknown'
        WHEN v.holder IS DISTINCT FROM v_holder THEN 'not_yours'
        ELSE voucher_usable(v, '{claimed}', clock_timestamp()) END;
    IF outcome = 'ok' THEN
        outcome := CASE
            WHEN v.programme <> c.programme THEN 'other_programme'
            WHEN NOT institution_admitted(c.programme, c.institution) THEN 'wrong_institution'
            WHEN c.ends_at <= clock_timestamp() THEN 'class_over'
            WHEN EXISTS (SELECT FROM enrolment e WHERE e.class = p_class AND e.holder = v_holder
                         AND e.dropped_at IS NULL) THEN 'seated'
            ELSE 'ok' END;
    END IF;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    UPDATE training_class SET taken = taken + 1 WHERE id = p_class AND taken < capacity;
    IF NOT FOUND THEN
        outcome := 'full';
        RETURN;
    END IF;
    INSERT INTO enrolment (id, class, voucher, holder, card) VALUES (p_id, p_class, v.id, v_holder, p_card);
    IF NOT voucher_step(v.id, '{claimed}', 'bound', 'bound', p_actor, p_place, p_evidence, p_visit,
                        jsonb_build_object('class', p_class), p_class, c.institution) THEN
        outcome := 'expired';  -- in this very moment
    ELSIF attended_hours(v.id, p_class) > 0 THEN
        -- Who left this very class and comes back goes on where they were.
        PERFORM voucher_step(v.id, '{bound}', 'in_use', 'resumed', p_actor, p_place, p_evidence, p_visit,
                             jsonb_build_object('class', p_class));
    END IF;
END $$;

-- Leave a class: the voucher may be bound again while it is valid; after that it expires by itself, and leaves with
-- it. p_institution or p_card says who asks. Outcomes: ok, voucher_unknown, not_yours, wrong_institution, frozen,
-- expired, state.
CREATE FUNCTION class_drop(
    p_voucher uuid, p_card integer, p_institution uuid, p_actor uuid, p_place text, p_reason text,
    OUT outcome text, OUT state text
) LANGUAGE plpgsql AS $$
DECLARE
    v voucher;
BEGIN
    SELECT k.* INTO v FROM voucher k WHERE k.id = p_voucher FOR NO KEY UPDATE;
    state := v.state;
    outcome := CASE
        WHEN v.id IS NULL THEN 'voucher_unknown'
        WHEN p_card IS NOT NULL AND v.holder IS DISTINCT FROM (SELECT holder FROM card WHERE seq = p_card) THEN 'not_yours'
        WHEN p_institution IS NOT NULL AND v.institution IS DISTINCT FROM p_institution THEN 'wrong_institution'
        ELSE voucher_usable(v, '{bound,in_use}', clock_timestamp()) END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    IF NOT voucher_step(p_voucher, '{bound,in_use}', 'claimed', 'dropped', p_actor, p_place, NULL, NULL,
                        jsonb_build_object('class', v.class, 'reason', p_reason)) THEN
        outcome := 'expired';  -- in this very moment
    END IF;
    state := 'claimed';
END $$;

-- Whether a learner may check in to a class at a time, to which session (p_session, where the code names it) and with
-- which voucher, which is then locked. Of several sessions that are open, as in a rehearsal, the next one counts.
-- Outcomes: ok, class_unknown, not_enrolled, wrong_institution, outside_window, frozen, expired, state, already.
CREATE FUNCTION class_attendance(
    p_class uuid, p_card integer, p_at timestamptz, p_session integer DEFAULT NULL,
    OUT outcome text, OUT voucher uuid, OUT session smallint, OUT hours smallint, OUT state text, OUT first_at timestamptz,
    OUT site text, OUT institution uuid
) LANGUAGE plpgsql AS $$
DECLARE
    c training_class;
    v voucher;
    v_holder uuid;
BEGIN
    SELECT * INTO c FROM training_class WHERE id = p_class;
    IF NOT FOUND THEN
        outcome := 'class_unknown';
        RETURN;
    END IF;
    site := c.site; institution := c.institution;
    SELECT holder INTO v_holder FROM card WHERE seq = p_card;
    SELECT k.* INTO v FROM enrolment e JOIN voucher k ON k.id = e.voucher
        WHERE e.class = p_class AND e.holder = v_holder AND e.dropped_at IS NULL AND EXISTS (
            -- What an upload says was seen before there was a seat is no attendance; clocks differ by a minute.
            SELECT FROM enrolment s WHERE s.voucher = e.voucher AND s.class = p_class
              AND s.bound_at <= p_at + interval '1 minute') FOR NO KEY UPDATE OF k;
    IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (
            SELECT FROM enrolment e JOIN training_class o ON o.id = e.class
            WHERE e.holder = v_holder AND e.dropped_at IS NULL AND o.programme = c.programme
              AND o.institution <> c.institution) THEN 'wrong_institution' ELSE 'not_enrolled' END;
        RETURN;
    END IF;
    voucher := v.id; state := v.state;
    outcome := voucher_usable(v, '{bound,in_use}', p_at);
    IF outcome = 'ok' THEN
        SELECT s.n, s.hours, a.seen_at INTO session, hours, first_at FROM class_session s
            LEFT JOIN attendance a ON a.class = s.class AND a.session = s.n AND a.voucher = v.id AND a.state = 'counted'
            WHERE s.class = p_class AND s.opens_at <= p_at AND p_at < s.closes_at AND s.n = coalesce(p_session, s.n)
            ORDER BY a.id IS NOT NULL, s.n LIMIT 1;
        outcome := CASE WHEN NOT FOUND THEN 'outside_window' WHEN first_at IS NOT NULL THEN 'already' ELSE 'ok' END;
    END IF;
END $$;

-- Note one attendance, and that the voucher is in use; false where the voucher is not what it was.
CREATE FUNCTION attendance_add(
    p_id uuid, p_class uuid, p_session smallint, p_voucher uuid, p_how text, p_actor uuid, p_terminal uuid, p_visit uuid,
    p_once bytea, p_metres integer, p_seen timestamptz, p_place text, p_evidence text, p_hours smallint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attendance (id, class, session, voucher, how, terminal, visit, once, metres, seen_at)
        VALUES (p_id, p_class, p_session, p_voucher, p_how, p_terminal, p_visit, p_once, p_metres, p_seen);
    RETURN voucher_step(p_voucher, '{bound,in_use}', 'in_use', 'attended', p_actor, p_place, p_evidence, p_visit,
                        jsonb_build_object('class', p_class, 'session', p_session, 'hours', p_hours, 'how', p_how),
                        p_at => p_seen);
END $$;

-- A learner is at a terminal of the class's institution and showed a code or a card: the visit, and the attendance.
-- Outcomes: those of class_attendance and of record_visit; outside_place, not_yours (somebody else shows the card).
CREATE FUNCTION class_check_in(
    p_id uuid, p_class uuid, p_terminal uuid, p_agency uuid, p_site text, p_request_id text, p_body bytea, p_item text,
    p_form text, p_level smallint, p_evidence text, p_strength text, p_amr text[], p_fields text[], p_card integer,
    p_device integer, p_once bytea, p_shadow bytea,
    OUT outcome text, OUT voucher uuid, OUT session smallint, OUT hours smallint, OUT state text, OUT at timestamptz,
    OUT first_at timestamptz, OUT profile bytea, OUT holder uuid
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    at := clock_timestamp();
    SELECT * INTO v FROM class_attendance(p_class, p_card, class_check_in.at);
    outcome := CASE
        WHEN v.institution <> p_agency THEN 'class_unknown'
        WHEN v.site IS NOT NULL AND v.site <> p_site THEN 'outside_place'
        WHEN EXISTS (SELECT FROM device d WHERE d.seq = p_device AND d.card <> p_card) THEN 'not_yours'
        ELSE v.outcome END;
    IF outcome <> 'class_unknown' THEN
        voucher := v.voucher; session := v.session; hours := v.hours; state := v.state; first_at := v.first_at;
    END IF;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    SELECT r.outcome, r.profile, r.holder, r.first_at INTO outcome, profile, holder, first_at FROM record_visit(
        p_id, p_terminal, p_agency, p_request_id, p_body, p_item, p_form, p_level, p_evidence, p_strength, p_amr,
        p_fields, '', 0, p_card, p_device, p_once, p_shadow) r;
    IF outcome = 'ok' AND NOT attendance_add(
        p_id, p_class, session, voucher, CASE p_form WHEN 'physical' THEN 'card' ELSE 'code' END, p_terminal,
        p_terminal, p_id, p_once, NULL, class_check_in.at, p_site, p_evidence, hours)
    THEN
        outcome := 'expired';
    END IF;
END $$;

-- A learner's phone scanned the code that the class shows: there is no terminal, and the visit says so.
-- Outcomes: those of class_attendance; suspended, device_revoked.
CREATE FUNCTION class_scan(
    p_id uuid, p_class uuid, p_session integer, p_card integer, p_actor uuid, p_item text, p_metres integer,
    OUT outcome text, OUT voucher uuid, OUT session smallint, OUT hours smallint, OUT state text, OUT at timestamptz,
    OUT first_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    d record;
    v_name text;
BEGIN
    at := clock_timestamp();
    SELECT * INTO v FROM class_attendance(p_class, p_card, class_scan.at, p_session);
    SELECT e.seq, e.unbound_at, c.status, c.level INTO d FROM device e JOIN card c ON c.seq = e.card
        WHERE e.actor = p_actor AND e.card = p_card;
    voucher := v.voucher; session := v.session; hours := v.hours; state := v.state; first_at := v.first_at;
    outcome := CASE
        WHEN d.seq IS NULL OR d.unbound_at IS NOT NULL THEN 'device_revoked'
        WHEN d.status <> 'active' THEN 'suspended'
        ELSE v.outcome END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    SELECT name INTO v_name FROM training_class WHERE id = p_class;
    INSERT INTO visit (id, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr, fields, kid,
                       keys_as_of, card, level, device, place)
        VALUES (p_id, v.institution, v.institution, p_id::text, '', p_item, 'electronic', 'class_code', 'possession',
                '{pop}', '{}', '', 0, p_card, d.level, d.seq, v_name);
    INSERT INTO audit_event (kind, outcome, actor, card, item, detail) VALUES ('visit', 'ok', p_actor, p_card, p_item,
        jsonb_build_object('visit', p_id, 'form', 'electronic', 'evidence', 'class_code', 'device', d.seq));
    IF NOT attendance_add(p_id, p_class, session, voucher, 'class_code', p_actor, NULL, p_id, NULL, p_metres,
                          class_scan.at, v_name, 'class_code', hours)
    THEN
        outcome := 'expired';
    END IF;
END $$;

-- A learner is at a terminal of the institution and showed a code or a card, to join a class: the visit, the seat and
-- the voucher. Outcomes: those of class_bind and of record_visit; serial_unknown.
CREATE FUNCTION class_bind_here(
    p_id uuid, p_visit uuid, p_class uuid, p_serial text, p_terminal uuid, p_agency uuid, p_site text, p_request_id text,
    p_body bytea, p_item text, p_form text, p_level smallint, p_evidence text, p_strength text, p_amr text[],
    p_fields text[], p_card integer, p_device integer, p_once bytea, p_shadow bytea,
    OUT outcome text, OUT voucher uuid, OUT state text, OUT face bigint, OUT fee bigint, OUT profile bytea,
    OUT holder uuid, OUT first_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_named uuid;
BEGIN
    SELECT k.id INTO v_named FROM voucher k WHERE k.serial = p_serial;
    IF p_serial IS NOT NULL AND NOT FOUND THEN
        outcome := 'serial_unknown';
    ELSIF EXISTS (SELECT FROM device d WHERE d.seq = p_device AND d.card <> p_card) THEN
        outcome := 'not_yours';
    ELSE
        SELECT b.outcome, b.voucher, b.state, b.face, b.fee INTO outcome, voucher, state, face, fee
            FROM class_bind(p_id, p_class, v_named, p_card, p_agency, p_terminal, p_site, p_evidence, p_visit) b;
    END IF;
    IF outcome = 'ok' THEN
        SELECT r.outcome, r.profile, r.holder, r.first_at INTO outcome, profile, holder, first_at FROM record_visit(
            p_visit, p_terminal, p_agency, p_request_id, p_body, p_item, p_form, p_level, p_evidence, p_strength, p_amr,
            p_fields, '', 0, p_card, p_device, p_once, p_shadow) r;
    END IF;
END $$;

-- Open the order for a learner's own share of the fee, which only this card may confirm.
-- Outcomes: ok, voucher_unknown, not_yours, frozen, expired, early, state, covered, ordered (`order_id` says which), and those of pay_open.
CREATE FUNCTION tuition_open(
    p_order uuid, p_voucher uuid, p_card integer, p_item text, p_request_id text, p_body bytea, p_seconds integer,
    OUT outcome text, OUT state text, OUT order_id uuid, OUT fee bigint, OUT own bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    SELECT k.state, k.face, k.holder, c.fee, c.name, c.institution, e.id AS enrolment,
           voucher_usable(k, '{bound,in_use}', clock_timestamp()) AS usable INTO v
        FROM voucher k LEFT JOIN enrolment e ON e.voucher = k.id AND e.dropped_at IS NULL
        LEFT JOIN training_class c ON c.id = e.class WHERE k.id = p_voucher FOR NO KEY UPDATE OF k;
    state := v.state; fee := v.fee; own := greatest(v.fee - v.face, 0);
    outcome := CASE
        WHEN v.state IS NULL THEN 'voucher_unknown'
        WHEN v.holder IS DISTINCT FROM (SELECT holder FROM card WHERE seq = p_card) THEN 'not_yours'
        WHEN v.usable <> 'ok' THEN v.usable
        WHEN v.enrolment IS NULL THEN 'state'
        WHEN own = 0 THEN 'covered'
        ELSE 'ok' END;
    IF outcome = 'ok' THEN
        SELECT t.order_id INTO order_id FROM tuition t JOIN pay_order o ON o.id = t.order_id
            WHERE t.enrolment = v.enrolment AND (t.state = 'paid' OR t.state = 'open' AND (
                o.state <> 'created' OR o.expires_at > clock_timestamp()));
        IF FOUND THEN
            outcome := 'ordered';
        ELSE
            PERFORM pay_close(t.order_id, NULL, NULL) FROM tuition t
                WHERE t.enrolment = v.enrolment AND t.state = 'open';
            outcome := pay_open(p_order, v.institution, NULL, p_request_id, p_body, replace(p_order::text, '-', ''), own,
                                v.name, p_item, 'app', p_seconds);
        END IF;
    END IF;
    IF outcome = 'ok' THEN
        order_id := p_order;
        UPDATE pay_order o SET payer = p_card WHERE o.id = p_order;
        INSERT INTO tuition (order_id, enrolment, fee, own, subsidy)
            VALUES (p_order, v.enrolment, v.fee, tuition_open.own, v.face);
    END IF;
END $$;
