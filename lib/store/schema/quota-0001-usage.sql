-- What each mailbox holds, as it was reported last. A domain's usage is the sum of its rows, and is
-- kept nowhere else: so deliveries to two users of one domain never write the same row.
CREATE TABLE mailbox_usage (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	octets BIGINT NOT NULL,
	messages BIGINT NOT NULL,
	version BIGINT NOT NULL, -- reports so far: what was counted before the last one is old
	settled BIGINT NOT NULL, -- 1: counted since the last report
	file BIGINT NOT NULL, -- the maildirsize (its inode) that was compared with the messages; 0: none
	PRIMARY KEY (domain, local)
);
CREATE INDEX mailbox_usage_settled ON mailbox_usage (settled, domain, local);
-- Who is over his quota, and of what he was warned; local empty: a domain, over its shared quota.
CREATE TABLE over_quota (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	since_s BIGINT NOT NULL, -- 0: is not over
	warned BIGINT NOT NULL, -- per cent of the last warning; 0: none
	PRIMARY KEY (domain, local)
);
