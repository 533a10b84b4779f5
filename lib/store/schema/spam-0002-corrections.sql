-- What a user ("local@domain") or a domain ("@domain") changes in the model: made from lessons, so
-- it may be lost and made again.
CREATE TABLE correction (
	owner TEXT NOT NULL PRIMARY KEY,
	made_s BIGINT NOT NULL,
	changes BYTEA NOT NULL
);
-- The lessons of one teacher, for his correction.
CREATE INDEX lesson_teacher ON lesson (teacher, taught_s);
