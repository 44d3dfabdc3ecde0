-- What is hidden, and what was received before: few of the many messages that may wait.
CREATE INDEX message_by_visibility ON message (queue, visible_at, group_id);
CREATE INDEX message_by_receives ON message (queue, receive_count) WHERE receive_count > 0;
