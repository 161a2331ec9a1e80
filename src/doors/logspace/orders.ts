/**
 * Orders: which agents of a controller run, and when. An unmodified Java agent sends nothing
 * before it has one. What the operator sets counts; else every agent that the controller has
 * named is let run, and to a controller nothing is known of go the vendor's own agents.
 */
import type { AgentOrder, OrderSetting } from '../../core/agent-order.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { capabilitiesOf, type AgentCapabilities, type Capabilities } from './capabilities.ts';
import { hqError } from './errors.ts';

/** Each minute, in the words of Quartz. */
const EVERY_MINUTE = '0 * * * * ?';
const STOCK: readonly AgentOrder[] = ['os/cpu', 'os/memory', 'os/disk', 'os/system'].map(scheduled);

/** Longer than this no event waits for its batch. */
const COMMIT_MAX_S = 60;

export interface Orders {
  readonly setting: OrderSetting | null;
  /** When the setting, or the lack of one, came into force. */
  readonly since: Date;
}

export async function getOrder(
  request: DoorRequest,
  context: DoorContext,
  orders: Orders,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const controllerId = request.params['controllerId'] ?? '';
  const seen = readHttpDate(request.headers['if-modified-since']);
  const order = await orderOf(orders, workspace.id, controllerId, capabilitiesOf(context));
  if (order === null) throw notFound(controllerId);
  const { agents, changedMs } = order;
  // Whoever has an order, from another server or a note that went, keeps it.
  const isNews = seen === null || (changedMs !== null && changedMs > seen);
  const lastModified = new Date(changedMs ?? orders.since.getTime()).toUTCString();
  if (!isNews) return { status: 304, headers: { 'last-modified': lastModified } };
  const body = { 'agent-orders': agents.map(inOrder), 'commit-max-seconds': COMMIT_MAX_S };
  return json(200, body, { 'last-modified': lastModified });
}

interface Order {
  readonly agents: readonly AgentOrder[];
  /** Null: the vendor's own agents, for want of anything better. */
  readonly changedMs: number | null;
}

async function orderOf(
  { setting: set, since }: Orders,
  workspaceId: number,
  id: string,
  capabilities: Capabilities,
): Promise<Order | null> {
  const changedMs = Math.floor(since.getTime() / 1_000) * 1_000;
  if (Array.isArray(set)) return { agents: set as AgentOrder[], changedMs };
  if (set !== null) {
    const byId = set as Readonly<Record<string, AgentOrder[]>>;
    const agents = Object.hasOwn(byId, id) ? byId[id] : byId['*'];
    return agents === undefined ? null : { agents, changedMs };
  }
  const controller = await capabilities.get(workspaceId, id);
  if (controller === null) return { agents: STOCK, changedMs: null };
  return { agents: controller.value.agents.map(letRun), changedMs: controller.changedAt.getTime() };
}

/** An agent that knows no schedule runs when its application says so. */
function letRun({ id, 'trigger-types': types }: AgentCapabilities): AgentOrder {
  const known = types?.map(type => type.toLowerCase()) ?? ['scheduler'];
  if (known.includes('scheduler')) return scheduled(id);
  return { id, 'trigger-type': known.includes('application') ? 'application' : 'off' };
}

function scheduled(id: string): AgentOrder {
  return { id, 'trigger-type': 'scheduler', 'trigger-parameter': EVERY_MINUTE };
}

/** The client reads keys in this order and no other. */
function inOrder(order: AgentOrder): AgentOrder {
  const parameter = order['trigger-parameter'];
  return {
    id: order.id,
    'trigger-type': order['trigger-type'],
    ...(parameter == null ? {} : { 'trigger-parameter': parameter }),
  };
}

function readHttpDate(text: string | undefined): number | null {
  const time = text === undefined || text.trim() === '' ? NaN : Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

function notFound(id: string) {
  const shown = id.slice(0, 100).toWellFormed();
  const message = `There is no order for controller with ID '${shown}'.`;
  return hqError('NOT_FOUND', 'ORDER_NOT_FOUND', message, { 'controller-id': shown });
}
