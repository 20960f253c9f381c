-- What the client that began it called itself in `X-Reoclo-Source`.
ALTER TABLE operations ADD COLUMN source TEXT;

-- Forms of pages that show something once, by their marks: each is taken once.
CREATE TABLE form_marks (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    mark TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, mark)
);
