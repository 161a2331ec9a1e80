import {
  getOperationAST,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { GatewayError } from '../core/errors.ts';
import type { ServerSettings } from '../http/settings.ts';

export type QueryLimits = Pick<
  ServerSettings,
  'queryDepthMax' | 'aliasesMax' | 'directivesMax' | 'rootFieldsMax' | 'fieldsMax'
>;

/** What executing a selection set can come to: fragments are counted wherever they are spread. */
interface Extent {
  readonly depth: number;
  readonly fields: number;
}

const NOTHING: Extent = { depth: 0, fields: 0 };

/**
 * The first bound that a document breaks, or undefined. Needs no schema, so that a hostile
 * document is turned away before the rules of validation, some of which compare every field with
 * every other.
 */
export function exceededLimit(doc: DocumentNode, limits: QueryLimits): GatewayError | undefined {
  const { aliases, directives } = countMarks(doc);
  if (aliases > limits.aliasesMax) {
    return new GatewayError('TOO_MANY_ALIASES', most(limits.aliasesMax, 'aliases', aliases));
  }
  if (directives > limits.directivesMax) {
    const message = most(limits.directivesMax, 'directives', directives);
    return new GatewayError('TOO_MANY_DIRECTIVES', message);
  }
  const measure = createMeasure(doc);
  for (const definition of doc.definitions) {
    if (definition.kind !== 'OperationDefinition' && definition.kind !== 'FragmentDefinition') {
      continue;
    }
    const { depth, fields } = measure(definition.selectionSet);
    if (depth > limits.queryDepthMax) {
      return new GatewayError('QUERY_TOO_DEEP', most(limits.queryDepthMax, 'levels', depth));
    }
    if (fields > limits.fieldsMax) {
      return new GatewayError('QUERY_TOO_COMPLEX', most(limits.fieldsMax, 'fields', fields));
    }
    if (definition.kind === 'FragmentDefinition') continue;
    const roots = rootFields(doc, definition).length;
    if (roots > limits.rootFieldsMax) {
      const message = most(limits.rootFieldsMax, 'fields at its root', roots);
      return new GatewayError('QUERY_TOO_COMPLEX', message);
    }
  }
  return undefined;
}

/** The fields at the root of an operation, those in fragments too. */
export function rootFields(doc: DocumentNode, operation: OperationDefinitionNode): FieldNode[] {
  const fragments = fragmentsOf(doc);
  const seen = new Set<string>();
  function collect(set: SelectionSetNode): FieldNode[] {
    return set.selections.flatMap(selection => {
      if (selection.kind === 'Field') return [selection];
      if (selection.kind === 'InlineFragment') return collect(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      if (fragment === undefined || seen.has(selection.name.value)) return [];
      seen.add(selection.name.value);
      return collect(fragment.selectionSet);
    });
  }
  return collect(operation.selectionSet);
}

/** The operation that a request means. @throws GatewayError OPERATION_RESOLUTION_FAILURE */
export function resolveOperation(
  doc: DocumentNode,
  operationName: string | null | undefined,
): OperationDefinitionNode {
  const operation = getOperationAST(doc, operationName);
  if (operation) return operation;
  const message =
    operationName == null
      ? 'The document must have one operation, or the request must name one.'
      : 'The document has no operation with the given name.';
  throw new GatewayError('OPERATION_RESOLUTION_FAILURE', message);
}

function countMarks(doc: DocumentNode): { aliases: number; directives: number } {
  let aliases = 0;
  let directives = 0;
  visit(doc, {
    Field(node) {
      if (node.alias) aliases++;
    },
    Directive() {
      directives++;
    },
  });
  return { aliases, directives };
}

function createMeasure(doc: DocumentNode): (set: SelectionSetNode) => Extent {
  const fragments = fragmentsOf(doc);
  const measured = new Map<string, Extent>();

  function measureFragment(name: string): Extent {
    const known = measured.get(name);
    if (known) return known;
    const fragment = fragments.get(name);
    if (!fragment) return NOTHING;
    // Ends a circle of fragments, which validation will refuse.
    measured.set(name, NOTHING);
    const extent = measure(fragment.selectionSet);
    measured.set(name, extent);
    return extent;
  }

  function measure(set: SelectionSetNode): Extent {
    let depth = 0;
    let fields = 0;
    for (const selection of set.selections) {
      let inner = NOTHING;
      if (selection.kind === 'FragmentSpread') inner = measureFragment(selection.name.value);
      else if (selection.selectionSet) inner = measure(selection.selectionSet);
      const own = selection.kind === 'Field' ? 1 : 0;
      // Introspection has a rule of its own (MaxIntrospectionDepth), and clients that ask 15 deep.
      const isMeta = selection.kind === 'Field' && selection.name.value.startsWith('__');
      depth = Math.max(depth, isMeta ? 1 : own + inner.depth);
      fields += own + inner.fields;
    }
    return { depth, fields };
  }

  return measure;
}

export function fragmentsOf(doc: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of doc.definitions) {
    if (node.kind === 'FragmentDefinition') fragments.set(node.name.value, node);
  }
  return fragments;
}

function most(bound: number, of: string, got: number): string {
  return `An operation may have at most ${bound} ${of}, but this has ${got}.`;
}
