-- What is done with cases: one function a command, each an answer and no exception.

-- Give uploaded materials to a case's round; false when one is not this caller's, is another case's, or waited too long.
CREATE FUNCTION case_attach(p_case uuid, p_round smallint, p_actor uuid, p_materials uuid[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_given integer;
BEGIN
    UPDATE case_material m SET case_id = p_case, round = p_round
        WHERE m.id = any (p_materials) AND m.actor = p_actor AND m.case_id IS NULL
          AND m.at > now() - interval '1 day';
    GET DIAGNOSTICS v_given = ROW_COUNT;
    RETURN v_given = cardinality(p_materials);
END $$;

-- Open a case from a visit, or without one where a lost card is the matter (`p_visit` NULL).
-- Outcomes: ok, visit_used, material_unknown.
CREATE FUNCTION case_open(
    p_id uuid, p_visit uuid, p_item text, p_levels smallint, p_holder uuid, p_card integer, p_acting uuid, p_agency uuid,
    p_actor uuid, p_act text, p_form bytea, p_materials uuid[], p_evidence bytea, p_request bytea, p_due timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO case_file (id, visit, item, levels, holder, card, acting, agency, act, form, evidence_sha256, due_at)
        VALUES (p_id, p_visit, p_item, p_levels, p_holder, p_card, p_acting, p_agency, p_act, p_form, p_evidence, p_due)
        ON CONFLICT (visit) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'visit_used';
    ELSIF NOT case_attach(p_id, 1::smallint, p_actor, p_materials) THEN
        RETURN 'material_unknown';
    END IF;
    INSERT INTO case_step (case_id, round, kind, actor, evidence_sha256, request_mac)
        VALUES (p_id, 1, 'opened', p_actor, p_evidence, p_request);
    RETURN 'ok';
END $$;

-- Decide at the level that is due. `p_due`: until when what comes next is to happen.
-- Outcomes: ok, not_found, not_open, stale, wrong_level, assigned, and those of `case_step_check`'s constraints:
-- same_person, own, unnamed, grant. `due_level` is the level that was due, `now_state` and `now_version` what is now.
CREATE FUNCTION case_decide(
    p_case uuid, p_actor uuid, p_version integer, p_level smallint, p_decision text, p_note bytea, p_request bytea,
    p_due timestamptz, OUT outcome text, OUT now_state text, OUT now_version integer, OUT due_level smallint
) LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
    v_broken text;
BEGIN
    SELECT * INTO c FROM case_file f WHERE f.id = p_case FOR UPDATE;
    now_state := c.state; now_version := c.version; due_level := c.level + 1;
    outcome := CASE
        WHEN c.id IS NULL THEN 'not_found'
        WHEN c.version <> p_version THEN 'stale'
        WHEN c.state NOT IN ('submitted', 'accepted', 'reviewed') THEN 'not_open'
        WHEN due_level <> p_level THEN 'wrong_level'
        WHEN c.assignee <> p_actor THEN 'assigned'
        -- Whoever says that it was not they who came is given nothing; what was asked in their name can be refused.
        WHEN p_decision = 'approve' AND EXISTS (
            SELECT FROM visit v WHERE v.id = c.visit AND v.disputed_at IS NOT NULL FOR SHARE) THEN 'disputed'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    BEGIN
        INSERT INTO case_step (case_id, round, kind, level, actor, evidence_sha256, request_mac, note)
            VALUES (p_case, c.round, CASE p_decision WHEN 'return' THEN 'returned' WHEN 'reject' THEN 'rejected'
                    ELSE CASE p_level WHEN 1 THEN 'accepted' ELSE 'approved' END END, p_level, p_actor,
                    c.evidence_sha256, p_request, p_note);
    EXCEPTION WHEN unique_violation OR check_violation THEN
        GET STACKED DIAGNOSTICS v_broken = CONSTRAINT_NAME;
        outcome := CASE v_broken
            WHEN 'case_step_actor' THEN 'same_person'
            WHEN 'case_step_person' THEN 'same_person'
            WHEN 'case_step_appeal' THEN 'same_person'
            WHEN 'case_step_own' THEN 'own'
            WHEN 'case_step_unnamed' THEN 'unnamed'
            WHEN 'case_step_grant' THEN 'grant' END;
        IF outcome IS NULL THEN
            RAISE;
        END IF;
        RETURN;
    END;
    UPDATE case_file f SET
        level = CASE p_decision WHEN 'approve' THEN p_level ELSE f.level END,
        state = CASE p_decision WHEN 'return' THEN 'returned' WHEN 'reject' THEN 'rejected'
                ELSE CASE WHEN p_level = f.levels THEN 'done' WHEN p_level = 1 THEN 'accepted' ELSE 'reviewed' END END,
        reason = CASE p_decision WHEN 'approve' THEN NULL ELSE p_note END,
        due_at = CASE WHEN p_decision = 'reject' OR p_decision = 'approve' AND p_level = f.levels THEN NULL
                      WHEN p_decision = 'approve' AND p_level > 1 THEN f.due_at ELSE p_due END,
        ended_at = CASE WHEN p_decision = 'reject' OR p_decision = 'approve' AND p_level = f.levels
                        THEN clock_timestamp() END,
        assignee = NULL, version = f.version + 1, changed_at = clock_timestamp()
        WHERE f.id = p_case RETURNING f.state, f.version INTO now_state, now_version;
END $$;

-- What an applicant does: complete what was returned, withdraw, or appeal against a refusal.
-- Outcomes: ok, not_found (or another holder's), stale, not_open, late, material_unknown.
CREATE FUNCTION case_move(
    p_case uuid, p_holder uuid, p_actor uuid, p_version integer, p_motion text, p_form bytea, p_materials uuid[],
    p_evidence bytea, p_request bytea, p_note bytea, p_due timestamptz, p_appeal_days integer,
    OUT outcome text, OUT now_state text, OUT now_version integer
) LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
BEGIN
    SELECT * INTO c FROM case_file f WHERE f.id = p_case AND f.holder = p_holder FOR UPDATE;
    now_state := c.state; now_version := c.version;
    outcome := CASE
        WHEN c.id IS NULL THEN 'not_found'
        WHEN c.version <> p_version THEN 'stale'
        WHEN p_motion = 'supplement' AND c.state <> 'returned' THEN 'not_open'
        WHEN p_motion = 'withdraw' AND c.state IN ('done', 'rejected', 'withdrawn') THEN 'not_open'
        WHEN p_motion = 'appeal' AND c.state <> 'rejected' THEN 'not_open'
        WHEN p_motion = 'appeal' AND (c.appealed IS NOT NULL
            OR c.ended_at < now() - make_interval(days => p_appeal_days)) THEN 'late'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        RETURN;
    ELSIF p_motion = 'withdraw' THEN
        UPDATE case_file f SET state = 'withdrawn', reason = NULL, due_at = NULL, ended_at = clock_timestamp(),
            assignee = NULL, version = f.version + 1, changed_at = clock_timestamp() WHERE f.id = p_case;
    ELSE
        UPDATE case_file f SET state = 'submitted', round = f.round + 1, level = 0, reason = NULL, ended_at = NULL,
            appealed = CASE p_motion WHEN 'appeal' THEN f.round + 1 ELSE f.appealed END,
            form = coalesce(p_form, f.form), evidence_sha256 = p_evidence, due_at = p_due, assignee = NULL,
            version = f.version + 1, changed_at = clock_timestamp() WHERE f.id = p_case;
    END IF;
    SELECT * INTO c FROM case_file f WHERE f.id = p_case;
    now_state := c.state; now_version := c.version;
    INSERT INTO case_step (case_id, round, kind, actor, evidence_sha256, request_mac, note)
        VALUES (p_case, c.round, CASE p_motion WHEN 'supplement' THEN 'supplemented' WHEN 'appeal' THEN 'appealed'
                ELSE 'withdrawn' END, p_actor, p_evidence, p_request, p_note);
    IF NOT case_attach(p_case, c.round, p_actor, p_materials) THEN
        outcome := 'material_unknown';
    END IF;
END $$;

-- Take a case that is in nobody's hands, or hand one's own over. One that a revoked key holds is in nobody's.
-- Outcomes: ok, not_found, not_open, assigned, unnamed (who is to have it is no reviewer, or no known person), own,
-- same_person.
CREATE FUNCTION case_assign(p_case uuid, p_actor uuid, p_to uuid, p_request bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
    v_person uuid;
BEGIN
    SELECT * INTO c FROM case_file f WHERE f.id = p_case FOR UPDATE;
    SELECT p.holder INTO v_person FROM operator o JOIN actor a ON a.id = o.actor AND a.revoked_at IS NULL
        JOIN case_person p ON p.actor = o.actor WHERE o.actor = p_to AND o.role = 'reviewer';
    IF c.id IS NULL THEN
        RETURN 'not_found';
    ELSIF c.state NOT IN ('submitted', 'accepted', 'reviewed') THEN
        RETURN 'not_open';
    ELSIF c.assignee <> p_actor AND EXISTS (SELECT FROM actor a WHERE a.id = c.assignee AND a.revoked_at IS NULL) THEN
        RETURN 'assigned';
    ELSIF v_person IS NULL THEN
        RETURN 'unnamed';
    ELSIF v_person IN (c.holder, c.acting) THEN
        RETURN 'own';
    ELSIF EXISTS (SELECT FROM case_step s WHERE (s.case_id, s.round) = (p_case, c.round) AND s.level IS NOT NULL
                  AND (s.actor = p_to OR s.person = v_person)) THEN
        RETURN 'same_person';
    END IF;
    UPDATE case_file f SET assignee = p_to, changed_at = clock_timestamp() WHERE f.id = p_case;
    INSERT INTO case_step (case_id, round, kind, actor, to_actor, evidence_sha256, request_mac)
        VALUES (p_case, c.round, 'assigned', p_actor, p_to, c.evidence_sha256, p_request);
    RETURN 'ok';
END $$;

-- A note of whoever has the case in hand, for those who review it after. Outcomes: ok, not_found, not_in_hand.
CREATE FUNCTION case_comment(p_case uuid, p_actor uuid, p_note bytea, p_request bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
BEGIN
    SELECT * INTO c FROM case_file f WHERE f.id = p_case FOR UPDATE;
    IF c.id IS NULL THEN
        RETURN 'not_found';
    ELSIF c.assignee IS DISTINCT FROM p_actor THEN
        RETURN 'not_in_hand';
    END IF;
    INSERT INTO case_step (case_id, round, kind, actor, evidence_sha256, request_mac, note)
        VALUES (p_case, c.round, 'commented', p_actor, c.evidence_sha256, p_request, p_note);
    RETURN 'ok';
END $$;
