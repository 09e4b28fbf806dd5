-- 入场与考勤: places and their rules, lists, who went in and out, who is inside. Times are the database's own, but for
-- what a gate saw while it was offline.

-- A place is an agency's site with an item; without a rule of its own it admits anybody.
CREATE TABLE entry_rule (
    id uuid PRIMARY KEY DEFAULT ledger_id(),
    agency uuid NOT NULL REFERENCES agency,
    site text NOT NULL CHECK (site <> ''),
    item text NOT NULL,
    listed boolean NOT NULL DEFAULT false,
    both_ways boolean NOT NULL,
    capacity integer CHECK (capacity > 0),
    inside integer NOT NULL DEFAULT 0 CHECK (inside >= 0),
    set_by uuid,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (agency, site, item),
    CHECK (capacity IS NULL OR both_ways)
);

CREATE TABLE entry_list (
    id uuid PRIMARY KEY,
    rule uuid NOT NULL REFERENCES entry_rule,
    name text NOT NULL CHECK (name <> ''),
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    uses smallint CHECK (uses > 0),
    by uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (rule, name),
    CHECK (closes_at > opens_at)
);

-- Whoever is on a list, by the blind index that also finds a holder: most are no holders here yet.
CREATE TABLE entry_person (
    list uuid NOT NULL REFERENCES entry_list,
    person bytea NOT NULL,
    room text NOT NULL DEFAULT '',
    seat text NOT NULL DEFAULT '',
    used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    first_at timestamptz,
    PRIMARY KEY (list, person)
);
CREATE INDEX entry_person_of ON entry_person (person);

-- `once` is what an uploaded code burns; a contested entry counts for nothing, and has no visit of its own if its code
-- had been used.
CREATE TABLE gate_entry (
    id uuid PRIMARY KEY,
    rule uuid NOT NULL REFERENCES entry_rule,
    holder uuid NOT NULL,
    visit uuid UNIQUE,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    room text NOT NULL DEFAULT '',
    list uuid REFERENCES entry_list,
    seat text NOT NULL DEFAULT '',
    terminal uuid NOT NULL,
    once bytea,
    seen_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'counted' CHECK (state IN ('counted', 'contested')),
    contested_at timestamptz,
    UNIQUE (terminal, once),
    CHECK (state = 'counted' OR contested_at IS NOT NULL),
    CHECK (state = 'contested' OR visit IS NOT NULL)
);
CREATE INDEX gate_entry_of ON gate_entry (holder, seen_at);
CREATE INDEX gate_entry_at ON gate_entry (rule, seen_at);
CREATE INDEX gate_entry_contested ON gate_entry (rule, contested_at) WHERE contested_at IS NOT NULL;

CREATE TABLE entry_inside (
    rule uuid NOT NULL REFERENCES entry_rule,
    holder uuid NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (rule, holder)
);

-- The rule of a place, made when it is first used.
CREATE FUNCTION entry_rule_of(p_agency uuid, p_site text, p_item text, p_both boolean) RETURNS entry_rule
LANGUAGE plpgsql AS $$
DECLARE
    r entry_rule;
BEGIN
    SELECT * INTO r FROM entry_rule WHERE agency = p_agency AND site = p_site AND item = p_item;
    IF NOT FOUND THEN
        INSERT INTO entry_rule (agency, site, item, both_ways) VALUES (p_agency, p_site, p_item, p_both)
            ON CONFLICT DO NOTHING;
        SELECT * INTO r FROM entry_rule WHERE agency = p_agency AND site = p_site AND item = p_item;
    END IF;
    RETURN r;
END $$;

-- Set a place's rule; where nobody is counted any more, nobody is inside.
CREATE FUNCTION entry_rule_set(
    p_agency uuid, p_site text, p_item text, p_listed boolean, p_both boolean, p_capacity integer, p_by uuid
) RETURNS entry_rule LANGUAGE plpgsql AS $$
DECLARE
    r entry_rule;
BEGIN
    r := entry_rule_of(p_agency, p_site, p_item, p_both);
    UPDATE entry_rule SET listed = p_listed, both_ways = p_both, capacity = p_capacity, set_by = p_by,
            set_at = clock_timestamp(), inside = CASE WHEN p_both THEN inside ELSE 0 END
        WHERE id = r.id RETURNING * INTO r;
    IF NOT p_both THEN
        DELETE FROM entry_inside WHERE rule = r.id;
    END IF;
    RETURN r;
