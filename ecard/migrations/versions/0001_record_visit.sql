-- The one statement that decides a visit: who it is, whether the evidence is still unused, and its record.
-- Outcomes: ok, retry (the same terminal's same request within 10 s), replayed, key_reused, or a refusal.
CREATE FUNCTION record_visit(
    p_id uuid, p_terminal uuid, p_agency uuid, p_request_id text, p_body bytea,
    p_item text, p_form text, p_level smallint, p_evidence text, p_strength text, p_amr text[], p_fields text[],
    p_kid text, p_keys_as_of integer, p_card integer, p_device integer, p_once bytea, p_shadow bytea,
    OUT outcome text, OUT visit uuid, OUT at timestamptz, OUT kid text, OUT keys_as_of integer, OUT form text, OUT strength text, OUT amr text[], OUT fields text[], OUT profile bytea,
    OUT holder uuid, OUT level smallint, OUT acting uuid, OUT relation text, OUT first_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_status text;
    v_device record;
    v_before record;
    v_uses integer;
    v_acting_card integer;
BEGIN
    outcome := 'ok'; visit := p_id; at := clock_timestamp(); kid := p_kid; keys_as_of := p_keys_as_of;
    form := p_form; strength := p_strength; amr := p_amr; fields := p_fields;
    SELECT c.status, c.level, h.id, h.profile INTO v_status, level, holder, profile
        FROM card c JOIN holder h ON h.id = c.holder WHERE c.seq = p_card;
    IF NOT FOUND THEN
        outcome := 'unknown_card';
    ELSIF v_status <> 'active' THEN
        outcome := 'suspended';
    -- The level is how far the e-card is opened; a physical card was handed over in person, and is open.
    ELSIF p_form = 'electronic' AND level < p_level THEN
        outcome := 'level';
    ELSIF NOT EXISTS (SELECT FROM actor a WHERE a.id = p_terminal AND a.revoked_at IS NULL) THEN
        outcome := 'terminal_revoked';
    END IF;
    -- The digits do not say which phone shows them: for as long as a screen fetched before lives
    -- (20 steps of 30 s, their life and the skew), an unbound phone stops them all.
    IF outcome = 'ok' AND p_evidence = 'number' AND (
        EXISTS (SELECT FROM device d WHERE d.card = p_card AND d.unbound_at > now() - interval '12 minutes')
        OR NOT EXISTS (SELECT FROM device d WHERE d.card = p_card AND d.unbound_at IS NULL)
    ) THEN
        outcome := 'device_revoked';
    END IF;
    IF outcome = 'ok' AND p_device IS NOT NULL THEN
        SELECT d.card, d.unbound_at, c.status, c.holder INTO v_device
            FROM device d JOIN card c ON c.seq = d.card WHERE d.seq = p_device;
        IF NOT FOUND OR v_device.unbound_at IS NOT NULL THEN
            outcome := 'device_revoked';
        ELSIF v_device.card <> p_card THEN
            SELECT r.relation INTO relation FROM relative r
                WHERE r.principal = v_device.card AND r.card = p_card AND r.ended_at IS NULL;
            acting := v_device.holder; v_acting_card := v_device.card;
            IF relation IS NULL THEN
                outcome := 'not_acting';
            ELSIF v_device.status <> 'active' THEN
                outcome := 'suspended';
            END IF;
        END IF;
    END IF;

    IF outcome = 'ok' THEN
        INSERT INTO visit AS v (id, at, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr,
                                fields, kid, keys_as_of, card, level, device, acting_card, relation)
            VALUES (p_id, record_visit.at, p_terminal, p_agency, p_request_id, p_body, p_item, p_form, p_evidence,
                    p_strength, p_amr, p_fields, p_kid, p_keys_as_of, p_card, record_visit.level, p_device,
                    v_acting_card, record_visit.relation)
            ON CONFLICT (terminal, request_id) DO NOTHING;
        IF NOT FOUND THEN
            SELECT v.* INTO v_before FROM visit v WHERE v.terminal = p_terminal AND v.request_id = p_request_id;
            first_at := v_before.at;
            IF v_before.body_sha256 <> p_body THEN
                outcome := 'key_reused';
            ELSIF v_before.at < clock_timestamp() - interval '10 seconds' OR v_before.disputed_at IS NOT NULL THEN
                outcome := 'replayed';
            ELSE
                outcome := 'retry'; visit := v_before.id; at := v_before.at; kid := v_before.kid;
                keys_as_of := v_before.keys_as_of; level := v_before.level;
                form := v_before.form; strength := v_before.strength; amr := v_before.amr;
                fields := v_before.fields; relation := v_before.relation;
            END IF;
        ELSE
            INSERT INTO evidence_use AS e (key, solo, visit)
                SELECT k.key, k.solo, p_id FROM (VALUES (p_once, true), (p_shadow, false)) AS k (key, solo)
                WHERE k.key IS NOT NULL
                ON CONFLICT (key) DO UPDATE SET at = now() WHERE NOT e.solo AND NOT EXCLUDED.solo;
            GET DIAGNOSTICS v_uses = ROW_COUNT;
            IF v_uses <> 1 + (p_shadow IS NOT NULL)::integer THEN
                outcome := 'replayed';
                SELECT e.at INTO first_at FROM evidence_use e WHERE e.key = p_once AND e.visit <> p_id;
                DELETE FROM evidence_use e WHERE e.key IN (p_once, p_shadow) AND e.visit = p_id;
                DELETE FROM visit v WHERE v.id = p_id;
            END IF;
        END IF;
    END IF;

    IF outcome <> 'retry' THEN
        INSERT INTO audit_event (kind, outcome, actor, card, item, detail)
            VALUES ('visit', outcome, p_terminal, CASE WHEN v_status IS NOT NULL THEN p_card END, p_item,
                    jsonb_build_object('visit', CASE WHEN outcome = 'ok' THEN visit END, 'form', p_form, 'evidence', p_evidence, 'device', p_device,
                                       'acting_card', v_acting_card));
    END IF;
    IF outcome NOT IN ('ok', 'retry') THEN
        profile := NULL;
    END IF;
END $$;
