-- Banks: who they are, what they notified, what is suspended until a person decides.

CREATE TABLE bank (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{2,16}$'),
    name text NOT NULL UNIQUE CHECK (name <> ''),
    -- How the account numbers of its cards begin (发卡行标识).
    iins text[] NOT NULL CHECK (cardinality(iins) > 0),
    url text NOT NULL CHECK (url ~ '^https?://'),
    suite text NOT NULL CHECK (suite IN ('ES256', 'EdDSA')),
    public bytea NOT NULL,
    -- Our key for this bank, sealed; its public half is what the bank verifies.
    own bytea NOT NULL,
    -- pay.banks.model.Ladder, seconds.
    ladder jsonb NOT NULL,
    layout text NOT NULL CHECK (layout <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stopped_at timestamptz
);

-- When an attempt that is sent now is asked about first, if nobody hears the bank before: the row is written
-- with it, so that the resolver finds the attempt of a worker that died.
CREATE FUNCTION bank_first_check(p_bank text) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + make_interval(secs => coalesce(
        (SELECT (b.ladder ->> 'first_query')::double precision FROM bank b WHERE b.code = p_bank), 5))
$$;
