-- What was sent, by whom: an account ("local@domain") or all of a domain ("@domain"). A window (span 0
-- burst, 1 hour, 2 day) is cut into slots; a slot counts until ends_s, and may be removed then.
CREATE TABLE sent (
	owner TEXT NOT NULL,
	span BIGINT NOT NULL,
	slot_s BIGINT NOT NULL,
	ends_s BIGINT NOT NULL,
	messages BIGINT NOT NULL,
	recipients BIGINT NOT NULL,
	PRIMARY KEY (owner, span, slot_s)
);
CREATE INDEX sent_ends ON sent (ends_s);
-- When the administrator was told that an owner is over its limit.
CREATE TABLE notice (
	owner TEXT NOT NULL PRIMARY KEY,
	told_s BIGINT NOT NULL
);