END $$;

-- Whether a place lets somebody through at a time, and what that changes: one use of a list, who is inside.
-- What an offline gate has done already is judged by its list alone: it cannot be kept from having happened.
-- Outcomes: ok, one_way, not_listed, outside_time, wrong_room, used_up, inside, full. Whoever does not get "ok" must
-- roll back.
CREATE FUNCTION entry_pass(
    r entry_rule, p_holder uuid, p_direction text, p_room text, p_at timestamptz, p_offline boolean, p_longest interval,
    OUT outcome text, OUT list uuid, OUT room text, OUT seat text, OUT first_at timestamptz, OUT opens_at timestamptz,
    OUT closes_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_fresh boolean;
BEGIN
    outcome := 'ok'; room := p_room; seat := '';
    IF p_direction = 'out' AND NOT r.both_ways THEN
        outcome := 'one_way';
        RETURN;
    END IF;
    IF r.listed AND p_direction = 'in' THEN
        SELECT p.list, p.person, p.room, p.seat, p.used, p.first_at, l.opens_at, l.closes_at, l.uses INTO v
            FROM entry_person p JOIN entry_list l ON l.id = p.list JOIN holder h ON h.id_index = p.person
            WHERE l.rule = r.id AND h.id = p_holder
            ORDER BY l.opens_at <= p_at AND p_at < l.closes_at DESC,
                     p_room = '' OR p.room IN ('', p_room) DESC,
                     l.uses IS NULL OR p.used < l.uses DESC, l.opens_at, l.id
            LIMIT 1 FOR NO KEY UPDATE OF p;
        IF NOT FOUND THEN
            outcome := 'not_listed';
            RETURN;
        END IF;
        list := v.list; seat := v.seat; first_at := v.first_at; opens_at := v.opens_at; closes_at := v.closes_at;
        room := CASE v.room WHEN '' THEN p_room ELSE v.room END;
        outcome := CASE
            WHEN p_at < v.opens_at OR p_at >= v.closes_at THEN 'outside_time'
            WHEN p_room <> '' AND v.room NOT IN ('', p_room) THEN 'wrong_room'
            WHEN v.used >= v.uses THEN 'used_up'
            ELSE 'ok' END;
        IF outcome <> 'ok' THEN
            RETURN;
        END IF;
        UPDATE entry_person e SET used = e.used + 1, first_at = least(e.first_at, p_at)
            WHERE e.list = v.list AND e.person = v.person;
    END IF;
    IF r.both_ways AND p_direction = 'in' THEN
        INSERT INTO entry_inside AS i (rule, holder, since) VALUES (r.id, p_holder, p_at)
            ON CONFLICT (rule, holder) DO UPDATE SET since = EXCLUDED.since WHERE i.since < EXCLUDED.since - p_longest
            RETURNING i.xmax = 0 INTO v_fresh;
        IF NOT FOUND AND NOT p_offline THEN
            outcome := 'inside';
            SELECT i.since INTO first_at FROM entry_inside i WHERE i.rule = r.id AND i.holder = p_holder;
        ELSIF v_fresh THEN
            UPDATE entry_rule SET inside = inside + 1
                WHERE id = r.id AND (capacity IS NULL OR inside < capacity OR p_offline);
            outcome := CASE WHEN FOUND THEN 'ok' ELSE 'full' END;
        END IF;
    ELSIF r.both_ways THEN
        DELETE FROM entry_inside i WHERE i.rule = r.id AND i.holder = p_holder AND i.since <= p_at;
        IF FOUND THEN
            UPDATE entry_rule SET inside = inside - 1 WHERE id = r.id;
        END IF;
    END IF;
END $$;

-- Let the holder of a visit through. Outcomes: those of entry_pass; entered (this visit was let through before).
CREATE FUNCTION entry_admit(
    p_id uuid, p_agency uuid, p_site text, p_item text, p_both boolean, p_visit uuid, p_holder uuid, p_direction text,
    p_room text, p_terminal uuid, p_longest interval,
    OUT outcome text, OUT at timestamptz, OUT list text, OUT room text, OUT seat text, OUT first_at timestamptz,
    OUT opens_at timestamptz, OUT closes_at timestamptz, OUT capacity integer
) LANGUAGE plpgsql AS $$
DECLARE
    r entry_rule;
    v record;
BEGIN
    at := clock_timestamp();
    IF EXISTS (SELECT FROM gate_entry e WHERE e.visit = p_visit) THEN
        outcome := 'entered';
        RETURN;
    END IF;
    r := entry_rule_of(p_agency, p_site, p_item, p_both);
    v := entry_pass(r, p_holder, p_direction, p_room, entry_admit.at, false, p_longest);
    outcome := v.outcome; room := v.room; seat := v.seat; first_at := v.first_at; opens_at := v.opens_at;
    closes_at := v.closes_at; capacity := r.capacity;
    SELECT l.name INTO list FROM entry_list l WHERE l.id = v.list;
    IF outcome = 'ok' THEN
        INSERT INTO gate_entry (id, rule, holder, visit, direction, room, list, seat, terminal, seen_at)
            VALUES (p_id, r.id, p_holder, p_visit, p_direction, v.room, v.list, v.seat, p_terminal, entry_admit.at)
            ON CONFLICT (visit) DO NOTHING;
        IF NOT FOUND THEN
            outcome := 'entered';
        END IF;
    END IF;
END $$;

-- Word of a contested code to whoever looks at the audit of either gate.
CREATE FUNCTION entry_tell(e gate_entry) RETURNS void LANGUAGE sql AS $$
    INSERT INTO audit_event (kind, outcome, actor, item, detail)
        SELECT 'entry_contested', e.state, e.terminal, r.item, jsonb_build_object('entry', e.id, 'agency', r.agency)
        FROM entry_rule r WHERE r.id = e.rule
$$;

-- An entry that counted does so no more: its use of a list is given back.
CREATE FUNCTION entry_lose(p_entry uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e gate_entry;
BEGIN
    UPDATE gate_entry SET state = 'contested', contested_at = clock_timestamp() WHERE id = p_entry RETURNING * INTO e;
    UPDATE entry_person p SET used = p.used - 1 FROM holder h
        WHERE p.list = e.list AND h.id = e.holder AND p.person = h.id_index AND p.used > 0;
    IF e.direction = 'in' THEN
        DELETE FROM entry_inside i WHERE i.rule = e.rule AND i.holder = e.holder AND i.since = e.seen_at;
        IF FOUND THEN
            UPDATE entry_rule SET inside = inside - 1 WHERE id = e.rule;
        END IF;
    END IF;
    PERFORM entry_tell(e);
END $$;

-- What a gate let through while it was offline: each code counts once, where it was seen first.
-- Outcomes: recorded, known, contested; those of entry_pass; card_suspended, device_unbound, not_acting, visit_refused,
-- level.
CREATE FUNCTION entry_upload(
    p_id uuid, p_agency uuid, p_site text, p_item text, p_both boolean, p_level smallint, p_terminal uuid,
    p_direction text, p_room text, p_longest interval, p_once bytea, p_shadow bytea, p_card integer, p_device integer,
    p_strength text, p_at timestamptz,
    OUT outcome text, OUT made uuid, OUT first_at timestamptz, OUT room text, OUT opens_at timestamptz,
    OUT closes_at timestamptz, OUT capacity integer
) LANGUAGE plpgsql AS $$
DECLARE
    r entry_rule;
    d record;
    u record;
    k gate_entry;
    v record;
    v_acting integer;
    v_relation text;
    v_visit uuid := p_id;
    v_taken bytea;
BEGIN
    SELECT e.* INTO k FROM gate_entry e WHERE e.terminal = p_terminal AND e.once = p_once;
    IF FOUND THEN
        outcome := CASE k.state WHEN 'contested' THEN 'contested' ELSE 'known' END;
        made := k.id; first_at := k.seen_at;
        RETURN;
    END IF;
    SELECT c.status, c.changed_at, c.level, c.holder, e.unbound_at, e.card INTO d
        FROM card c LEFT JOIN device e ON e.seq = p_device WHERE c.seq = p_card;
    IF d.card IS NOT NULL AND d.card <> p_card THEN
        SELECT x.relation INTO v_relation FROM relative x WHERE x.principal = d.card AND x.card = p_card
            AND x.since <= p_at AND coalesce(x.ended_at > p_at, true) LIMIT 1;
        v_acting := d.card;
    END IF;
    outcome := CASE
        WHEN d.card IS NULL THEN 'visit_refused'
        WHEN d.status <> 'active' AND d.changed_at <= p_at THEN 'card_suspended'
        WHEN d.unbound_at <= p_at THEN 'device_unbound'
        WHEN v_acting IS NOT NULL AND v_relation IS NULL THEN 'not_acting'
        WHEN d.level < p_level THEN 'level'
        ELSE 'ok' END;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    r := entry_rule_of(p_agency, p_site, p_item, p_both);
    capacity := r.capacity;
    -- Whoever uploads this code at the same time waits here for the other's end.
    INSERT INTO evidence_use AS e (key, solo, visit) VALUES (p_once, true, p_id) ON CONFLICT (key) DO NOTHING;
    v_taken := CASE WHEN NOT FOUND THEN p_once END;
    -- Its digits are the same code: whoever took them online took it. Another phone's picture has the same digits.
    IF v_taken IS NULL AND p_shadow IS NOT NULL THEN
        INSERT INTO evidence_use AS e (key, solo, visit) VALUES (p_shadow, false, p_id)
            ON CONFLICT (key) DO UPDATE SET at = e.at WHERE NOT e.solo;
        v_taken := CASE WHEN NOT FOUND THEN p_shadow END;
    END IF;
    IF v_taken IS NOT NULL THEN
        SELECT e.visit, x.at, x.terminal, x.item INTO u FROM evidence_use e LEFT JOIN visit x ON x.id = e.visit
            WHERE e.key = v_taken FOR UPDATE OF e;
        SELECT e.* INTO k FROM gate_entry e WHERE e.visit = u.visit;
        IF k.id IS NULL AND u.terminal = p_terminal AND u.item = p_item THEN
            -- The network went after the visit, and before the entry.
            v_visit := u.visit;
        ELSIF k.terminal = p_terminal THEN
            outcome := 'known'; made := k.id; first_at := k.seen_at;
            RETURN;
        ELSIF k.id IS NULL OR k.seen_at <= p_at THEN
            outcome := 'contested'; first_at := coalesce(k.seen_at, u.at); made := p_id;
            UPDATE gate_entry e SET contested_at = clock_timestamp() WHERE e.id = k.id AND e.contested_at IS NULL;
            IF k.id IS NOT NULL THEN
                PERFORM entry_tell(k);
            END IF;
            INSERT INTO gate_entry (id, rule, holder, direction, room, terminal, once, seen_at, state, contested_at)
                VALUES (p_id, r.id, d.holder, p_direction, p_room, p_terminal, p_once, p_at, 'contested',
                        clock_timestamp()) RETURNING * INTO k;
            PERFORM entry_tell(k);
            RETURN;
        ELSE
            PERFORM entry_lose(k.id);
            UPDATE evidence_use SET visit = p_id WHERE key = v_taken;
        END IF;
    END IF;
    v := entry_pass(r, d.holder, p_direction, p_room, p_at, true, p_longest);
    outcome := v.outcome; room := v.room; first_at := v.first_at; opens_at := v.opens_at; closes_at := v.closes_at;
    IF outcome <> 'ok' THEN
        RETURN;
    END IF;
    outcome := 'recorded'; made := p_id; first_at := NULL;
    IF v_visit = p_id THEN
        INSERT INTO visit (id, at, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr, fields,
                           kid, keys_as_of, card, level, device, acting_card, relation)
            VALUES (p_id, p_at, p_terminal, p_agency, p_id::text, '', p_item, 'electronic', 'offline', p_strength,
                    '{pop}', '{}', '', 0, p_card, d.level, p_device, v_acting, v_relation);
        INSERT INTO audit_event (kind, outcome, actor, card, item, detail) VALUES ('visit', 'ok', p_terminal, p_card,
            p_item, jsonb_build_object('visit', p_id, 'form', 'electronic', 'evidence', 'offline', 'device', p_device));
    END IF;
    INSERT INTO gate_entry (id, rule, holder, visit, direction, room, list, seat, terminal, once, seen_at, contested_at)
        VALUES (p_id, r.id, d.holder, v_visit, p_direction, v.room, v.list, v.seat, p_terminal, p_once, p_at,
                CASE WHEN k.id IS NOT NULL THEN clock_timestamp() END);
    IF k.id IS NOT NULL THEN
        SELECT e.* INTO k FROM gate_entry e WHERE e.id = p_id;
        PERFORM entry_tell(k);
    END IF;
END $$;
