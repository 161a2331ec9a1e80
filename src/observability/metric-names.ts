/** Name and meaning of each metric of ours; beside them stand those of the Node process. */
export const METRICS = {
  sluice_build_info: '1, with the version of the gateway as a label.',
  sluice_receipts_total: 'Receipts, by status and door.',
  sluice_flush_events: 'Events in a flush.',
  sluice_flush_seconds: 'Duration of a flush until its commit.',
  sluice_http_requests_total: 'Answered HTTP requests, by route and status class.',
  sluice_http_request_seconds: 'Time until an answer was sent, by route, without streams.',
  sluice_requests_in_work: 'Requests in work: accepted, and not answered yet.',
  sluice_requests_waiting: 'Requests that wait to be taken into work.',
  sluice_requests_refused_total:
    'Requests and operations refused because of overload, a rate limit or the quota of a key, by code: OVERLOADED, RATE_LIMITED or QUOTA_EXCEEDED.',
  sluice_http_connections: 'Open HTTP connections, including WebSockets.',
  sluice_database_connections: 'Open or opening connections to Postgres, by lane.',
  sluice_database_waiting: 'Statements that wait for a connection, by lane.',
  sluice_statement_seconds:
    'Duration of a statement, including its wait for a connection, by lane.',
  sluice_offloaded_reads_total:
    'Questions that a standby may answer, by where they were answered: STANDBY, or at the primary because the standby was BEHIND, AWAY, BUSY or SLOW, CANCELED the statement, or failed (FAULT).',
  sluice_aggregate_seconds:
    'Duration of an aggregate query, by source: ROLLUP, METER, EVENTS or MIXED.',
  sluice_waiting_events: 'Events that wait or are being flushed.',
  sluice_streams_open: 'Open streams.',
  sluice_streams_catching_up: 'Open streams that are reading from the log.',
  sluice_stream_lag_events: 'How many events the slowest stream is behind.',
  sluice_stream_lag_seconds:
    'Age of the oldest event that the slowest stream has not delivered yet.',
  sluice_tail_lag_events:
    'Events that the tail has not read yet, of the workspace furthest behind.',
  sluice_tail_reads_total: 'Reads of the log for new events of watched workspaces.',
  sluice_events_carried_total:
    'New events of watched workspaces that the recording gateway sent, so that no read was needed.',
  sluice_stream_deliveries_total: 'Deliveries to streams.',
  sluice_stream_executions_total: 'Executions for these deliveries. Identical streams share them.',
  sluice_stream_catch_ups_total:
    'How often a stream read from the log, at its start or because it fell behind.',
  sluice_consumer_deliveries_total:
    'Deliveries to workers of consumers, by this process and by kind.',
  sluice_consumer_acknowledged_total:
    'Deliveries that workers acknowledged, at this process, by kind.',
  sluice_consumer_lag_events:
    'Positions between what is settled and the newest event, of the active consumer furthest behind, by kind.',
  sluice_consumers_paused: 'Paused consumers, by kind.',
  sluice_deliveries_in_flight: 'Deliveries that workers have, of all consumers, by kind.',
  sluice_deliveries_waiting:
    'Deliveries that wait for a retry or for an earlier one of their order, of all consumers, by kind.',
  sluice_deliveries_parked: 'Parked deliveries of all consumers, by kind.',
  sluice_webhook_attempts_total:
    'Requests that webhooks made, by this process and by outcome: the class of the status, or NONE without an answer.',
  sluice_webhook_seconds:
    'Time until a receiver of a webhook answered, or the request was given up.',
  sluice_notifications_sent_total:
    'Notifications that this process tried to send, by channel and by outcome: SENT or FAILED.',
  sluice_notification_seconds:
    'Time until a push service, a chat or a mail server took a notification, or the attempt was given up, by channel.',
  sluice_events_removed_total: 'Events that retention removed, in this process.',
  sluice_events_emptied_total:
    'Events whose content this process removed, by reason: expired or redacted.',
  sluice_partitions_removed_total: 'Partitions that this process detached and dropped as a whole.',
  sluice_oldest_event_age_seconds: 'Time since the oldest kept event was recorded.',
  sluice_retention_lag_seconds: 'How long the next event for retention has been overdue.',
  sluice_expiry_lag_seconds: 'How long the next expired event has been overdue.',
  sluice_oldest_snapshot_age_seconds:
    'Age of the oldest open snapshot of the database. Until it ends, removed rows keep their space.',
  sluice_fold_lag_events:
    'Events that are not in the rollups yet, of the workspace furthest behind.',
  sluice_fold_lag_seconds: 'How long the oldest event that is not in the rollups has waited.',
  sluice_evidence_lag_events:
    'Events that are not in the Merkle tree of their workspace yet, of the workspace furthest behind.',
  sluice_quarantined_events:
    'Events in quarantine, of all workspaces. At most 100,000 are counted.',
  sluice_upkeep_faults:
    'Workspaces that upkeep skips because a step fails, by step: FOLD, DAYS, FILL, DROP, EVIDENCE, SEARCH, EXPIRY or RETENTION.',
  sluice_meters_failing:
    'Meters that could not be updated. They are tried again. Until then, questions are answered from events.',
  sluice_measures_set_aside:
    'Measures that are counted from events, because one of their numbers is too long for rollups.',
} as const;
export type MetricName = keyof typeof METRICS;
