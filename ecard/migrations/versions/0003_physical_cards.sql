-- Physical cards at the counter. A bridge is a registered key, as a terminal is.

ALTER TABLE actor DROP CONSTRAINT actor_kind_check;
ALTER TABLE actor ADD CHECK (kind IN ('holder', 'terminal', 'operator', 'channel', 'bridge'));
