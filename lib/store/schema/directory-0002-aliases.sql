-- Addresses that stand for others; local empty: whatever of the domain nobody has (catch-all).
CREATE TABLE alias (
	domain TEXT NOT NULL REFERENCES domain (name),
	local TEXT NOT NULL,
	disabled BIGINT NOT NULL,
	created_s BIGINT NOT NULL,
	PRIMARY KEY (domain, local)
);
-- target is as it was written, but for its domain; to_domain and to_local are how it would be kept as an address
-- of ours, by which it is found. An alias without targets goes.
CREATE TABLE alias_target (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	target TEXT NOT NULL,
	to_domain TEXT NOT NULL,
	to_local TEXT NOT NULL,
	PRIMARY KEY (domain, local, to_domain, to_local),
	FOREIGN KEY (domain, local) REFERENCES alias (domain, local) ON DELETE CASCADE
);
CREATE INDEX alias_target_to ON alias_target (to_domain, to_local);
