-- Look-ups and the documents printed of them. What was shown is sealed and soon forgotten; that it was shown stays.
ALTER TABLE signing_key DROP CONSTRAINT signing_key_purpose_check;
ALTER TABLE signing_key
    ADD CHECK (purpose IN ('code', 'assertion', 'anchor', 'token', 'credential', 'document', 'document_ca'));

-- What a flow showed of its holder in a visit, for the holder's list of uses: titles, no content.
CREATE TABLE visit_shown (
    visit uuid PRIMARY KEY REFERENCES visit,
    shown text[] NOT NULL
);

-- One look-up a visit; one whose answer had gaps is asked again, a few times.
CREATE TABLE record_lookup (
    visit uuid PRIMARY KEY REFERENCES visit,
    item text NOT NULL,
    actor uuid NOT NULL,
    asked smallint NOT NULL DEFAULT 1 CHECK (asked BETWEEN 1 AND 5),
    complete boolean NOT NULL,
    content bytea,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX record_lookup_kept ON record_lookup (at) WHERE content IS NOT NULL;

-- The bureau's certificates (X.509) for the keys that sign documents; made once, so that they are the same everywhere.
-- A root is its own issuer; a key that outlives its root gets one of the next.
CREATE TABLE document_certificate (
    kid text NOT NULL REFERENCES signing_key,
    issuer text NOT NULL REFERENCES signing_key,
    certificate bytea NOT NULL,
    PRIMARY KEY (kid, issuer)
);

-- A document: number, digest and signer for ever, its bytes (sealed) as long as they are kept.
CREATE TABLE record_document (
    id uuid PRIMARY KEY,
    visit uuid NOT NULL UNIQUE REFERENCES record_lookup,
    holder uuid NOT NULL REFERENCES holder,
    item text NOT NULL,
    title text NOT NULL,
    complete boolean NOT NULL,
    pages smallint NOT NULL CHECK (pages > 0),
    size integer NOT NULL CHECK (size > 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    kid text NOT NULL REFERENCES signing_key,
    content bytea,
    issued_at timestamptz NOT NULL
);
CREATE INDEX record_document_of ON record_document (holder, issued_at);
CREATE INDEX record_document_kept ON record_document (issued_at) WHERE content IS NOT NULL;
