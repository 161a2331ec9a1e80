/** Sample code that records an event of a type, for each way in. */
import { doorSamples } from './door-samples.ts';
import type { Sample, Subject } from './sample.ts';
import { curl, quoted } from './shell.ts';

export function samplesOf(subject: Subject): readonly Sample[] {
  return [curlSample(subject), typescriptSample(subject), ...doorSamples(subject)];
}

const MUTATION =
  'mutation ($input: RecordEventInput!) { recordEvent(input: $input) ' +
  '{ receipt { status problems { message } } } }';

function curlSample({ origin, workspace, type, payload }: Subject): Sample {
  const body = { query: MUTATION, variables: { input: { workspace, event: { type, payload } } } };
  return {
    id: 'curl',
    title: 'curl',
    note: 'Add an "id" of your own to the event, and you may send it again whenever you are unsure.',
    code: curl(`${origin}/graphql`, { body: quoted(body) }),
  };
}

function typescriptSample({ origin, workspace, type, payload }: Subject): Sample {
  const options = { url: origin, workspace };
  return {
    id: 'typescript',
    title: 'TypeScript',
    note: 'Sends in batches, and tries again until there is an answer: stored once.',
    code: [
      "import { createClient } from '@sluice-events/sluice/client';",
      '',
      'const client = createClient({',
      ...Object.entries(options).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`),
      "  key: process.env.SLUICE_KEY ?? '',",
      '});',
      `const receipt = await client.record(${JSON.stringify({ type, payload }, null, 2)});`,
      'console.log(receipt.status, receipt.problems);',
      'await client.close();',
      '',
    ].join('\n'),
  };
}
