-- Which part of all ids is whose, so that no two daemons of a fleet make the same one. A row stays
-- when its daemon leaves: it may be at work somewhere, where nobody hears of it.
CREATE TABLE robotq.fleet_numbers (
    number   integer PRIMARY KEY,
    name     text        NOT NULL,
    home     text        NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, home)
);
