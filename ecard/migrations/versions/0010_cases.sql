-- Applications under review: cases, their steps, materials, who may accept and review; what holds against direct SQL.

ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('registrar', 'cards', 'security', 'finance', 'training', 'reviewer'));

CREATE DOMAIN case_state AS text
    CHECK (VALUE IN ('submitted', 'accepted', 'reviewed', 'returned', 'done', 'rejected', 'withdrawn'));
CREATE DOMAIN case_step_kind AS text CHECK (VALUE IN ('opened', 'accepted', 'approved', 'returned', 'rejected',
    'supplemented', 'withdrawn', 'appealed', 'assigned', 'commented'));
CREATE DOMAIN sha256_digest AS bytea CHECK (length(VALUE) = 32);

-- 申请件. `level` counts the levels passed in this round; a supplement and an appeal begin another. `evidence_sha256`
-- ties the holder's evidence to what was handed in with it. `appealed` is the round that an appeal began.
CREATE TABLE case_file (
    id uuid PRIMARY KEY,
    visit uuid UNIQUE,
    item text NOT NULL,
    levels smallint NOT NULL CHECK (levels BETWEEN 1 AND 3),
    holder uuid NOT NULL REFERENCES holder,
    card integer NOT NULL REFERENCES card,
    acting uuid REFERENCES holder,
    agency uuid NOT NULL,
    act text,
    form bytea,
    evidence_sha256 sha256_digest NOT NULL,
    state case_state NOT NULL DEFAULT 'submitted',
    round smallint NOT NULL DEFAULT 1,
    level smallint NOT NULL DEFAULT 0,
    appealed smallint,
    version integer NOT NULL DEFAULT 1,
    assignee uuid,
    reason bytea,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz,
    ended_at timestamptz,
    CHECK (level BETWEEN 0 AND levels),
    CHECK ((state = 'done') = (level = levels)),
    CHECK (state NOT IN ('submitted', 'accepted', 'reviewed') OR level = CASE state WHEN 'submitted' THEN 0
                                                                        WHEN 'accepted' THEN 1 ELSE 2 END),
    CHECK ((state IN ('done', 'rejected', 'withdrawn')) = (ended_at IS NOT NULL)),
    CHECK ((state IN ('returned', 'rejected')) = (reason IS NOT NULL))
);
CREATE INDEX case_of_card ON case_file (card, opened_at);
CREATE INDEX case_under_review ON case_file (due_at) WHERE state IN ('submitted', 'accepted', 'reviewed');

-- Each step, by whom and of what, in a chain of hashes. A decision has its level.
CREATE TABLE case_step (
    case_id uuid NOT NULL REFERENCES case_file,
    seq integer NOT NULL,
    round smallint NOT NULL,
    kind case_step_kind NOT NULL,
    level smallint CHECK (level BETWEEN 1 AND 3),
    actor uuid NOT NULL REFERENCES actor,
    person uuid,
    to_actor uuid,
    evidence_sha256 sha256_digest NOT NULL,
    request_mac sha256_digest NOT NULL,
    note bytea,
    at timestamptz NOT NULL,
    before sha256_digest NOT NULL,
    hash sha256_digest NOT NULL,
    PRIMARY KEY (case_id, seq),
    CHECK ((level IS NOT NULL) = (kind IN ('accepted', 'approved', 'returned', 'rejected'))),
    CHECK (kind <> 'accepted' OR level = 1),
    CHECK (kind <> 'approved' OR level > 1)
);
-- Four eyes, as constraints: one decision a level, and nobody twice in a round, by key or in person.
CREATE UNIQUE INDEX case_step_level ON case_step (case_id, round, level) WHERE level IS NOT NULL;
CREATE UNIQUE INDEX case_step_actor ON case_step (case_id, round, actor) WHERE level IS NOT NULL;
CREATE UNIQUE INDEX case_step_person ON case_step (case_id, round, person) WHERE level IS NOT NULL;

