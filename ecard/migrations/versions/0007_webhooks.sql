-- 通知. Where a merchant is notified. A secret is sealed; while it is being replaced, both sign.
CREATE TABLE webhook_endpoint (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES agency,
    url text NOT NULL,
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    failing_since timestamptz,
    last_failure text,
    disabled_at timestamptz,
    why text CHECK (why IN ('owner', 'failing', 'gone')),
    CHECK ((disabled_at IS NULL) = (why IS NULL))
);
CREATE INDEX webhook_endpoint_merchant ON webhook_endpoint (merchant);

-- What happened to a merchant's orders, kept to be sent again or asked for; `n` is the outbox's own.
CREATE TABLE webhook_event (
    id uuid PRIMARY KEY,
    n bigint NOT NULL,
    merchant uuid NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX webhook_event_merchant ON webhook_event (merchant, n);
CREATE INDEX webhook_event_at ON webhook_event USING brin (at);

-- A booking writes one row of topic "webhook"; each endpoint of its merchant then gets a message of its own, so that
-- each fails, waits and is given up by itself.
CREATE FUNCTION webhook_fan_out(p_most integer) RETURNS bigint LANGUAGE sql AS $$
    WITH due AS (
        SELECT id, n, body, due_at FROM outbox
        WHERE topic = 'webhook' AND done_at IS NULL AND given_up_at IS NULL AND due_at <= clock_timestamp()
        ORDER BY due_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ), event AS (
        INSERT INTO webhook_event (id, n, merchant, kind, at, data)
        SELECT id, n, (body ->> 'merchant')::uuid, body ->> 'event', due_at, body - 'merchant' - 'event' FROM due
        RETURNING id, merchant
    ), message AS (
        INSERT INTO outbox (id, topic, body)
        SELECT gen_random_uuid(), 'webhook_delivery', jsonb_build_object('endpoint', p.id, 'event', e.id)
        FROM event e JOIN webhook_endpoint p ON p.merchant = e.merchant AND p.disabled_at IS NULL
    ), handed AS (
        UPDATE outbox o SET done_at = now() FROM due d WHERE o.id = d.id RETURNING o.id
    )
    SELECT count(*) FROM handed
$$;

-- An endpoint did not take a message. After days of it (or told "gone") it is disabled, once, and its merchant's other
-- endpoints are told; true for the failure that did so.
CREATE FUNCTION webhook_failed(p_endpoint uuid, p_how text, p_patience interval) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_ended record;
BEGIN
    UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, now()), last_failure = p_how,
        disabled_at = CASE WHEN p_how = 'gone' OR failing_since < now() - p_patience THEN now() END,
        why = CASE WHEN p_how = 'gone' THEN 'gone' WHEN failing_since < now() - p_patience THEN 'failing' END
        WHERE id = p_endpoint AND disabled_at IS NULL RETURNING * INTO v_ended;
    IF v_ended.disabled_at IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO outbox (id, topic, body) VALUES (gen_random_uuid(), 'webhook', jsonb_build_object(
        'merchant', v_ended.merchant, 'event', 'endpoint.disabled', 'endpoint', p_endpoint, 'why', v_ended.why));
    INSERT INTO audit_event (kind, outcome, detail) VALUES ('webhook_disabled', v_ended.why, jsonb_build_object(
        'endpoint', p_endpoint, 'merchant', v_ended.merchant));
    RETURN true;
END $$;
