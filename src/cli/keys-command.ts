import { Command, Option } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { SCOPES } from '../core/principal.ts';
import { createKey, listKeys, revokeKey, rotateKey, updateKey } from './keys.ts';
import {
  collected,
  duration,
  instant,
  JSON_LINES,
  whole,
  withConnection,
  withExamples,
  withWorkspace,
} from './options.ts';

export function keysCommand(): Command {
  const keys = new Command('keys').description(
    'Make, list, change, rotate and revoke keys. Needs an ADMIN key.',
  );
  const create = withQuota(new Command('create'))
    .argument('<name>', 'its purpose, in words for people')
    .description('Make a key and print it. It is shown only once.')
    .addOption(
      new Option('--scope <scope...>', 'what it may do').choices(SCOPES).default(['EVENTS_WRITE']),
    )
    .option('--expires <instant>', 'when it ends (default: as late as allowed)', instant)
    .option(
      '--address <range>',
      'addresses that it may be used from, such as 10.0.0.0/8 (repeatable; default: any)',
      collected,
    )
    .option('--json', JSON_LINES)
    .action(createKey);
  const listing = new Command('list')
    .description('List the keys, without their secrets.')
    .option('--json', JSON_LINES)
    .action(listKeys);
  const update = withQuota(new Command('update'))
    .argument('<key>', 'its prefix, as in the list, or its id')
    .description('Change the quotas of a key. What is not given stays as it is.')
    .option('--no-events-per-day', 'any number in a day')
    .option('--no-events-per-month', 'any number in a month')
    .option('--json', JSON_LINES)
    .action(updateKey);
  const rotate = new Command('rotate')
    .argument('<key>', 'its prefix, as in the list, or its id')
    .description(
      'Replace a key: make one like it and print it. It is shown only once. The old key ends later.',
    )
    .option('--overlap <time>', 'how long the old key remains valid (default: 1h)', duration)
    .option('--json', JSON_LINES)
    .action(rotateKey);
  const revoke = new Command('revoke')
    .argument('<key>', 'its prefix, as in the list, or its id')
    .description('End a key within seconds, with the streams that it opened.')
    .option('--force', 'also the key that this command uses, or the last ADMIN key')
    .option('--json', JSON_LINES)
    .action(revokeKey);
  keys.addCommand(
    withExamples(
      withWorkspace(withConnection(create)),
      'sluice keys create "web shop" --workspace acme --scope EVENTS_WRITE EVENTS_READ',
      'export SLUICE_KEY=$(sluice keys create "this shell" --scope ADMIN | jq -r .secret)',
    ),
  );
  keys.addCommand(withExamples(withConnection(listing), 'sluice keys list'));
  keys.addCommand(
    withExamples(
      withConnection(update),
      'sluice keys update slc_4f2a --events-per-day 100000 --no-events-per-month',
    ),
  );
  keys.addCommand(
    withExamples(
      withConnection(rotate),
      'sluice keys rotate slc_4f2a --overlap 24h',
      'sluice keys rotate slc_4f2a | jq -r .secret > /run/secrets/shop-key',
    ),
  );
  keys.addCommand(withExamples(withConnection(revoke), 'sluice keys revoke slc_4f2a'));
  return keys;
}

/** Days and months are of UTC. */
function withQuota(command: Command): Command {
  const events = whole(1, LIMITS.quotaEventsMax);
  return command
    .option('--events-per-day <n>', 'how many events it may record in a day', events)
    .option('--events-per-month <n>', 'how many events it may record in a month', events);
}