-- 审核员本人: which person an operator is, so that an applicant is known behind a key, and one person behind two.
CREATE TABLE case_person (
    actor uuid PRIMARY KEY REFERENCES actor,
    holder uuid NOT NULL REFERENCES holder,
    by uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION case_person_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING CONSTRAINT = 'case_person_stands', MESSAGE = 'who a reviewer is does not change';
END $$;
CREATE TRIGGER case_person_stands BEFORE UPDATE ON case_person FOR EACH ROW WHEN (NEW IS DISTINCT FROM OLD)
    EXECUTE FUNCTION case_person_stands();
CREATE TRIGGER case_person_remains BEFORE DELETE OR TRUNCATE ON case_person EXECUTE FUNCTION case_person_stands();

-- 授权: what an agency's outlets may do of annex 3. `items` empty: all that are 必选. `region` begins those meant.
CREATE TABLE case_grant (
    id uuid PRIMARY KEY,
    agency uuid NOT NULL REFERENCES agency,
    region text CHECK (region ~ '^([0-9]{2}){1,3}$'),
    site text,
    items text[] NOT NULL,
    review boolean NOT NULL,
    from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    until_at timestamptz,
    by uuid NOT NULL,
    revoked_at timestamptz,
    CHECK (NOT review OR cardinality(items) > 0)
);
CREATE INDEX case_grant_of ON case_grant (agency) WHERE revoked_at IS NULL;

-- 材料: each content once, sealed, under an address that its keyed hash gives; what was uploaded by whom, for which case.
CREATE TABLE case_content (
    address sha256_digest PRIMARY KEY,
    media text NOT NULL CHECK (media IN ('application/pdf', 'image/jpeg', 'image/png')),
    size integer NOT NULL CHECK (size > 0),
    sealed bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE case_content ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is encrypted does not compress
CREATE TABLE case_material (
    id uuid PRIMARY KEY,
    address bytea NOT NULL REFERENCES case_content,
    actor uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    case_id uuid REFERENCES case_file,
    round smallint,
    CHECK ((case_id IS NULL) = (round IS NULL))
);
CREATE INDEX case_material_of ON case_material (case_id);
CREATE INDEX case_material_waits ON case_material (at) WHERE case_id IS NULL;
CREATE INDEX case_material_address ON case_material (address);

CREATE FUNCTION case_step_hash(s case_step) RETURNS bytea STABLE LANGUAGE sql AS $$
    SELECT sha256(s.before || convert_to(concat_ws('|', s.case_id, s.seq, s.round, s.kind, coalesce(s.level, 0), s.actor,
        coalesce(s.person::text, '-'), coalesce(s.to_actor::text, '-'), encode(s.evidence_sha256, 'hex'),
        encode(s.request_mac, 'hex'), coalesce(encode(sha256(s.note), 'hex'), '-'),
        (extract(epoch FROM s.at) * 1000000)::bigint), 'UTF8'))
$$;

-- Whether a case's chain is whole, from its first step on.
CREATE FUNCTION case_intact(p_case uuid) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT coalesce(bool_and(x.hash = case_step_hash(x.step) AND x.before = x.expected AND x.seq = x.n), false) FROM (
        SELECT s AS step, s.hash, s.before, s.seq, row_number() OVER w AS n,
               coalesce(lag(s.hash) OVER w, sha256(s.case_id::text::bytea)) AS expected
        FROM case_step s WHERE s.case_id = p_case WINDOW w AS (ORDER BY s.seq)) x
$$;

-- What a step must be, whoever inserts it: of the case's own round, a decision on the level before it, by somebody who
-- neither applied nor made the decision that is appealed against. A reviewer is known as a person; a terminal reviews
-- within a grant. Its place in the chain, its time and its person are given here.
CREATE FUNCTION case_step_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
    v_kind text;
    v_last case_step;
BEGIN
    SELECT * INTO c FROM case_file WHERE id = NEW.case_id FOR UPDATE;
    SELECT a.kind INTO v_kind FROM actor a WHERE a.id = NEW.actor AND a.revoked_at IS NULL;
    NEW.person := (SELECT p.holder FROM case_person p WHERE p.actor = NEW.actor);
    NEW.at := clock_timestamp();
    IF NEW.round <> c.round THEN
        RAISE check_violation USING CONSTRAINT = 'case_step_round', MESSAGE = 'not the round of the case';
    END IF;
    IF NEW.level IS NOT NULL THEN
        IF c.state NOT IN ('submitted', 'accepted', 'reviewed') THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_open', MESSAGE = 'no decision is due';
        ELSIF NEW.level > c.levels OR NEW.level > 1 AND NOT EXISTS (
            SELECT FROM case_step s WHERE (s.case_id, s.round, s.level) = (NEW.case_id, NEW.round, NEW.level - 1)
            AND s.kind IN ('accepted', 'approved')) THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_before', MESSAGE = 'the level before it is not passed';
        ELSIF v_kind IS NULL OR v_kind NOT IN ('operator', 'terminal') THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_decider', MESSAGE = 'nobody who decides';
        ELSIF v_kind = 'operator' AND NEW.person IS NULL THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_unnamed', MESSAGE = 'a reviewer who is no known person';
        ELSIF NEW.person IN (c.holder, c.acting) THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_own', MESSAGE = 'the applicant does not decide';
        ELSIF v_kind = 'terminal' AND NEW.level > 1 AND NOT EXISTS (
            SELECT FROM case_grant g JOIN terminal t ON t.agency = g.agency WHERE t.actor = NEW.actor AND g.review
            AND c.item = any (g.items) AND g.revoked_at IS NULL AND NEW.at >= g.from_at
            AND (g.until_at IS NULL OR NEW.at < g.until_at) AND (g.region IS NULL OR starts_with(t.region, g.region))
            AND (g.site IS NULL OR g.site = t.site)) THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_grant', MESSAGE = 'no grant to review';
        ELSIF c.appealed IS NOT NULL AND EXISTS (
            SELECT FROM case_step s WHERE s.case_id = NEW.case_id AND s.round < c.appealed
            AND s.kind IN ('approved', 'rejected') AND (s.actor = NEW.actor OR s.person = NEW.person)) THEN
            RAISE check_violation USING CONSTRAINT = 'case_step_appeal', MESSAGE = 'an appeal is for somebody else';
        END IF;
    END IF;
    SELECT * INTO v_last FROM case_step s WHERE s.case_id = NEW.case_id ORDER BY s.seq DESC LIMIT 1;
    NEW.seq := coalesce(v_last.seq, 0) + 1;
    NEW.before := coalesce(v_last.hash, sha256(NEW.case_id::text::bytea));
    NEW.hash := case_step_hash(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER case_step_check BEFORE INSERT ON case_step FOR EACH ROW EXECUTE FUNCTION case_step_check();

CREATE FUNCTION case_step_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING CONSTRAINT = 'case_step_stands', MESSAGE = 'steps are only ever added';
END $$;
CREATE TRIGGER case_step_stands BEFORE UPDATE OR DELETE ON case_step FOR EACH ROW EXECUTE FUNCTION case_step_stands();
CREATE TRIGGER case_step_remains BEFORE TRUNCATE ON case_step EXECUTE FUNCTION case_step_stands();

-- A case has passed the levels that its steps of this round say, and no other: so it is done only by its reviewers.
CREATE FUNCTION case_file_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.level <> (SELECT count(*) FROM case_step s WHERE s.case_id = NEW.id AND s.round = NEW.round
                     AND s.kind IN ('accepted', 'approved')) THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_level', MESSAGE = 'levels that nobody decided';
    ELSIF NEW.state = 'rejected' AND NOT EXISTS (SELECT FROM case_step s WHERE s.case_id = NEW.id
                     AND s.round = NEW.round AND s.kind = 'rejected') THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_rejected', MESSAGE = 'a refusal that nobody decided';
    ELSIF TG_OP = 'UPDATE' AND 
        (NEW.id, NEW.visit, NEW.item, NEW.levels, NEW.holder, NEW.card, NEW.acting, NEW.agency) IS DISTINCT FROM
        (OLD.id, OLD.visit, OLD.item, OLD.levels, OLD.holder, OLD.card, OLD.acting, OLD.agency) THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_same', MESSAGE = 'whose and what a case is does not change';
    ELSIF TG_OP = 'UPDATE' AND NEW.round <> OLD.round
          AND (NEW.round <> OLD.round + 1 OR OLD.state NOT IN ('returned', 'rejected')) THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_round', MESSAGE = 'a round follows what went back';
    ELSIF TG_OP = 'UPDATE' AND coalesce(NEW.appealed, 0) <>
          (CASE WHEN OLD.state = 'rejected' AND NEW.round > OLD.round THEN NEW.round ELSE coalesce(OLD.appealed, 0) END) THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_appeal', MESSAGE = 'after a refusal it is an appeal';
    ELSIF TG_OP = 'UPDATE' AND OLD.state IN ('done', 'withdrawn') AND NEW IS DISTINCT FROM OLD THEN
        RAISE check_violation USING CONSTRAINT = 'case_file_over', MESSAGE = 'what is over does not change';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_file_check BEFORE INSERT OR UPDATE ON case_file FOR EACH ROW EXECUTE FUNCTION case_file_check();

-- Every step stands in the audit log too, with its hash: the seal over the log is the anchor's signature over the chain.
CREATE FUNCTION case_step_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
BEGIN
    SELECT * INTO c FROM case_file WHERE id = NEW.case_id;
    INSERT INTO audit_event (kind, outcome, actor, card, item, detail)
        VALUES ('case_' || NEW.kind, 'ok', NEW.actor, c.card, c.item, jsonb_strip_nulls(jsonb_build_object(
            'case', NEW.case_id, 'seq', NEW.seq, 'round', NEW.round, 'level', NEW.level, 'to', NEW.to_actor,
            'hash', encode(NEW.hash, 'hex'))));
    RETURN NULL;
END $$;
CREATE TRIGGER case_step_told AFTER INSERT ON case_step FOR EACH ROW EXECUTE FUNCTION case_step_told();
