-- What was taught, by whom. The key is the order of a rebuild: the same on every host.
CREATE TABLE lesson (
	digest BYTEA NOT NULL,
	teacher TEXT NOT NULL,
	is_spam BIGINT NOT NULL,
	taught_s BIGINT NOT NULL,
	expires_s BIGINT NOT NULL,
	features BYTEA NOT NULL,
	PRIMARY KEY (digest, teacher)
);
CREATE INDEX lesson_expires ON lesson (expires_s);
