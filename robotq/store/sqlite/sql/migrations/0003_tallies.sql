-- Numbers that are kept and never counted anew. hour_ms is a full hour, or 0 for all time.
CREATE TABLE tallies (
    api     TEXT    NOT NULL,
    hour_ms INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    value   INTEGER NOT NULL,
    PRIMARY KEY (api, hour_ms, name)
) STRICT, WITHOUT ROWID;
