import { Command } from 'commander';
import { UsageError } from './errors.ts';
import { atGateway, clientFrom } from './gateway-connection.ts';
import {
  collected,
  JSON_LINES,
  withConnection,
  withExamples,
  withWorkspace,
  type ConnectionOptions,
} from './options.ts';
import { isForPeople, write, writeLine, type OutputOptions } from './output.ts';

interface RedactOptions extends ConnectionOptions, OutputOptions {
  readonly subject?: string;
  readonly actor?: string;
  readonly eventId?: readonly string[];
  readonly yes?: boolean;
}

const COUNT = `query ($workspace: String, $filter: EventFilter) {
  events(workspace: $workspace, filter: $filter) { totalCount } }`;
const REDACT = `mutation ($input: RedactEventsInput!) {
  redactEvents(input: $input) { redactedCount } }`;

export function redactCommand(): Command {
  const command = new Command('redact')
    .description(
      'Remove the content of events for ever, for instance of all about a person. Needs ADMIN.',
    )
    .option('--subject <name>', 'events about this subject')
    .option('--actor <name>', 'events by this actor')
    .option('--event-id <id>', 'this event (repeatable)', collected)
    .option('--yes', 'do it: without this, only the number of events is printed')
    .option('--json', JSON_LINES)
    .action(redact);
  return withExamples(
    withWorkspace(withConnection(command)),
    'sluice redact --subject u-17',
    'sluice redact --subject u-17 --yes',
  );
}

async function redact(options: RedactOptions): Promise<void> {
  const { workspace, subject, actor, eventId: eventIds, yes = false } = options;
  if (subject === undefined && actor === undefined && eventIds === undefined) {
    throw new UsageError('Expected at least one of --subject, --actor and --event-id.');
  }
  const client = clientFrom(options);
  if (!yes) {
    const any = [
      subject === undefined ? null : { subjects: [subject] },
      actor === undefined ? null : { actors: [actor] },
      eventIds === undefined ? null : { eventIds },
    ];
    const filter = { or: any.filter(condition => condition !== null) };
    const { events } = await atGateway(options, () =>
      client.query<{ events: { totalCount: number } }>(COUNT, { workspace, filter }),
    );
    if (!isForPeople(options)) return writeLine({ matchingCount: events.totalCount });
    return write(`${events.totalCount} events match. Add --yes to remove their content.\n`);
  }
  const input = { workspace, subject, actor, eventIds };
  const { redactEvents } = await atGateway(options, () =>
    client.query<{ redactEvents: { redactedCount: number } }>(REDACT, { input }),
  );
  if (!isForPeople(options)) return writeLine(redactEvents);
  await write(`The content of ${redactEvents.redactedCount} events is removed.\n`);
}
