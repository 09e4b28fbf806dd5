-- 就业创业证 (A1-04): certificates on record. `content` is sealed; the youngest of a holder's is in force.
CREATE TABLE employment_certificate (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    visit uuid NOT NULL UNIQUE REFERENCES visit,
    agency uuid NOT NULL REFERENCES agency,
    content bytea NOT NULL,
    on_card boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX employment_certificate_of ON employment_certificate (holder, at);
