-- 个人基本信息变更 (A1-93, A3-25): what was changed, and the proof of what stood there before and after.

-- `before` and `after` are hashes over the profile with a salt of this change, which its holder alone is shown: nobody
-- finds a mobile number in them by trying all. `proof` is the signed token that says them.
CREATE TABLE profile_change (
    id uuid PRIMARY KEY,
    holder uuid NOT NULL REFERENCES holder,
    case_id uuid UNIQUE,
    visit uuid NOT NULL REFERENCES visit,
    fields text[] NOT NULL CHECK (cardinality(fields) > 0),
    before bytea NOT NULL CHECK (length(before) = 32),
    after bytea NOT NULL CHECK (length(after) = 32),
    salt bytea NOT NULL,
    proof text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (before <> after)
);
CREATE INDEX profile_change_of ON profile_change (holder, at);
CREATE TRIGGER profile_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON profile_change
    EXECUTE FUNCTION append_only();
