import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';

/**
 * The field of a subscription may not be left out: there would be nothing to subscribe to.
 * graphql-js 16 lets it pass, and then fails on it.
 * @see https://spec.graphql.org/September2025/#sec-Single-Root-Field
 */
export const UnconditionalSubscriptionsRule: ValidationRule = context => ({
  OperationDefinition({ operation, selectionSet }) {
    if (operation !== OperationTypeNode.SUBSCRIPTION) return;
    const found = conditional(selectionSet, name => context.getFragment(name));
    if (found === undefined) return;
    const message = 'The field of a subscription may have neither @skip nor @include.';
    context.reportError(new GraphQLError(message, { nodes: found }));
  },
});

type FragmentOf = (name: string) => FragmentDefinitionNode | null | undefined;

function conditional(
  { selections }: SelectionSetNode,
  fragmentOf: FragmentOf,
  seen = new Set<string>(),
): SelectionNode | undefined {
  for (const node of selections) {
    const isConditional = node.directives?.some(({ name: { value } }) => {
      return value === 'skip' || value === 'include';
    });
    if (isConditional === true) return node;
    if (node.kind === Kind.FIELD) continue;
    const inner = innerOf(node, fragmentOf, seen);
    const found = inner && conditional(inner, fragmentOf, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined for a fragment that was looked at before, or is not there. */
function innerOf(
  node: Exclude<SelectionNode, { kind: Kind.FIELD }>,
  fragmentOf: FragmentOf,
  seen: Set<string>,
): SelectionSetNode | undefined {
  if (node.kind === Kind.INLINE_FRAGMENT) return node.selectionSet;
  const name = node.name.value;
  if (seen.has(name)) return undefined;
  seen.add(name);
  return fragmentOf(name)?.selectionSet;
}
