-- Whom a user's vacation has answered: once until ends_s, then the row may be removed.
CREATE TABLE answered (
	owner TEXT NOT NULL,
	sender TEXT NOT NULL,
	ends_s BIGINT NOT NULL,
	PRIMARY KEY (owner, sender)
);
CREATE INDEX answered_ends ON answered (ends_s);
