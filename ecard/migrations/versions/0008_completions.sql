-- What comes later of an attendance: uploads from terminals that were offline, completion and its two audits.

-- Tell an institution, where it is a merchant with endpoints, that another terminal took the same code.
CREATE FUNCTION attendance_tell(p_attendance attendance) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (id, topic, body)
        SELECT gen_random_uuid(), 'webhook', jsonb_build_object(
            'merchant', m.agency, 'event', 'attendance.contested', 'attendance', p_attendance.id,
            'class', p_attendance.class, 'session', p_attendance.session, 'seen_at', p_attendance.seen_at,
            'won', p_attendance.state = 'counted')
        FROM training_class c JOIN merchant m ON m.agency = c.institution WHERE c.id = p_attendance.class
$$;

-- A terminal that was offline brings a code that it took at p_at. Of one code the first that was seen counts, whenever
-- it arrives; but what a completed voucher stands on is not taken from it any more. Both sides are told.
-- Outcomes: recorded; known (sent before, or the learner had checked in); contested; those of class_attendance;
-- outside_place, not_yours, visit_refused, card_suspended, device_unbound.
CREATE FUNCTION attendance_upload(
    p_id uuid, p_class uuid, p_terminal uuid, p_agency uuid, p_site text, p_item text, p_once bytea, p_shadow bytea,
    p_card integer, p_device integer, p_strength text, p_at timestamptz,
    OUT outcome text, OUT attendance uuid, OUT first_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    k attendance;
    d record;
    v record;
    v_free boolean;
BEGIN
    SELECT a.* INTO k FROM attendance a WHERE a.once = p_once AND a.terminal = p_terminal;
    IF FOUND THEN
        outcome := CASE k.state WHEN 'contested' THEN 'contested' ELSE 'known' END;
        attendance := k.id;
        SELECT a.seen_at INTO first_at FROM attendance a
            WHERE a.once IN (p_once, p_shadow) AND a.state = 'counted' AND a.terminal <> p_terminal;
        RETURN;
    END IF;
    SELECT c.status, c.changed_at, c.level, e.unbound_at, e.card INTO d
        FROM card c LEFT JOIN device e ON e.seq = p_device WHERE c.seq = p_card;
    IF NOT FOUND OR d.card IS NULL THEN
        outcome := 'visit_refused';
        RETURN;
    END IF;
    SELECT * INTO v FROM class_attendance(p_class, p_card, p_at);
    outcome := CASE
        WHEN v.institution IS DISTINCT FROM p_agency THEN 'class_unknown'
        WHEN d.card <> p_card THEN 'not_yours'
        WHEN d.status <> 'active' AND d.changed_at <= p_at THEN 'card_suspended'
        WHEN d.unbound_at <= p_at THEN 'device_unbound'
        WHEN v.site IS NOT NULL AND v.site <> p_site THEN 'outside_place'
        WHEN v.outcome = 'already' THEN 'known'
        ELSE v.outcome END;
    first_at := CASE WHEN outcome = 'known' THEN v.first_at END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    attendance := p_id;
    INSERT INTO evidence_use AS e (key, solo, visit) VALUES (p_once, true, p_id) ON CONFLICT (key) DO NOTHING;
    v_free := FOUND;
    -- Its digits are the same code: whoever took them online took it. Another phone's picture has the same digits.
    INSERT INTO evidence_use AS e (key, solo, visit) SELECT p_shadow, false, p_id WHERE p_shadow IS NOT NULL
        ON CONFLICT (key) DO UPDATE SET at = e.at WHERE NOT e.solo;
    v_free := v_free AND (FOUND OR p_shadow IS NULL);
    IF NOT v_free THEN
        SELECT a.* INTO k FROM attendance a WHERE a.once IN (p_once, p_shadow) AND a.state = 'counted'
            ORDER BY a.seen_at LIMIT 1 FOR UPDATE;
        IF FOUND AND p_at < k.seen_at AND voucher_step(
            k.voucher, '{in_use}', 'in_use', 'attendance_lost', p_terminal, NULL, 'offline', k.visit,
            jsonb_build_object('class', k.class, 'session', k.session), p_at => k.seen_at)
        THEN
            UPDATE attendance a SET state = 'contested', contested_at = clock_timestamp() WHERE a.id = k.id
                RETURNING a.* INTO k;
            PERFORM attendance_tell(k);
            v_free := true;
        ELSE
            outcome := 'contested';
            IF k.id IS NULL THEN
                SELECT min(e.at) INTO first_at FROM evidence_use e WHERE e.key IN (p_once, p_shadow) AND e.solo;
            ELSE
                first_at := k.seen_at;
                UPDATE attendance a SET contested_at = coalesce(a.contested_at, clock_timestamp()) WHERE a.id = k.id;
                PERFORM attendance_tell(k);
            END IF;
            INSERT INTO attendance (id, class, session, voucher, how, terminal, once, state, seen_at, contested_at)
                VALUES (p_id, p_class, v.session, v.voucher, 'offline', p_terminal, p_once, 'contested', p_at,
                        clock_timestamp());
        END IF;
    END IF;
    IF v_free THEN
        outcome := 'recorded';
        INSERT INTO visit (id, at, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr,
                           fields, kid, keys_as_of, card, level, device)
            VALUES (p_id, p_at, p_terminal, p_agency, p_id::text, '', p_item, 'electronic', 'offline', p_strength,
                    '{pop}', '{}', '', 0, p_card, d.level, p_device);
        INSERT INTO audit_event (kind, outcome, actor, card, item, detail) VALUES ('visit', 'ok', p_terminal, p_card,
            p_item, jsonb_build_object('visit', p_id, 'form', 'electronic', 'evidence', 'offline', 'device', p_device));
        IF NOT attendance_add(p_id, p_class, v.session, v.voucher, 'offline', p_terminal, p_terminal, p_id, p_once,
                              NULL, p_at, p_site, 'offline', v.hours)
        THEN
            outcome := 'expired';
        ELSIF k.id IS NOT NULL THEN
            UPDATE attendance a SET contested_at = clock_timestamp() WHERE a.id = p_id;
        END IF;
    END IF;
    IF outcome IN ('contested', 'recorded') AND (NOT v_free OR k.id IS NOT NULL) THEN
        SELECT a.* INTO k FROM attendance a WHERE a.id = p_id;
        PERFORM attendance_tell(k);
    END IF;
END $$;

-- The hours that a voucher's learner was there for: uses that the holder disputed are none.
CREATE FUNCTION attended_hours(p_voucher uuid, p_class uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(s.hours), 0)::integer FROM attendance a
        JOIN class_session s ON (s.class, s.n) = (a.class, a.session) JOIN visit v ON v.id = a.visit
        WHERE a.voucher = p_voucher AND a.class = p_class AND a.state = 'counted' AND v.disputed_at IS NULL
$$;

-- Whether the own share of the fee is paid, or there is none: a part of it that went back is not paid.
CREATE FUNCTION own_share_paid(p_voucher uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT v.face >= c.fee OR EXISTS (
        SELECT FROM tuition t JOIN enrolment e ON e.id = t.enrolment JOIN pay_order o ON o.id = t.order_id
        WHERE e.voucher = v.id AND e.dropped_at IS NULL AND t.state = 'paid' AND o.refunded = 0)
    FROM voucher v JOIN training_class c ON c.id = v.class WHERE v.id = p_voucher
$$;

-- An institution says that a learner completed: hours enough, the own share paid, and what it asks for.
-- Outcomes: ok, voucher_unknown, wrong_institution, frozen, expired, state, too_few, fee_open, over_amount.
CREATE FUNCTION completion_submit(
    p_id uuid, p_class uuid, p_institution uuid, p_voucher uuid, p_amount bigint, p_terminal uuid, p_place text,
    OUT outcome text, OUT state text, OUT hours integer, OUT needed integer, OUT amount bigint, OUT round smallint
) LANGUAGE plpgsql AS $$
DECLARE
    c training_class;
    v voucher;
BEGIN
    SELECT k.* INTO v FROM voucher k WHERE k.id = p_voucher FOR NO KEY UPDATE;
    state := v.state;
    outcome := CASE
        WHEN v.id IS NULL THEN 'voucher_unknown'
        WHEN v.institution IS DISTINCT FROM p_institution THEN 'wrong_institution'
        WHEN v.class IS DISTINCT FROM p_class THEN 'voucher_unknown'
        ELSE voucher_usable(v, '{bound,in_use}', clock_timestamp()) END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    SELECT * INTO c FROM training_class t WHERE t.id = p_class;
    hours := attended_hours(p_voucher, p_class);
    SELECT greatest(c.min_hours, ceil(c.hours * p.min_attendance_percent / 100.0)) INTO needed
        FROM voucher_programme p WHERE p.id = c.programme;
    amount := coalesce(p_amount, least(v.face, c.fee));
    outcome := CASE
        WHEN hours < needed THEN 'too_few'
        WHEN amount > least(v.face, c.fee) THEN 'over_amount'
        WHEN NOT own_share_paid(p_voucher) THEN 'fee_open'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        amount := least(v.face, c.fee);
        RETURN;
    END IF;
    INSERT INTO completion AS n (id, class, voucher, round, hours, needed, amount, submitted_by)
        SELECT p_id, p_class, p_voucher, coalesce(max(o.round), 0) + 1, completion_submit.hours,
               completion_submit.needed, completion_submit.amount, p_terminal
        FROM completion o WHERE o.voucher = p_voucher
        RETURNING n.round INTO round;
    IF NOT voucher_step(p_voucher, '{in_use}', 'completed', 'completed', p_terminal, p_place, NULL, NULL,
                        jsonb_build_object('completion', p_id, 'hours', hours, 'amount', amount)) THEN
        outcome := 'expired';
    END IF;
END $$;

-- An operator's word on a completion: the first level, then another operator's at the second, who may lower the
-- amount. Whoever rejects gives the voucher back to the class, with the reason.
-- Outcomes: ok, not_found, decided, same_operator, over_amount, fee_open (paid back since), frozen, state.
CREATE FUNCTION completion_judge(
    p_completion uuid, p_actor uuid, p_passed boolean, p_amount bigint, p_reason text,
    OUT outcome text, OUT level smallint, OUT state text, OUT voucher uuid, OUT amount bigint
) LANGUAGE plpgsql AS $$
DECLARE
    n completion;
    v voucher;
    b record;
BEGIN
    SELECT k.* INTO v FROM completion o JOIN voucher k ON k.id = o.voucher WHERE o.id = p_completion
        FOR NO KEY UPDATE OF k;
    SELECT * INTO n FROM completion o WHERE o.id = p_completion FOR UPDATE;
    SELECT count(*) AS said, min(a.amount) AS allowed, coalesce(bool_or(a.actor = p_actor), false) AS mine INTO b
        FROM completion_audit a WHERE a.completion = p_completion;
    level := b.said + 1; state := n.state; voucher := n.voucher;
    amount := coalesce(p_amount, b.allowed, n.amount);
    outcome := CASE
        WHEN n.id IS NULL THEN 'not_found'
        WHEN n.state <> 'submitted' THEN 'decided'
        WHEN b.mine THEN 'same_operator'
        WHEN v.state <> 'completed' THEN CASE v.state WHEN 'frozen' THEN 'frozen' ELSE 'state' END
        WHEN p_passed AND amount > coalesce(b.allowed, n.amount) THEN 'over_amount'
        WHEN p_passed AND NOT own_share_paid(v.id) THEN 'fee_open'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        amount := coalesce(b.allowed, n.amount);
        RETURN;
    END IF;
    amount := CASE WHEN p_passed THEN amount END;
    INSERT INTO completion_audit (completion, level, actor, passed, amount, reason)
        VALUES (p_completion, completion_judge.level, p_actor, p_passed, completion_judge.amount, p_reason);
    IF p_passed AND level = 1 THEN
        RETURN;
    END IF;
    state := CASE WHEN p_passed THEN 'passed' ELSE 'rejected' END;
    UPDATE completion o SET state = completion_judge.state, decided_at = clock_timestamp() WHERE o.id = p_completion;
    IF NOT voucher_step(v.id, '{completed}', CASE WHEN p_passed THEN 'audited' ELSE 'in_use' END,
                        CASE WHEN p_passed THEN 'audited' ELSE 'rejected' END, p_actor, NULL, NULL, NULL,
                        jsonb_strip_nulls(jsonb_build_object('completion', p_completion, 'amount', amount,
                                                             'reason', p_reason)),
                        p_amount => amount) THEN
        outcome := 'state';
    END IF;
END $$;
