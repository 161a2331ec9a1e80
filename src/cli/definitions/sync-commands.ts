/** `sluice definitions pull`, `push` and `diff`: definitions in a folder of a repository. */
import { Command, Option } from 'commander';

const FOLDER = 'a folder with one file for each event type';

export const SYNC_COMMANDS: readonly (readonly [Command, string])[] = [
  [
    new Command('pull')
      .argument('<folder>', FOLDER)
      .description('Write the definitions of a workspace into files. Comments in YAML files stay.')
      .addOption(
        new Option('--format <format>', 'of new files').choices(['yaml', 'json']).default('yaml'),
      )
      .option('--prune', 'remove the files of event types that the workspace does not have')
      .action(async (folder, options) => (await import('./sync.ts')).pull(folder, options)),
    'sluice definitions pull events --workspace acme',
  ],
  [
    new Command('push')
      .argument('<folder>', FOLDER)
      .description('Make the definitions of a workspace what the files say.')
      .option('--dry-run', 'check the files, print what would change, and change nothing')
      .option('--prune', 'delete the definitions that have no file; those with events stay')
      .action(async (folder, options) => (await import('./sync.ts')).push(folder, options)),
    'sluice definitions push events --dry-run',
  ],
  [
    new Command('diff')
      .argument('<folder>', FOLDER)
      .description(
        'Print how the definitions of a workspace differ from the files. The exit code is 1 if they do.',
      )
      .action(async (folder, options) => (await import('./sync.ts')).diff(folder, options)),
    'sluice definitions diff events --workspace acme',
  ],
];
