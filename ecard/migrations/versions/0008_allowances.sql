-- 生活费、交通费补贴 (A1-77): what a day of training is worth to a learner, and through which benefit programme and by
-- which agency it is paid. `most_days` of a person's days in a period count.
CREATE TABLE allowance_terms (
    programme uuid PRIMARY KEY REFERENCES voucher_programme,
    benefit uuid NOT NULL,
    agency uuid NOT NULL REFERENCES agency,
    living bigint NOT NULL CHECK (living BETWEEN 0 AND 1000000),
    travel bigint NOT NULL CHECK (travel BETWEEN 0 AND 1000000),
    most_days smallint NOT NULL CHECK (most_days BETWEEN 1 AND 366),
    set_by uuid NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (living + travel > 0)
);

-- The days on which the people of a programme attended trainings that passed in a span of time. Uses that the holder
-- disputed are none.
CREATE FUNCTION trained_days(p_programme uuid, p_since timestamptz, p_until timestamptz, p_holder uuid DEFAULT NULL)
RETURNS TABLE (holder uuid, day date) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT v.holder, (a.seen_at AT TIME ZONE 'Asia/Shanghai')::date
    FROM voucher v JOIN completion c ON c.voucher = v.id JOIN attendance a ON a.voucher = v.id AND a.class = c.class
        JOIN visit i ON i.id = a.visit
    WHERE v.programme = p_programme AND (p_holder IS NULL OR v.holder = p_holder) AND c.state = 'passed'
        AND v.state IN ('audited', 'redeemed', 'settled') AND c.decided_at >= p_since AND c.decided_at < p_until
        AND a.state = 'counted' AND i.disputed_at IS NULL
$$;

-- How many days the people of a programme are due an allowance for in a month of Beijing: those of trainings whose
-- completion passed in it, each day once, whatever was attended on it, and none that an earlier month has paid for.
CREATE FUNCTION allowance_days(p_programme uuid, p_month date) RETURNS TABLE (holder uuid, days integer)
LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT p_month::timestamp AT TIME ZONE 'Asia/Shanghai' AS begun,
               (p_month + interval '1 month')::timestamp AT TIME ZONE 'Asia/Shanghai' AS ended)
    SELECT d.holder, count(*)::integer FROM span, trained_days(p_programme, begun, ended) d
    WHERE NOT EXISTS (SELECT FROM trained_days(p_programme, '-infinity', begun, d.holder) e WHERE e.day = d.day)
    GROUP BY d.holder ORDER BY d.holder
$$;
