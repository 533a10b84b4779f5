-- Friends and blocked senders of a user, or of a domain (local empty). entry is as mr_sender.h spells
-- it; action: 1 friend; 2 folder, 3 reject, 4 drop. The key finds each of the few entries that name one
-- sender, so no list is ever walked for a message.
CREATE TABLE sender (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	entry TEXT NOT NULL,
	action BIGINT NOT NULL,
	made_s BIGINT NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (domain, local, entry)
);
