// A table: every kind of sink. A new one is a file under kinds/ and a line here.
import type { SinkKind } from './contract.ts';
import { bigquery } from './kinds/bigquery.ts';
import { clickhouse } from './kinds/clickhouse.ts';
import { discord } from './kinds/discord.ts';
import { email } from './kinds/email.ts';
import { eventbridge } from './kinds/eventbridge.ts';
import { http } from './kinds/http.ts';
import { kafka } from './kinds/kafka.ts';
import { kinesis } from './kinds/kinesis.ts';
import { mqtt } from './kinds/mqtt.ts';
import { mysql } from './kinds/mysql.ts';
import { nats } from './kinds/nats.ts';
import { opsgenie } from './kinds/opsgenie.ts';
import { pagerduty } from './kinds/pagerduty.ts';
import { postgres } from './kinds/postgres.ts';
import { pubsub } from './kinds/pubsub.ts';
import { rabbitmq } from './kinds/rabbitmq.ts';
import { redis } from './kinds/redis.ts';
import { redshift } from './kinds/redshift.ts';
import { s3 } from './kinds/s3.ts';
import { slack } from './kinds/slack.ts';
import { snowflake } from './kinds/snowflake.ts';
import { sns } from './kinds/sns.ts';
import { sqs } from './kinds/sqs.ts';
import { teams } from './kinds/teams.ts';

export const SINK_KINDS: readonly SinkKind[] = [
  http,
  kafka,
  nats,
  rabbitmq,
  redis,
  mqtt,
  sqs,
  sns,
  kinesis,
  eventbridge,
  pubsub,
  s3,
  postgres,
  mysql,
  clickhouse,
  bigquery,
  redshift,
  snowflake,
  email,
  slack,
  teams,
  discord,
  pagerduty,
  opsgenie,
];

export function findSinkKind(kind: string): SinkKind | null {
  return SINK_KINDS.find((one) => one.kind === kind) ?? null;
}
