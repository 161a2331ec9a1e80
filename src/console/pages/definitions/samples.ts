/** Sample code that records an event of a type, for each way in. */
import { doorSamples } from './door-samples.ts';
import { curl, quoted } from './shell.ts';

/** What the samples record, and where. */
export interface Subject {
  /** Of the gateway, as this page was loaded from it. */
  readonly origin: string;
  readonly workspace: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** When the event is to have happened; also makes ids that nobody has used. */
  readonly at: Date;
}

export interface Sample {
  readonly id: string;
  readonly title: string;
  /** What there is to know beside the code. */
  readonly note: string;
  /** Null where an event of this type can't come in this way: the note says why. */
  readonly code: string | null;
}

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
