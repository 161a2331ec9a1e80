/**
 * Global ids (https://relay.dev/graphql/objectidentification.htm): a type and what finds its
 * object again. Opaque to clients. An event's id carries when it was recorded, which bounds the
 * partitions that a look-up reads.
 */
import { GatewayError } from '../core/errors.ts';

type Rule = (part: string) => boolean;

const isToken: Rule = part => /^[\w-]+$/.test(part);
const isUuid: Rule = part =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(part);
/** Of a table whose ids are 32-bit integers. */
const isKey: Rule = part => /^[1-9]\d{0,9}$/.test(part) && Number(part) <= 2_147_483_647;
const isPosition: Rule = part => /^[1-9]\d{0,14}$/.test(part);
const isInstantMs: Rule = part => /^\d{1,15}$/.test(part);

/** What the parts of each type's id look like. */
const PARTS = {
  Workspace: [isKey],
  ApiKey: [isKey],
  /** Workspace, position, recordedAt. */
  Event: [isKey, isPosition, isInstantMs],
  /** Workspace, id. */
  EventDefinition: [isKey, isKey],
  /** Workspace, id. */
  QuarantinedEvent: [isKey, isUuid],
  /** Workspace, id. */
  Consumer: [isKey, isKey],
  /** Workspace, consumer, position. */
  ParkedDelivery: [isKey, isKey, isPosition],
  /** Workspace, consumer. */
  NotificationRule: [isKey, isKey],
  /** Workspace, id. */
  Meter: [isKey, isKey],
  EventAggregate: [isToken],
} as const satisfies Record<string, readonly Rule[]>;
export type NodeType = keyof typeof PARTS;

export interface GlobalId {
  readonly type: NodeType;
  readonly parts: readonly string[];
}

const ID_CHARS_MAX = 500;

export function encodeId(type: NodeType, ...parts: readonly (number | string)[]): string {
  return Buffer.from(`${type}:${parts.join(':')}`).toString('base64url');
}

/** @throws GatewayError BAD_USER_INPUT where this API can't have given the id out. */
export function decodeId(id: string): GlobalId {
  const [type = '', ...parts] = decodedText(id).split(':');
  if (isNodeType(type) && followsRules(parts, PARTS[type])) return { type, parts };
  throw new GatewayError(
    'BAD_USER_INPUT',
    'Expects an id from a field "id" of this API, but got another text.',
  );
}

/**
 * The parts of an id of this type.
 * @throws GatewayError BAD_USER_INPUT for an id of another type.
 */
export function decodeIdOf(type: NodeType, id: string): readonly string[] {
  const decoded = decodeId(id);
  if (decoded.type === type) return decoded.parts;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `Expects the id of a type ${type}, but got one of ${decoded.type}.`,
  );
}

function decodedText(id: string): string {
  if (id.length > ID_CHARS_MAX || !isToken(id)) return '';
  return Buffer.from(id, 'base64url').toString('utf8');
}

function isNodeType(text: string): text is NodeType {
  return Object.hasOwn(PARTS, text);
}

function followsRules(parts: readonly string[], rules: readonly Rule[]): boolean {
  return parts.length === rules.length && rules.every((fits, at) => fits(parts[at] ?? ''));
}

const typeOfNode = new WeakMap<object, NodeType>();

/** Notes which type an object is of, for those that leave through the interface Node. */
export function markNode<T extends object>(type: NodeType, node: T | null): T | null {
  if (node !== null) typeOfNode.set(node, type);
  return node;
}

export function nodeTypeOf(node: object): NodeType | undefined {
  return typeOfNode.get(node);
}
