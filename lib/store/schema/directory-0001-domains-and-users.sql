-- Domains, their users, and settings of either. Names are as mr_name.h spells them.
CREATE TABLE domain (
	name TEXT NOT NULL PRIMARY KEY
);
CREATE TABLE mail_user (
	id TEXT NOT NULL PRIMARY KEY,
	domain TEXT NOT NULL REFERENCES domain (name),
	local TEXT NOT NULL,
	disabled BIGINT NOT NULL,
	created_s BIGINT NOT NULL,
	UNIQUE (domain, local)
);
-- local and domain empty: of all users; local empty: of a domain.
CREATE TABLE setting (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (domain, local, name)
);
