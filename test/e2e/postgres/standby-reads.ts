/** What tests of reads from a standby ask, and of whom. */
import { ADMIN_KEY, type TestGateway } from '../../kit/gateway.ts';

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { status position cursor } } }`;
export const PAGE = `query ($first: Int = 10, $after: String, $atLeast: String) {
  events(first: $first, after: $after, atLeast: $atLeast, order: { direction: ASC }) {
    nodes { position subject payload } pageInfo { hasNextPage endCursor } totalCount liveCursor } }`;
export const POSITIONS = `query ($first: Int = 10, $after: String, $atLeast: String) {
  events(first: $first, after: $after, atLeast: $atLeast, order: { direction: ASC }) {
    nodes { position } pageInfo { hasNextPage endCursor } } }`;
export const COUNT = `query ($atLeast: String) { eventAggregates(
  input: { timeframe: { last: "PT1H" } }, atLeast: $atLeast) { nodes { count } asOf } }`;
export const REDACT = `mutation ($slug: String!, $subject: String!) {
  redactEvents(input: { workspace: $slug, subject: $subject }) { redactedCount } }`;

interface Receipts {
  readonly recordEvents: { readonly receipts: { position: number; cursor: string }[] };
}
export interface Page {
  readonly events: {
    readonly nodes: { position: number; subject: string; payload: object }[];
    readonly pageInfo: { hasNextPage: boolean; endCursor: string };
    readonly totalCount: number;
  };
}
export interface Count {
  readonly eventAggregates: { readonly nodes: { count: number }[] };
}

export const events = (count: number, subject = 'ada') =>
  Array.from({ length: count }, (_, n) => ({ type: 'test.step', subject, payload: { n } }));

export async function record(at: TestGateway, key: string, given: object[]) {
  const { recordEvents } = await at.data<Receipts>(RECORD, { events: given }, key);
  return recordEvents.receipts;
}

/** Questions since the start of a gateway: answered by the standby, or by the primary and why. */
export async function answeredAt({
  url,
}: {
  readonly url: string;
}): Promise<Record<string, number>> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const found = text.matchAll(/^sluice_offloaded_reads_total\{at="(\w+)"\} (\d+)/gm);
  return Object.fromEntries(Array.from(found, ([, at = '', count]) => [at, Number(count)]));
}
