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

-- The days for which the people of a programme are due an allowance in a month of Beijing: those that they attended of
-- trainings whose completion passed in it. Uses that the holder disputed are none.
CREATE FUNCTION allowance_days(p_programme uuid, p_month date) RETURNS TABLE (holder uuid, days integer)
LANGUAGE sql STABLE AS $$
    SELECT v.holder, sum(d.days)::integer
    FROM completion c JOIN voucher v ON v.id = c.voucher CROSS JOIN LATERAL (
        SELECT count(DISTINCT (a.seen_at AT TIME ZONE 'Asia/Shanghai')::date) AS days
        FROM attendance a JOIN visit i ON i.id = a.visit
        WHERE a.voucher = v.id AND a.class = c.class AND a.state = 'counted' AND i.disputed_at IS NULL) d
    WHERE v.programme = p_programme AND c.state = 'passed' AND v.state IN ('audited', 'redeemed', 'settled')
        AND c.decided_at >= p_month::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND c.decided_at < (p_month + interval '1 month')::timestamp AT TIME ZONE 'Asia/Shanghai' AND d.days > 0
    GROUP BY v.holder ORDER BY v.holder
$$;
