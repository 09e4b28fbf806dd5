-- Annex 3's acts at a bank's counter: the state of a card's bank account, passwords kept beside it, new cards.

-- 金融账户. A card without a row has its account as its bank opened it. While one is lost or closed nothing is paid by the
-- e-card: its level falls to 1, and comes back with the account (`paid_before`).
CREATE TABLE card_account (
    card integer PRIMARY KEY REFERENCES card,
    state text NOT NULL CHECK (state IN ('opened', 'active', 'lost', 'closed')),
    paid_before boolean NOT NULL DEFAULT false,
    password text,
    service_password text,
    book integer NOT NULL DEFAULT 0 CHECK (book >= 0),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Move a card's account, if it is in one of the states named; the state that it has then, and whether it was moved.
-- The caller holds the card's row.
CREATE FUNCTION account_move(p_card integer, p_from text[], p_to text, OUT moved boolean, OUT now_state text)
LANGUAGE plpgsql AS $$
DECLARE
    v_level smallint;
BEGIN
    INSERT INTO card_account (card, state) VALUES (p_card, 'opened') ON CONFLICT DO NOTHING;
    SELECT level INTO v_level FROM card WHERE seq = p_card FOR UPDATE;
    UPDATE card_account a SET state = p_to, changed_at = now(),
        paid_before = CASE WHEN p_to IN ('lost', 'closed') THEN a.paid_before OR v_level = 2 ELSE false END
        WHERE a.card = p_card AND a.state = any (p_from) RETURNING a.state INTO now_state;
    moved := FOUND;
    IF NOT moved THEN
        SELECT a.state INTO now_state FROM card_account a WHERE a.card = p_card;
    ELSIF p_to IN ('lost', 'closed') THEN
        UPDATE card SET level = 1, changed_at = now() WHERE seq = p_card AND level = 2;
    END IF;
END $$;

-- An account that was lost is found: what the e-card paid with before, it pays with again. False when it was not lost.
CREATE FUNCTION account_find(p_card integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_paid boolean;
BEGIN
    SELECT paid_before INTO v_paid FROM card_account WHERE card = p_card AND state = 'lost' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE card_account SET state = 'active', paid_before = false, changed_at = now() WHERE card = p_card;
    UPDATE card SET level = 2, changed_at = now() WHERE seq = p_card AND level = 1 AND v_paid;
    RETURN true;
END $$;

-- Level 2 is opened on no account that is lost or closed, whoever opens it.
CREATE FUNCTION card_level_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM card_account a WHERE a.card = NEW.seq AND a.state IN ('lost', 'closed')) THEN
        RAISE check_violation USING CONSTRAINT = 'card_level_account', MESSAGE = 'the bank account is lost or closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_level_check BEFORE UPDATE OF level ON card
    FOR EACH ROW WHEN (NEW.level = 2 AND OLD.level < 2) EXECUTE FUNCTION card_level_check();

-- 制卡: a new physical card for a holder who has one, from its order to the day that it takes the old one's place.
CREATE TABLE card_order (
    id uuid PRIMARY KEY,
    card integer NOT NULL REFERENCES card,
    case_id uuid NOT NULL REFERENCES case_file,
    state text NOT NULL DEFAULT 'ordered' CHECK (state IN ('ordered', 'made', 'enabled')),
    numbers bytea,
    ordered_at timestamptz NOT NULL DEFAULT now(),
    made_at timestamptz,
    enabled_at timestamptz,
    CHECK ((state = 'made') = (numbers IS NOT NULL))
);
CREATE UNIQUE INDEX card_order_one ON card_order (card) WHERE state <> 'enabled';
CREATE INDEX card_order_case ON card_order (case_id);
