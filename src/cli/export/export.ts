import {
  INCLUSION_PROOF_FIELDS,
  type InclusionProof,
  type SluiceClient,
} from '../../client/index.ts';
import { EVENT_FIELDS } from '../../client/subscription.ts';
import { EXIT, howToGoOn, isRefusedCursor } from '../errors.ts';
import { readCheckpoint } from '../evidence.ts';
import { atGateway, clientFrom } from '../gateway-connection.ts';
import { showProgress } from '../import/progress.ts';
import { filterOf, type ConnectionOptions, type FilterOptions } from '../options.ts';
import { tell } from '../output.ts';
import { exported, type ExportedEvent, type ReadEvent } from './exact.ts';
import { isGzip, openTarget, type Target, type TargetOptions } from './target.ts';

export interface ExportOptions extends ConnectionOptions, FilterOptions, TargetOptions {
  readonly after?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly evidence?: boolean;
}

interface ProvenEvent extends ReadEvent {
  /** Undefined where none was asked for. */
  readonly inclusionProof?: InclusionProof | null;
}

interface Page {
  readonly events: {
    readonly nodes: readonly ProvenEvent[];
    readonly totalCount?: number | null;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const PAGE = 1_000;
/** Each event then comes twice, with some 20 hashes. */
const PROVEN_PAGE = 250;
/** Of a page that is not the first: a gateway that never answered is told at once. */
const RETRY_FOR_MS = 300_000;

const QUERY = `
  query (
    $workspace: String, $filter: EventFilter, $first: Int, $after: String, $withTotal: Boolean!
    $withEvidence: Boolean!, $size: SafeInt
  ) {
    events(
      workspace: $workspace, filter: $filter, first: $first, after: $after
      order: { field: POSITION, direction: ASC }
    ) {
      totalCount @include(if: $withTotal)
      nodes {
        ${EVENT_FIELDS} properties { name type values }
        inclusionProof(size: $size) @include(if: $withEvidence) { ${INCLUSION_PROOF_FIELDS} }
      }
      pageInfo { hasNextPage endCursor }
    }
  }`;

/** Events in the order of the log, up to the newest one when the last page is read. */
export async function exportEvents(options: ExportOptions): Promise<void> {
  const client = clientFrom(options);
  const target = await openTarget(options);
  const cursor = target.after ?? options.after;
  const state: State = { events: 0, unreadable: 0, unproven: 0, total: null, cursor, size: null };
  const progress = showProgress('Exporting', () => ({
    events: state.events,
    part: state.total === null || state.total === 0 ? null : state.events / state.total,
  }));
  try {
    await atGateway(options, async () => {
      // All proofs are against one checkpoint.
      if (options.evidence === true) {
        state.size = (await readCheckpoint(client, options.workspace)).size;
      }
      await copy(client, target, options, state);
    });
  } catch (error) {
    if (state.cursor !== undefined) tell(`sluice: ${goOn(options, state.cursor, error)}`);
    throw error;
  } finally {
    progress.stop();
    await target.close();
  }
  tell(`${state.events.toLocaleString('en')} events exported.`);
  if (state.unproven > 0) {
    const unproven = state.unproven.toLocaleString('en');
    tell(`${unproven} of them have no proof: they are not in the tree of the newest checkpoint.`);
  }
  if (state.unreadable === 0) return;
  process.exitCode = EXIT.FAILED;
  const count = state.unreadable.toLocaleString('en');
  tell(`${count} of them cannot be read: "unreadable" says why.`);
}

interface State {
  events: number;
  unreadable: number;
  unproven: number;
  /** Of the tree that proofs are against; null without evidence. */
  size: number | null;
  total: number | null;
  cursor: string | undefined;
}

/** The next page is read while this one is written. */
async function copy(
  client: SluiceClient,
  target: Target,
  options: ExportOptions,
  state: State,
): Promise<void> {
  const limit = options.limit ?? Infinity;
  const { size } = state;
  const read = (after: string | undefined, taken: number) =>
    readPage(client, options, {
      after,
      first: Math.min(size === null ? PAGE : PROVEN_PAGE, limit - taken),
      isFirst: taken === 0,
      size,
    });
  let page: Promise<Page> | null = read(state.cursor, 0);
  while (page !== null) {
    const { events }: Page = await page;
    const { endCursor, hasNextPage }: Page['events']['pageInfo'] = events.pageInfo;
    const taken: number = state.events + events.nodes.length;
    state.total ??= events.totalCount ?? null;
    page = hasNextPage && taken < limit ? read(endCursor ?? undefined, taken) : null;
    // It is looked at below; until then its failure is nobody's.
    page?.catch(() => {});
    await target.write(events.nodes.map(withProof));
    state.unproven += events.nodes.filter(node => node.inclusionProof === null).length;
    state.events = taken;
    state.unreadable += events.nodes.filter(({ unreadable }) => unreadable.length > 0).length;
    state.cursor = endCursor ?? state.cursor;
  }
}

function withProof({ inclusionProof, ...event }: ProvenEvent): ExportedEvent {
  const line = exported(event);
  return inclusionProof == null ? line : { ...line, evidence: inclusionProof };
}

interface Place {
  readonly after: string | undefined;
  readonly first: number;
  readonly isFirst: boolean;
  readonly size: number | null;
}

function readPage(
  client: SluiceClient,
  options: ExportOptions,
  { after, first, isFirst, size }: Place,
): Promise<Page> {
  const { workspace, from, to } = options;
  const named = filterOf(options);
  const occurred = { occurredAt: { from, to } };
  const filter = from === undefined && to === undefined ? named : { and: [occurred, named ?? {}] };
  // How many are left after a cursor nobody counts.
  const asked = { withTotal: after === undefined, withEvidence: size !== null, size };
  const variables = { workspace, filter, first, after, ...asked };
  return client.query<Page>(QUERY, variables, { retryForMs: isFirst ? 0 : RETRY_FOR_MS });
}

function goOn({ output }: ExportOptions, cursor: string, error: unknown): string {
  // The file keeps what may be nowhere else by now.
  const where = output === undefined ? '' : ', to another file';
  if (isRefusedCursor(error)) return howToGoOn(error, ANEW, where);
  const canResume = output !== undefined && !isGzip(output);
  const how = canResume ? '--resume' : `--after ${cursor}${where}`;
  return `Interrupted. Run the command again with ${how} to continue.`;
}

const ANEW = 'run the command again without --after and --resume to start from the beginning';
