/** What is refused in a document beside the rules of graphql-js. */
import {
  getNamedType,
  GraphQLError,
  Kind,
  OperationTypeNode,
  typeFromAST,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';

/** Types whose values, once they are parsed, are what came as JSON. */
const AS_SENT: ReadonlySet<string> = new Set(
  'Boolean Float ID Int JSON JSONObject SafeInt String'.split(' '),
);

/**
 * A variable inside a JSON literal is of a type that is JSON itself. Of a DateTime or a Duration
 * only the parsed value would be stored, which is not what was sent: another instant's text, or a
 * number of milliseconds.
 */
export const JsonVariablesRule: ValidationRule = context => ({
  OperationDefinition: {
    leave(operation) {
      const definitions = operation.variableDefinitions ?? [];
      // Only inside the literal of a scalar a variable has no type by its place.
      for (const { node, type } of context.getRecursiveVariableUsages(operation)) {
        const name = node.name.value;
        const definition = definitions.find(({ variable }) => variable.name.value === name);
        if (type != null || definition === undefined) continue;
        const given = typeFromAST(context.getSchema(), definition.type as never);
        const typeName = given === undefined ? 'String' : getNamedType(given).name;
        if (AS_SENT.has(typeName)) continue;
        const message =
          `Variable "$${name}" is inside a JSON value, which does not keep a ${typeName} as ` +
          'it was sent. Declare the variable as JSON or String.';
        context.reportError(new GraphQLError(message, { nodes: [definition, node] }));
      }
    },
  },
});

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
